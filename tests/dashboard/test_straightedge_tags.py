"""Our own vocabulary in templates."""

from __future__ import annotations

import pytest

from dashboard.templatetags import straightedge as tags


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (89.96, "89.9"),
        (90.0, "90.0"),
        (83.2, "83.2"),
        (83.19999999999999, "83.2"),
        (0.0, "0.0"),
        (100.0, "100.0"),
        (None, "–"),
    ],
)
def test_a_score_is_rounded_down(value: float | None, shown: str) -> None:
    assert tags.score(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0.00"), (0.004, "<0.01"), (0.27, "0.27"), (12.34, "12.3"), (None, "–")],
)
def test_points_keep_two_digits_where_they_are_small(value: float | None, shown: str) -> None:
    assert tags.points(value) == shown


def test_a_share_is_a_percentage_rounded_down() -> None:
    assert tags.percent(0.999) == "99 %"
    assert tags.percent(None) == "–"


def test_a_grade_is_a_letter_with_a_meaning_and_a_class_of_its_own() -> None:
    assert 'class="grade grade-A big" title="Grade A: 90 points or more">A<' in tags.grade(
        "A", "big"
    )
    assert "not scored" in tags.grade("")


@pytest.mark.parametrize(
    ("change", "words"), [(1.25, "up "), (-0.5, "down "), (0.01, "±0.0"), (None, "–")]
)
def test_a_change_says_its_direction_in_words(change: float | None, words: str) -> None:
    assert words in tags.delta(change)


@pytest.mark.parametrize(
    ("kind", "value", "word"),
    [
        ("verdict", "not-applicable", "not applicable"),
        ("scan", "running", "running"),
        ("finding", "reopened", "reopened"),
        ("scan", "<new>", "&lt;new&gt;"),
    ],
)
def test_a_state_is_a_word_with_an_icon(kind: str, value: str, word: str) -> None:
    shown = tags.state(kind, value)

    assert word in shown
    assert "<svg" in shown


def test_backticks_become_code_and_everything_is_escaped() -> None:
    assert tags.ticks("use `<b>` or ``x``") == "use <code>&lt;b&gt;</code> or <code>x</code>"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "−0.00"), (0.004, "less than −0.01"), (0.27, "−0.27"), (12.34, "−12.3"), (None, "–")],
)
def test_what_is_lost_has_one_sign(value: float | None, text: str) -> None:
    assert tags.lost(value) == text
