"""What to fix first: gains that are exact, and plans that lead where they say."""

from __future__ import annotations

from itertools import combinations

from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from checks.gain import Gains
from checks.plan import KINDS, Worth
from checks.scoring import letter, units
from checks.standard import Standard
from checks.verdict import judge
from tests.checks.test_verdict import (
    Outcomes,
    broken,
    cases,
    clause,
    fails,
    measured,
    outcomes,
    standard,
    violation,
)


def cleared(judged: Standard, found: Outcomes, name: str, kind: str) -> Outcomes:
    """The outcomes once every finding of a clause, a check or a file is fixed."""
    keys = {
        check.key
        for each in judged.clauses
        for check in each.checks
        if name == (each.id if kind == "clause" else check.id)
    }
    left = dict(found)
    for key, outcome in found.items():
        kept = [
            each
            for each in outcome.observations
            if (each.path != name if kind == "file" else key not in keys)
        ]
        left[key] = replace(outcome, observations=tuple(kept))
    return left


@given(cases(), st.sampled_from(KINDS))
def test_a_gain_is_the_difference_of_two_scores(case: tuple[Standard, Outcomes], kind: str) -> None:
    judged, found = case
    # in two files, so that a file is not everything
    found = {
        key: replace(
            outcome,
            observations=tuple(
                replace(each, path=f"app/{each.line % 2}.py") for each in outcome.observations
            ),
        )
        for key, outcome in found.items()
    }
    before = judge(judged, found).score
    listed = Worth(judged, found).listed(kind)  # type: ignore[arg-type]
    assert [each.points for each in listed] == sorted((e.points for e in listed), reverse=True)
    for gain in listed:
        assert gain.findings > 0
        after = judge(judged, cleared(judged, found, gain.name, kind)).score
        if before is None or after is None:
            assert gain.points == 0
        else:
            assert units(before) + units(gain.points) == units(after)


@given(cases(), st.sampled_from(["A", "B", "C", "D"]), st.sampled_from(["clause", "check"]))
def test_a_plan_leads_exactly_where_it_says(
    case: tuple[Standard, Outcomes], goal: str, kind: str
) -> None:
    judged, found = case
    plan = Worth(judged, found).plan(goal, kind)  # type: ignore[arg-type]
    before = judge(judged, found).score
    if plan is None:
        assert before is None or letter(units(before)) <= goal
        return
    assert plan.start == before
    for step in plan.steps:
        found = cleared(judged, found, step.name, kind)
        after = judge(judged, found).score
        assert after == step.score
        assert before is not None
        assert units(before) + units(step.points) == units(step.score)
        before = after
    assert before is not None
    assert plan.reached == (letter(units(before)) <= goal)
    if not plan.reached:
        everything = {key: replace(each, observations=()) for key, each in found.items()}
        assert judge(judged, everything).score in (before, None)


@given(cases(states=1))
def test_gains_after_a_fix_are_those_of_the_fixed_code(case: tuple[Standard, Outcomes]) -> None:
    judged, found = case
    keys = list(judged.demanded())
    assume(len(keys) > 1)
    later = Gains(judged, found).after(keys[:1])
    fixed = {**found, keys[0]: replace(found[keys[0]], observations=())}
    anew = Gains(judged, fixed)
    assert later.points == anew.points
    for key in keys[1:]:
        assert later.of_keys([key]) == anew.of_keys([key])


def test_the_cheapest_single_step_that_reaches_the_goal_is_taken() -> None:
    judged = standard(clause(1, "must", "check-0"), clause(2, "must", "check-1"))
    found = outcomes(fails("check-0", 10, 9), fails("check-1", 10, 2))
    plan = Worth(judged, found).plan("C")
    assert plan is not None
    assert plan.reached
    assert [(step.name, step.findings) for step in plan.steps] == [("T-001", 9)]
    near = Worth(judged, outcomes(fails("check-0", 50, 1), fails("check-1", 50, 2))).plan()
    assert near is not None
    assert (near.goal, [step.name for step in near.steps]) == ("A", ["T-001"])


def test_plans_cost_about_what_the_best_choice_of_clauses_costs() -> None:
    counts = [1, 9, 3, 6, 2, 8, 4]
    judged = standard(*(clause(n, "must", f"check-{n}") for n in range(len(counts))))
    found = outcomes(*(fails(f"check-{n}", 20, count) for n, count in enumerate(counts)))
    worth = Worth(judged, found)
    plan = worth.plan("A")
    assert plan is not None
    assert plan.reached
    start = worth.gains.points
    assert start is not None
    best = min(
        sum(counts[n] for n in chosen)
        for size in range(1, len(counts) + 1)
        for chosen in combinations(range(len(counts)), size)
        if start + units(worth.gains.of_keys([(f"check-{n}", "{}") for n in chosen])) >= 90 * 10**6
    )
    assert plan.findings <= best * 1.3


def test_a_clause_that_becomes_unknown_is_planned_as_it_will_count() -> None:
    judged = standard(clause(1, "must", "check-0", "check-1"), clause(2, "should", "check-2"))
    found = outcomes(fails("check-0", 10, 10), broken("check-1"), fails("check-2", 10, 9))
    plan = Worth(judged, found).plan("D")
    assert plan is not None
    # With its last finding gone, the first is unknown and leaves the sum.
    assert [(step.name, step.score) for step in plan.steps] == [("T-002", 20.0), ("T-001", 100.0)]


def test_suppressed_and_advisory_findings_are_nobodys_work() -> None:
    judged = standard(clause(1, "must", "check-0"), clause(2, "must", "check-1"))
    shown = replace(fails("check-1", 4, 4), advisory=True)
    found = outcomes(
        measured("check-0", 4, violation(1), violation(2, suppressed=True), violation(3)), shown
    )
    worth = Worth(judged, found)
    assert [(each.name, each.findings) for each in worth.listed("clause")] == [("T-001", 2)]
    assert [(each.name, each.findings) for each in worth.listed("file")] == [("app/main.py", 2)]


def test_nothing_is_planned_above_the_best_letter_or_without_a_score() -> None:
    judged = standard(clause(1, "must", "check-0"))
    assert Worth(judged, outcomes(fails("check-0", 10, 0))).plan() is None
    assert Worth(judged, outcomes(broken("check-0"))).plan("A") is None
