"""Predictions kept to: fixes are applied to a scratch copy, and the engine judges it again."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from checks.facts.store import MemoryFactStore
from checks.model import Finding, Report
from checks.opening import open_folder
from checks.outcomes import unpack
from checks.plan import KINDS, Worth
from checks.review import review
from checks.scoring import units
from checks.standard import parse
from tests.gitservers import IDENTITY

FIXES: Mapping[str, tuple[str, str]] = {
    "no-print": (r"print\(", "str("),
    "no-broad-except": (r"except( Exception)?:", "except ValueError:"),
    "mutable-default-argument": (r"= \[\]", "= ()"),
    "timezone-aware-datetimes": (r"datetime\.now\(\)", "datetime.now(UTC)"),
    "implicit-optional": (r"note: str = None", "note: str | None = None"),
    "wildcard-import": (r"import \*", "import path"),
}
"""How one line is mended so that its site complies and no other is touched."""

STANDARD = parse(
    b"""
slug = "team"
title = "Team"
[[clause]]
id = "T-1"
requirement = "Nothing is printed, and nothing is swallowed."
strength = "must"
checks = [{ id = "no-print" }, { id = "no-broad-except" }]
[[clause]]
id = "T-2"
requirement = "No exception is swallowed."
strength = "should"
checks = [{ id = "no-broad-except" }]
[[clause]]
id = "T-3"
requirement = "Defaults are immutable."
strength = "must"
checks = [{ id = "mutable-default-argument" }, { id = "wildcard-import" }]
[[clause]]
id = "T-4"
requirement = "Times have a zone, and what may be missing says so."
strength = "should"
checks = [{ id = "timezone-aware-datetimes" }, { id = "implicit-optional" }]
[[clause]]
id = "T-5"
requirement = "Nothing is printed."
strength = "may"
checks = [{ id = "no-print" }]
""",
    "team",
)

CLOCK = """\
from datetime import UTC, datetime


def stamp(note: str = None) -> str:
    return f"{datetime.now()} {note}"


def later() -> datetime:
    return datetime.now(UTC)
"""
READER = """\
def load(path: str, seen: list[str] = []) -> str:
    try:
        print(path)
        return open(path).read()
    except Exception:
        return ""


def keep(path: str) -> str:
    try:
        return open(path).read()
    except OSError:
        return ""
"""
SWALLOW = """\
from os import *


def one() -> None:
    try:
        print(1)
        print(2)
    except:
        pass


def two(rows: list[int] = []) -> None:
    try:
        print(rows)
    except Exception:
        pass
"""
EXAMPLES = {
    "flat": {"app.py": READER, "clock.py": CLOCK, "clean.py": "def one() -> int:\n    return 1\n"},
    "layers": {
        "app/api/routes.py": SWALLOW,
        "app/services/reader.py": READER,
        "app/services/clock.py": CLOCK,
        "app/__init__.py": "",
    },
    "grown": {f"src/part{n}.py": (READER, CLOCK, SWALLOW)[n % 3] for n in range(8)},
}


class Judgement(NamedTuple):
    report: Report
    worth: Worth

    @property
    def points(self) -> int:
        score = self.report.standards[0].score
        assert score is not None
        return units(score)


@pytest.fixture(scope="module")
def store() -> MemoryFactStore:
    return MemoryFactStore()


def judge(folder: Path, store: MemoryFactStore) -> Judgement:
    opened = open_folder(str(folder))
    answers: list[bytes] = []
    report = review(
        opened.source, [STANDARD], repository="r", facts_store=store, take=answers.append
    )
    return Judgement(report, Worth(STANDARD, unpack(answers[0])))


def commit(folder: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "feat: go on"]):
        subprocess.run(["git", *arguments], cwd=folder, env={**os.environ, **IDENTITY}, check=True)


def mended(folder: Path, findings: Iterable[Finding], copy: Path) -> Path:
    """A copy of the repository in which these findings, and no others, are fixed."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy)
    for finding in findings:
        lines = (copy / finding.path).read_text().splitlines(keepends=True)
        pattern, instead = FIXES[finding.check]
        lines[finding.line - 1], count = re.subn(pattern, instead, lines[finding.line - 1])
        assert count == 1, finding
        (copy / finding.path).write_text("".join(lines))
    commit(copy, {})
    return copy


@pytest.mark.parametrize("name", EXAMPLES)
def test_predicted_equals_actual(name: str, tmp_path: Path, store: MemoryFactStore) -> None:
    folder, copy = tmp_path / "here", tmp_path / "copy"
    folder.mkdir()
    commit(folder, EXAMPLES[name])
    before = judge(folder, store)
    found = before.report.findings
    assert {each.check for each in found} >= {"no-print", "no-broad-except", "implicit-optional"}

    for finding in {each.check: each for each in found}.values():
        after = judge(mended(folder, [finding], copy), store)
        assert after.points == before.points + units(finding.gain["team"]), finding

    for kind in KINDS:
        for gain in before.worth.listed(kind):
            of = [each for each in found if gain.name in _names(each)]
            assert gain.findings == len(of)
            after = judge(mended(folder, of, copy), store)
            assert after.points == before.points + units(gain.points), gain

    plan = before.worth.plan("A")
    assert plan is not None
    assert plan.reached
    fixed: list[Finding] = []
    for step in plan.steps:
        step_findings = [e for e in found if step.name in e.clauses and e not in fixed]
        assert step.findings == len(step_findings)
        fixed += step_findings
        assert judge(mended(folder, fixed, copy), store).points == units(step.score)


def _names(finding: Finding) -> set[str]:
    return {*finding.clauses, finding.check, finding.path}
