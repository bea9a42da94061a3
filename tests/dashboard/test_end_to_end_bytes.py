"""The same commit and the same rules give the same bytes, whatever was remembered before."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from checks.facts.store import FactStore, SqliteFactStore
from checks.gitsource import GitSource
from checks.report import json as report_json
from checks.review import review
from checks.rules.specs import areas, examples
from checks.standard import shipped
from tests.gitservers import Origin

COMMITS = 8
DAY = 86_400
START = 1_730_000_000
_FILE = re.compile(r"^#-- (\S+)\n(.*?)(?=^#-- |\Z)", re.MULTILINE | re.DOTALL)
# Files that are met on the way and cannot be analysed, wholly or in part.
ODD: dict[str, bytes] = {
    "app/broken.py": b"def f(:\n",
    "app/nul.py": b"x = '\0'\n",
    "app/latin.py": b"# -*- coding: latin-1 -*-\nname = 'caf\xe9'\n",
    "app/bom.py": b"\xef\xbb\xbfprint('x')\n",
    "pyproject.toml": b"[project\n",
}


def snippets() -> Iterator[tuple[str, str]]:
    """(path, content) of the files in the catalogue's examples: something for each check."""
    for area in areas():
        for pairs in examples(area).values():
            for pair in pairs:
                for text in (pair.good, pair.bad):
                    yield from _FILE.findall(text)


def random_history(folder: Path, seed: int) -> list[tuple[Path, str]]:
    """Make a repository whose commits add, change, move and delete; returns its commits."""
    choose = random.Random(seed)
    known = sorted(set(snippets()))
    origin = Origin.create(folder / "origin.git")
    files: dict[str, str | bytes] = {}
    commits = []
    for number in range(COMMITS):
        files |= dict(choose.sample(known, 25 if number == 0 else 5))
        files |= dict(choose.sample(sorted(ODD.items()), 1))
        for path in choose.sample(sorted(files), 2):
            del files[path]
        moved = choose.choice([path for path in files if path.endswith(".py")])
        files[f"app/moved/{Path(moved).name}"] = files.pop(moved)
        when = START + number * DAY
        commit = origin.commit(files, message=f"feat: step {number}", when=when)
        commits.append((origin.git_dir, commit))
    return commits


def judge(git_dir: Path, commit: str, store: FactStore | None, jobs: int = 1) -> bytes:
    """The report's bytes by all shipped standards."""
    source = GitSource(git_dir, commit, remember=store)
    report = review(source, shipped(), repository="shop", facts_store=store, jobs=jobs)
    return report_json.render(report).encode()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_incremental_equals_full_over_a_random_history(tmp_path: Path, seed: int) -> None:
    commits = random_history(tmp_path, seed)
    store = SqliteFactStore(tmp_path / "facts.sqlite3")

    full = [judge(*commit, None) for commit in commits]
    incremental = [judge(*commit, store) for commit in commits]
    backwards = [judge(*commit, store) for commit in reversed(commits)]

    assert len(set(full)) == COMMITS
    for number, whole in enumerate(full):
        assert incremental[number] == whole
        assert backwards[-1 - number] == whole


def test_a_commit_that_is_judged_twice_gives_the_same_bytes_with_one_job_or_two(
    tmp_path: Path,
) -> None:
    commit = random_history(tmp_path, 4)[-1]

    assert judge(*commit, None) == judge(*commit, None) == judge(*commit, None, jobs=2)
