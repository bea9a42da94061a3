"""One commit of each week, for a course of the past."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from checks.source import Commit, Source


def weekly(source: Source, weeks: int) -> list[Commit]:
    """The last commit of each ISO week on the first-parent chain before the source's own week.

    Args:
        source: The commit from which to look back.
        weeks: How far; counted from the date of that commit.

    Returns:
        Newest first. Where the dates of a chain go up and down, a week is over once an older one
        was seen, so that the course never goes back.
    """
    known = {commit.oid: commit for commit in source.history()}
    chain = (known[oid] for oid in source.mainline() if oid in known)
    earliest = source.time - int(timedelta(weeks=weeks).total_seconds())
    return list(_last_of_week(chain, _week(source.time), earliest))


def _last_of_week(
    chain: Iterable[Commit], before: tuple[int, int], earliest: int
) -> Iterable[Commit]:
    for commit in chain:
        if commit.time < earliest:
            return
        week = _week(commit.time)
        if week < before:
            before = week
            yield commit


def _week(moment: int) -> tuple[int, int]:
    year, week, _ = datetime.fromtimestamp(moment, UTC).isocalendar()
    return year, week
