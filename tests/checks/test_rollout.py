"""Clauses are announced, then shown, then count."""

from __future__ import annotations

from datetime import date

import pytest

from checks.memorysource import MemorySource
from checks.model import StandardResult
from checks.review import review
from checks.rollout import advisory, as_of, without
from checks.standard import Standard, StandardError, parse

TEXT = """
slug = "team"
title = "Team"

[[clause]]
id = "A"
requirement = "Nothing is printed."
strength = "must"
checks = [{ id = "no-print" }]
advisory_from = 2026-03-01
enforced_from = 2026-06-01

[[clause]]
id = "B"
requirement = "No bare except."
strength = "should"
checks = [{ id = "no-broad-except" }]
"""
FILES = {
    "app/main.py": "def go() -> None:\n    try:\n        print(1)\n    finally:\n        pass\n"
}


def _standard(text: str = TEXT) -> Standard:
    return parse(text.encode(), "test")


def _judged(standard: Standard) -> StandardResult:
    fine = {"app/b.py": "try:\n    x = 1\nexcept KeyError:\n    raise\n"}
    source = MemorySource.of(FILES | fine, time=0)
    return review(source, [standard], repository="shop").standards[0]


def test_before_its_first_day_a_clause_asks_for_nothing() -> None:
    result = _judged(as_of(_standard(), date(2026, 2, 28)))

    assert result.clauses[0].verdict == "not-applicable"
    assert result.score == 100


@pytest.mark.parametrize("day", [date(2026, 3, 1), date(2026, 5, 31)])
def test_then_it_is_judged_and_shown_and_costs_nothing(day: date) -> None:
    result = _judged(as_of(_standard(), day))

    assert result.clauses[0].verdict == "fails"
    assert (result.clauses[0].weight, result.clauses[0].loss) == (0, 0)
    assert result.open_must == 0
    assert result.score == 100


def test_from_its_day_on_it_counts() -> None:
    result = _judged(as_of(_standard(), date(2026, 6, 1)))

    assert result.open_must == 1
    assert result.score is not None
    assert result.score < 100


def test_without_an_advisory_day_it_is_shown_from_the_beginning() -> None:
    text = TEXT.replace("advisory_from = 2026-03-01\n", "")

    result = _judged(as_of(_standard(text), date(2020, 1, 1)))

    assert result.clauses[0].verdict == "fails"
    assert result.score == 100


def test_single_clauses_can_be_advisory_or_give_way() -> None:
    standard = as_of(_standard(), date(2027, 1, 1))

    assert _judged(advisory(standard, {"A"})).score == 100
    assert _judged(without(standard, {"A"})).clauses[0].verdict == "not-applicable"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('enforced_from = "soon"', "field enforced_from is not a date"),
        ("enforced_from = 12", "field enforced_from is not a date"),
        ("enforced_from = 2027-01-01T00:00:00", "field enforced_from is not a date"),
        (
            "advisory_from = 2027-01-01\nenforced_from = 2026-01-01",
            "advisory_from needs an enforced_from",
        ),
        ("advisory_from = 2026-01-01", "advisory_from needs an enforced_from"),
    ],
)
def test_a_wrong_day_is_named_with_its_line(line: str, sentence: str) -> None:
    text = TEXT.replace("advisory_from = 2026-03-01\nenforced_from = 2026-06-01", line)

    with pytest.raises(StandardError, match=rf"{sentence}.*line 10"):
        _standard(text)
