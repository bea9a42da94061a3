"""Findings of two commits are paired once, and only where somebody asks."""

from __future__ import annotations

from typing import Any

import pytest

from checks.matching import match
from checks.memorysource import MemorySource
from checks.review import review
from checks.since import Since, State, missing_names
from checks.standard import parse
from checks.waivers import Waiver

RULES = b"""
slug = "team"
title = "Team"
[[clause]]
id = "T-1"
requirement = "Nothing is printed."
strength = "must"
checks = [{ id = "no-print" }]
"""
PRINTS = 'def run() -> None:\n    print("one")\n    print("two")  # noqa: T201\n'


def state(path: str, text: str) -> State:
    source = MemorySource.of({path: text}, time=0)
    answers = bytearray()
    report = review(source, [parse(RULES, "test")], repository="shop", take=answers.extend)
    return State(source, report.findings, bytes(answers))


@pytest.fixture
def paired(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many findings of before each pairing was about."""
    counted: list[int] = []

    def counting(*args: Any) -> dict[int, int]:
        counted.append(len(args[0]))
        return match(*args)

    monkeypatch.setattr("checks.since.match", counting)
    return counted


def test_what_was_carried_and_what_it_is_called_come_of_one_pairing(paired: list[int]) -> None:
    before, now = state("app/a.py", PRINTS), state("lib/b.py", PRINTS)
    both = Since(before, now)
    assert not paired

    names, back, carried = both.names(), both.back(), both.carried()

    assert len(paired) == 1
    assert names == {
        old.fingerprint: new.fingerprint
        for old, new in zip(before.findings, now.findings, strict=True)
    }
    assert back == {new: old for old, new in names.items()}
    # What was suppressed did not count before.
    assert [each.suppressed for each in before.findings] == [False, True]
    assert carried == {("no-print", now.findings[0].fingerprint)}


def test_names_are_asked_for_only_where_a_waiver_has_one_that_is_missing(
    paired: list[int],
) -> None:
    before, now = state("app/a.py", PRINTS), state("lib/b.py", PRINTS)
    both = Since(before, now)
    here = Waiver(id="here", fingerprint=now.findings[0].fingerprint)
    anywhere = Waiver(id="anywhere", path="lib/")
    assert missing_names([here, anywhere], both.names, now.findings) == {}
    assert not paired

    old = Waiver(id="old", fingerprint=before.findings[0].fingerprint)
    assert missing_names([here, old], both.names, now.findings) == {
        old.fingerprint: here.fingerprint
    }
