"""The past of a repository against one cold review of its head: a snapshot of each week.

As a program it judges the head and then the last commit of each week before it, with facts kept
in one folder: ``python -m tests.bench.backfill GIT_DIR FOLDER WEEKS``.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from checks.compose import compose
from checks.facts.store import SqliteFactStore
from checks.fresh import ask
from checks.gitread import git_dir_of
from checks.gitsource import GitSource, resolve
from checks.standard import shipped
from checks.weekly import weekly
from tests.bench.engine import ROOT
from tests.bench.measuring import Cost, run

WEEKS = 104
TARGET = 52


class Past(NamedTuple):
    """What was measured: a cold review of the head, and the same with its past."""

    name: str
    snapshots: int
    cold: Cost
    everything: Cost


def measure(path: Path) -> Past:
    """Measure one repository; both runs begin without any facts."""
    git_dir = git_dir_of(path)
    source = GitSource(git_dir, resolve(git_dir, ""))
    cold, everything = (_run(git_dir, weeks) for weeks in (0, WEEKS))
    return Past(path.name, len(weekly(source, WEEKS)), cold, everything)


def _run(git_dir: Path, weeks: int) -> Cost:
    with tempfile.TemporaryDirectory(prefix="straightedge-bench-") as folder:
        words = [sys.executable, "-m", "tests.bench.backfill", str(git_dir), folder, str(weeks)]
        cost = run(words, folder=ROOT)
    if cost.code:
        raise SystemExit(f"Judging {git_dir} ended with code {cost.code}.")
    return cost


def table(repositories: Sequence[Path]) -> Iterator[str]:
    """Lines of a table, a row when it is measured."""
    heads = ("snapshots", "cold (s)", "past/cold", "one/cold", f"{TARGET}/cold", "peak MiB")
    yield f"{'past, CPU':18}" + "".join(f"{head:>12}" for head in heads)
    for path in repositories:
        row = measure(path)
        past = row.everything.cpu - row.cold.cpu
        one = past / max(row.snapshots, 1) / row.cold.cpu
        figures = (
            f"{row.snapshots}",
            f"{row.cold.cpu:.1f}",
            f"{past / row.cold.cpu:.1f}",
            f"{one:.2f}",
            f"{one * TARGET:.1f}",
            f"{row.everything.peak:.0f}",
        )
        yield f"{row.name[:18]:18}" + "".join(f"{figure:>12}" for figure in figures)


def _judge(git_dir: Path, folder: Path, weeks: int) -> None:
    store, standards = SqliteFactStore(folder / "facts.sqlite3"), shipped()
    head = GitSource(git_dir, resolve(git_dir, ""), remember=store)
    for source in (head, *(head.earlier(each.oid) for each in weekly(head, weeks))):
        read = ask(source, standards, "", store, {}, jobs=1, progress=None)
        compose(("past", source.commit, ""), *read, standards)


if __name__ == "__main__":
    _judge(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
