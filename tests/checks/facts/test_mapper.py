"""Facts of many blobs, whatever one of them does to its child."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from checks.facts import documents, limits, lint, tree
from checks.facts.lint import LintContext
from checks.facts.mapper import MapJob, Mapped, Team, key_of, map_blobs
from checks.facts.store import FactStore, MemoryFactStore

CONTEXT = LintContext(("T201", "E501"))
NORMAL = b"import os\n\n\ndef f() -> None:\n    print(os)\n"

HOSTILE: dict[str, tuple[bytes, str, str]] = {
    # name: content, part of the note of "py" ("" for none), of "lint" ("" for none)
    "sum of 10,000 terms": (b"x = 1" + b"+1" * 10_000, "nested too deeply", "ruff crashed"),
    "100,000 brackets": (b"x = " + b"[" * 100_000, "does not parse", "ruff crashed"),
    "100,000 minus signs": (b"x = " + b"-" * 100_000 + b"1", "does not parse", "ruff crashed"),
    "1,000 elif": (b"if a:\n    pass\n" + b"elif b:\n    pass\n" * 1_000, "", ""),
    "NUL": (b"x = '\0'\n", "NUL", "NUL"),
    "UTF-16": ("x = 1\n".encode("utf-16"), "UTF-16", "UTF-16"),
    "latin-1": (b"# coding: latin-1\nx = '\xe9'\n", "", ""),
    "BOM": (b"\xef\xbb\xbfx = 1\n", "", ""),
    "one line of 20 MB": (
        b"x = '" + b"a" * 20_000_000 + b"'\n",
        "larger than 512",
        "larger than 1 M",
    ),
    "one line of 600 kB": (b"x = '" + b"a" * 600_000 + b"'\n", "larger than 512 KiB", ""),
    "syntax error": (b"x = 1\ndef f(:\n", "line 2", ""),
    "Git LFS": (b"version https://git-lfs.github.com/spec/v1\n", "LFS", "LFS"),
    "empty": (b"", "", ""),
}


def _oid(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


def _jobs(blobs: Iterable[bytes]) -> list[MapJob]:
    return [
        MapJob(_oid(data), kind, len(data), "x.py", context)
        for data in blobs
        for kind, context in (("py", None), ("lint", CONTEXT))
    ]


def _reader(
    blobs: Iterable[bytes], before: Callable[[int], None] = lambda number: None
) -> Callable[[Iterable[str]], Iterator[tuple[str, bytes]]]:
    by_oid = {_oid(data): data for data in blobs}

    def read(oids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        for number, oid in enumerate(oids):
            before(number)
            yield oid, by_oid[oid]

    return read


def _map(blobs: list[bytes], store: FactStore | None = None, processes: int = 1) -> Mapped:
    return map_blobs(_jobs(blobs), _reader(blobs), store or MemoryFactStore(), processes=processes)


@pytest.mark.parametrize("processes", [1, 2])
def test_hostile_files_end_as_notes_and_the_others_keep_their_facts(processes: int) -> None:
    normal = [NORMAL + b"# %d\n" % number for number in range(30)]
    hostile = [data for data, _, _ in HOSTILE.values()]
    blobs = [blob for pair in zip(normal, hostile, strict=False) for blob in pair]
    blobs += normal[len(hostile) :]
    mapped = _map(blobs, processes=processes)
    for name, (data, python, ruff) in HOSTILE.items():
        for job, expected in zip(_jobs([data]), (python, ruff), strict=True):
            note = mapped.notes.get(key_of(job), "")
            assert expected in note, name
            assert expected or not note, f"{name}: {note}"
            assert note or mapped.facts[key_of(job)], name
    for job in _jobs(normal):
        assert key_of(job) not in mapped.notes
        if job.kind == "py":
            assert len(tree.DECODER.decode(mapped.facts[key_of(job)]).functions) == 1
        else:
            fact = lint.DECODER.decode(mapped.facts[key_of(job)])
            assert [diagnostic.code for diagnostic in fact.diagnostics] == ["T201"]


def test_the_second_time_nothing_is_read_and_the_result_is_the_same() -> None:
    blobs = [NORMAL, b"def f(:\n", b"x = 1" + b"+1" * 20_000]
    store = MemoryFactStore()
    first = _map(blobs, store)

    def unread(oids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        raise AssertionError(list(oids))

    assert map_blobs(_jobs(blobs), unread, store) == first


def test_the_result_does_not_depend_on_the_number_of_processes() -> None:
    blobs = [NORMAL * number for number in range(1, 40)]
    assert _map(blobs) == _map(blobs, processes=3)


def test_a_blob_with_two_names_is_judged_as_both() -> None:
    jobs = [
        MapJob(_oid(NORMAL), "lint", len(NORMAL), name, CONTEXT) for name in ("a.py", "__init__.py")
    ]
    mapped = map_blobs(jobs, _reader([NORMAL]), MemoryFactStore())
    assert len(mapped.facts) == 2


def test_progress_begins_with_what_is_known_and_ends_with_all() -> None:
    store = MemoryFactStore()
    _map([NORMAL], store)
    seen: list[tuple[int, int]] = []
    blobs = [NORMAL, NORMAL + b"# more\n"]
    map_blobs(_jobs(blobs), _reader(blobs), store, progress=lambda *count: seen.append(count))
    assert seen[0] == (2, 4)
    assert seen[-1] == (4, 4)


def test_what_a_scan_does_not_read_any_more_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SCAN_FILES", 2)
    blobs = [b"a = 1\n", b"b = 1\n", b"c = 1\n"]
    mapped = _map(blobs)
    assert {key.oid for key in mapped.facts} == {_oid(blob) for blob in blobs[:2]}
    assert {key.oid for key in mapped.notes} == {_oid(blobs[2])}


def _children() -> list[int]:
    """Analysis children of this process."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        try:
            parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
            if (
                parent == str(os.getpid())
                and b"checks.facts.child" in (entry / "cmdline").read_bytes()
            ):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def _kill_once(number: int) -> Callable[[int], None]:
    """Kill the children at work just before the last of several batches is read."""
    killed: list[int] = []

    def before(position: int) -> None:
        if position > 5 and not killed:
            killed.extend(_children())
            for pid in killed:
                os.kill(pid, number)

    return before


@pytest.fixture
def large() -> list[bytes]:
    """Ten blobs that make more than one batch."""
    return [NORMAL * 2_500 + b"# %d\n" % number for number in range(10)]


def test_a_child_killed_by_accident_costs_nothing(large: list[bytes]) -> None:
    read = _reader(large, _kill_once(signal.SIGKILL))
    mapped = map_blobs(_jobs(large), read, MemoryFactStore(), processes=2)
    assert mapped.notes == {}
    assert len(mapped.facts) == 20


def test_a_child_that_crashes_costs_the_file_it_was_at(large: list[bytes]) -> None:
    store = MemoryFactStore()
    read = _reader(large, _kill_once(signal.SIGSEGV))
    mapped = map_blobs(_jobs(large), read, store, processes=2)
    assert set(mapped.notes.values()) == {"analysis crashed on it"}
    assert len(mapped.notes) == 1
    assert len(mapped.facts) == 19


def test_no_process_and_no_directory_is_left(tmp_path: Path) -> None:
    def fails(oids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        yield _oid(NORMAL), NORMAL
        raise OSError("the mirror is gone")

    with pytest.raises(OSError, match="mirror"):
        map_blobs(_jobs([NORMAL, b"x = 1\n"]), fails, MemoryFactStore(), processes=2)
    assert _children() == []


def test_one_team_serves_several_calls_with_the_same_children() -> None:
    with Team(1) as team:
        first = map_blobs(_jobs([NORMAL]), _reader([NORMAL]), MemoryFactStore(), team=team)
        children = _children()
        second = map_blobs(_jobs([b"x = 1\n"]), _reader([b"x = 1\n"]), MemoryFactStore(), team=team)
        assert len(children) == 1
        assert _children() == children
    assert len(first.facts) == len(second.facts) == 2
    assert _children() == []


def test_documents_are_mapped_beside_python_and_a_bomb_is_a_note_of_its_own() -> None:
    bomb = b"a0: &a0 [x]\n" + b"".join(
        b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 20)
    )
    blobs = {bomb: "yaml", b"a: 1\n": "yaml", b"[a]\nb = 1\n": "toml", b"# T\n": "markdown"}
    jobs = [MapJob(_oid(data), kind, len(data)) for data, kind in blobs.items()]
    large = MapJob("f" * 40, "yaml", 300_000)
    mapped = map_blobs([*jobs, large], _reader(blobs), MemoryFactStore())
    assert "aliases" in mapped.notes[key_of(jobs[0])]
    assert mapped.notes[key_of(large)] == "larger than 256 KiB"
    assert documents.DECODER.decode(mapped.facts[key_of(jobs[1])]).data == {"a": 1}
    assert documents.DECODER.decode(mapped.facts[key_of(jobs[2])]).get("a.b") == 1
    assert len(mapped.notes) == 2


def test_a_lint_job_without_its_context_is_refused() -> None:
    with pytest.raises(ValueError, match="LintContext"):
        key_of(MapJob("a", "lint", 1))
