"""The last commit of each week, looking back from one commit."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from checks.gitsource import GitSource
from checks.weekly import weekly
from tests.gitservers import Origin

DAY = 86_400
MONDAY = int(datetime(2024, 1, 1, 12, tzinfo=UTC).timestamp())


def chosen(origin: Origin, weeks: int) -> list[str]:
    source = GitSource(origin.git_dir, origin.top())
    return [commit.oid for commit in weekly(source, weeks)]


def committed(folder: Path, *days: int) -> tuple[Origin, list[str]]:
    """A repository with a commit on each of these days, counted from a Monday."""
    origin = Origin.create(folder / "r.git")
    oids = []
    for number, day in enumerate(days):
        origin.commit({"a.py": f"x = {number}\n"}, when=MONDAY + day * DAY)
        oids.append(origin.top())
    return origin, oids


def test_the_last_commit_of_each_earlier_week_newest_first(tmp_path: Path) -> None:
    origin, oids = committed(tmp_path, 0, 2, 6, 7, 8, 30, 31)

    # The week of the commit itself is told by its own result.
    assert chosen(origin, 104) == [oids[4], oids[2]]


def test_what_lies_further_back_is_left_alone(tmp_path: Path) -> None:
    origin, oids = committed(tmp_path, 0, 14, 21, 28)

    assert chosen(origin, 1) == [oids[2]]
    assert chosen(origin, 0) == []


def test_dates_that_go_back_and_forth_never_turn_the_course(tmp_path: Path) -> None:
    origin, oids = committed(tmp_path, 0, 14, 7, 28)

    assert chosen(origin, 104) == [oids[2], oids[0]]
