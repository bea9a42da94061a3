"""Traps of attestations."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from checks import rules
from checks.check import CATALOGUE
from checks.judge import answer
from checks.memorysource import MemorySource
from checks.project.project import Project
from checks.rules.specs import specs
from tests.checks.projects import TIME

RECORD = {
    "topic": "secret-rotation",
    "by": "lead@example.com",
    "on": date(2025, 1, 10),
    "expires": date(2025, 7, 1),
    "evidence": "rotated all keys, see the minutes",
}


def reasons(*records: dict[str, Any]) -> list[str]:
    """What is found with these records on 31 January 2025."""
    rules.load()
    source = MemorySource.of({}, time=TIME)
    project = Project(source, entries=[], python={}, documents={}, lint={}, attestations=records)
    params = specs()["lead-attestation"].merged({"topic": "secret-rotation"})
    outcome = answer(CATALOGUE["lead-attestation"], project, params)
    assert outcome.sites == 1
    return [each.message for each in outcome.observations]


def test_a_record_in_force_holds() -> None:
    assert reasons(RECORD) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"topic": "*"}, "no lead has recorded one"),
        ({"by": ""}, "not signed"),
        ({"lead": False}, "not signed"),
        ({"evidence": "yes"}, "evidence"),
        ({"expires": date(2025, 1, 30)}, "expired on 2025-01-30"),
        ({"on": date(2024, 7, 1)}, "expired on 2024-12-28"),
        ({"on": None, "expires": None}, "no date"),
        ({"expires": "2025-01-30T00:00:00Z"}, "expired on 2025-01-30"),
    ],
)
def test_a_record_that_does_not_count_says_why(change: dict[str, Any], reason: str) -> None:
    (message,) = reasons(RECORD | change)
    assert reason in message


def test_an_old_record_does_not_spoil_a_new_one() -> None:
    assert reasons(RECORD, RECORD | {"expires": date(2024, 1, 1)}) == []


def test_a_link_is_evidence_however_short() -> None:
    assert reasons(RECORD | {"evidence": "https://x.io/1"}) == []
