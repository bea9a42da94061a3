"""Our own code is judged by our own checks; what deviates is waived in a file, with its reason."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

import pytest

from checks.facts.store import MemoryFactStore
from checks.model import Report
from checks.opening import open_folder
from checks.review import review
from checks.standard import load
from tests.house.source_tree import ROOT

HERE = Path(__file__).parent
RULES = HERE / "house-rules.toml"
WAIVERS = tomllib.loads((HERE / "waivers.toml").read_text(encoding="utf-8"))["waiver"]


@pytest.fixture(scope="module")
def report() -> Report:
    """What our checks say of the files as they are here, committed or not."""
    opened = open_folder(str(ROOT), worktree=True, remember=None)
    store = MemoryFactStore()
    return review(opened.source, [load(RULES)], repository="self", facts_store=store)


def test_every_finding_is_waived_and_every_waiver_is_used(report: Report) -> None:
    found = Counter((each.check, each.path) for each in report.findings if not each.suppressed)
    waived = Counter({(each["check"], each["path"]): each["count"] for each in WAIVERS})

    assert dict(found - waived) == {}, "findings beyond what is waived"
    assert dict(waived - found) == {}, "waivers that absorb less than they say"


def test_every_clause_is_answered(report: Report) -> None:
    verdicts = {clause.id: clause.verdict for clause in report.standards[0].clauses}

    assert set(verdicts.values()) <= {"holds", "fails"}, verdicts
    assert report.manifest.analysed > 0


def test_every_waiver_has_its_reason() -> None:
    assert all(len(each["reason"]) > 20 for each in WAIVERS)
