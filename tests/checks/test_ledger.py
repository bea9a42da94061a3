"""A change of score is split without a residual, whatever happened between two judgements."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from checks.ledger import CAUSES, Standing, Step, split, standing, together
from checks.model import Outcome, StandardResult
from checks.rules.specs import Key
from checks.scoring import units
from checks.standard import STRENGTHS, Standard
from checks.verdict import judge
from tests.checks.test_verdict import cases

type Case = tuple[Standard, dict[Key, Outcome]]


@st.composite
def histories(draw: st.DrawFn) -> list[StandardResult]:
    """Judgements of random answers by random versions of a standard, one after the other."""
    made = draw(st.lists(cases(), min_size=2, max_size=6))
    found = [judge(*case) for case in made]
    for index, ((rules, answers), _) in enumerate(pairwise(made)):
        # Now and then only the strengths change, or only the answers.
        if draw(st.booleans()):
            other = tuple(
                replace(each, strength=draw(st.sampled_from(STRENGTHS))) for each in rules.clauses
            )
            found[index + 1] = judge(replace(rules, clauses=other), answers)
    return found


@given(histories(), st.data())
def test_parts_add_up_to_the_change_and_clauses_to_their_part(
    found: list[StandardResult], data: st.DataObject
) -> None:
    standings = [standing(each) for each in found]
    start, end = standings[0], standings[-1]
    if start is None:
        return
    between = [None if data.draw(st.integers(0, 3)) == 0 else each for each in standings[1:-1]]
    steps = [Step(CAUSES[index % 5], each) for index, each in enumerate([*between, end])]

    parts = split(start, steps)

    if end is None:
        assert parts == ()
        return
    assert sum(part.points for part in parts) == end.points - start.points
    for part in parts:
        assert sum(part.clauses.values()) == part.points
        assert all(part.clauses.values())


@given(st.lists(st.lists(cases(), min_size=1, max_size=3), min_size=2, max_size=5))
def test_the_parts_of_a_repository_add_up_whatever_it_adopts(history: list[list[Case]]) -> None:
    standings = [together(judge(*case) for case in each) for each in history]
    start, end = standings[0], standings[-1]
    if start is None or end is None:
        return
    steps = [Step("rules", each) for each in standings[1:]]

    assert sum(part.points for part in split(start, steps)) == end.points - start.points


@given(st.integers(0, 100 * 10**6))
def test_a_shown_score_is_counted_exactly(points: int) -> None:
    assert units(points / 10**6) == points


def test_what_cannot_be_told_shares_a_part_with_what_follows() -> None:
    steps = [Step("tool", None), Step("rules", Standing(40)), Step("code", Standing(55))]

    parts = split(Standing(50), steps)

    assert [(part.causes, part.points) for part in parts] == [
        (("tool", "rules"), -10),
        (("code",), 15),
    ]


def test_what_moved_nothing_is_no_part() -> None:
    steps = [Step("rules", Standing(50, {"A": 50})), Step("code", Standing(50, {"B": 50}))]

    parts = split(Standing(50, {"A": 50}), steps)

    assert [(part.causes, part.clauses) for part in parts] == [(("code",), {"A": 50, "B": -50})]
