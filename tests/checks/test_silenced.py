"""Comments that silence a tool: in whose files they are looked for, and what they say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import override

from checks.facts.store import MemoryFactStore
from checks.gitsource import GitSource
from checks.memorysource import MemorySource
from checks.silenced import silenced
from tests.gitservers import Origin

CODE = "print(1)  # noqa: T201 - shown to a person\nx = 1  # type: ignore\n"


def test_comments_are_listed_by_file_with_their_reasons() -> None:
    files: dict[str, str | bytes] = {
        "app/main.py": CODE,
        "app/types.pyi": "x: int  # pylint: disable=invalid-name\n",
        "app/clean.py": "x = 1  # pragma: no cover\n",
        "app/notes.md": "# noqa\n",
        "vendor/old.py": CODE,
        "app/schema_pb2.py": CODE,
        "app/binary.py": b"\0# noqa",
    }
    found = silenced(MemorySource.of(files, time=0))

    assert list(found) == ["app/main.py", "app/types.pyi"]
    told = [(e.line, e.kind, e.codes, e.reason) for e in found["app/main.py"]]
    assert told == [
        (1, "noqa", ("T201",), "shown to a person"),
        (2, "type-ignore", (), ""),
    ]
    assert len({each.text for each in found["app/main.py"]}) == 2


def test_a_block_is_known_to_its_end() -> None:
    code = "# ruff: disable[T201]\nprint(1)\n# ruff: enable[T201]\nprint(2)  # noqa: T201\n"
    found = silenced(MemorySource.of({"a.py": code}, time=0))

    assert [(each.line, each.end_line) for each in found["a.py"]] == [(1, 3), (4, 0)]


def test_a_folder_is_its_own_repository() -> None:
    source = MemorySource.of({"api/main.py": CODE, "apis/main.py": CODE}, time=0)

    assert list(silenced(source, "api")) == ["api/main.py"]


def test_a_file_is_read_once_whatever_it_is_called_in_a_later_commit(tmp_path: Path) -> None:
    origin = Origin.create(tmp_path / "shop.git")
    store = MemoryFactStore()
    first = GitSource(origin.git_dir, origin.commit({"a.py": CODE}), remember=store)
    assert list(silenced(first)) == ["a.py"]

    class Blind(GitSource):
        @override
        def blobs(self, oids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
            assert not list(oids)
            yield from ()

    later = Blind(origin.git_dir, origin.commit({"b.py": CODE}), remember=store)
    assert silenced(later) == {"b.py": silenced(first)["a.py"]}
