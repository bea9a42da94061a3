"""Where the time of one cold review goes: phases, and the slowest checks, as CPU seconds."""

from __future__ import annotations

import gc
import resource
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from checks import rules
from checks.facts.store import SqliteFactStore
from checks.fingerprint import findings
from checks.fresh import judge_project
from checks.gitsource import GitSource, resolve
from checks.reading import read_project
from checks.scoring import tallies
from checks.standard import shipped
from checks.verdict import judge

SLOWEST = 25


class Phases:
    """CPU seconds by phase, children that have ended included."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Measure what happens inside."""
        before = _cpu()
        yield
        self.seconds[name] = _cpu() - before


def _cpu() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def report(git_dir: Path, scratch: Path, rev: str = "") -> list[str]:
    """Judge one commit from nothing, in this process; returns the lines of two tables.

    Args:
        git_dir: A repository with an object database; it is only read.
        scratch: An empty folder.
        rev: Revision; HEAD by default.
    """
    gc.disable()
    phases = Phases()
    with phases.of("standards and checks loaded"):
        standards = shipped()
        rules.load()
    store = SqliteFactStore(scratch / "facts.sqlite3")
    source = GitSource(git_dir, resolve(git_dir, rev), remember=store)
    with phases.of("map: facts of every blob"):
        read = read_project(source, store)
    with phases.of("reduce: every check asked"):
        outcomes = judge_project(read.project, standards)
    with phases.of("verdicts, findings and gains"):
        counted = tallies(outcomes)
        for standard in standards:
            judge(standard, outcomes, counted)
        findings(outcomes, standards, counted)
    asked: Counter[str] = Counter()
    seconds: dict[str, float] = {}
    for (name, _), outcome in outcomes.items():
        asked[name] += 1
        seconds[name] = seconds.get(name, 0.0) + outcome.seconds
    return [*_phases(phases), "", *_checks(asked, seconds)]


def _phases(phases: Phases) -> Iterator[str]:
    total = sum(phases.seconds.values())
    yield f"{'phase':34}{'CPU s':>8}{'share':>8}"
    for name, spent in phases.seconds.items():
        yield f"{name:34}{spent:8.2f}{spent / total:8.0%}"
    yield f"{'in all':34}{total:8.2f}"


def _checks(asked: Counter[str], seconds: Mapping[str, float]) -> Iterator[str]:
    total = sum(seconds.values())
    middle = sorted(seconds.values())[len(seconds) // 2]
    yield f"{len(seconds)} checks under {asked.total()} limits; the median takes {middle:.4f} s"
    yield "(what a part of the model costs is counted to the check that asks for it first)"
    yield f"{'check':34}{'limits':>8}{'CPU s':>8}{'share':>8}"
    for name, spent in sorted(seconds.items(), key=lambda item: -item[1])[:SLOWEST]:
        yield f"{name:34}{asked[name]:8}{spent:8.3f}{spent / total:8.1%}"
