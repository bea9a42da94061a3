"""The properties of DESIGN's score, over outcomes and standards of any shape."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from checks.gain import Fixed, Gains
from checks.model import NOT_BUILT, Observation, Outcome, StandardResult, Strength
from checks.rules.specs import Key
from checks.standard import STRENGTHS, Clause, ClauseCheck, Standard
from checks.verdict import judge
from checks.weights import LEAST, MOST

NAMES = [f"check-{number}" for number in range(6)]
LEAD = "lead-attestation"
type Outcomes = dict[Key, Outcome]


def key(check: str) -> Key:
    return check, "{}"


def clause(number: int, strength: Strength, *checks: str) -> Clause:
    return Clause(
        id=f"T-{number:03}",
        section="",
        requirement="Something is so.",
        strength=strength,
        area="style",
        automation="automated",
        checks=tuple(ClauseCheck(id=name, params={}, given={}, key=key(name)) for name in checks),
    )


def standard(*clauses: Clause) -> Standard:
    return Standard(slug="team", title="Team", version="0" * 64, summary="", clauses=clauses)


def violation(line: int, weight: float = 1.0, *, suppressed: bool = False) -> Observation:
    return Observation(
        path="app/main.py", line=line, message="wrong", weight=weight, suppressed=suppressed
    )


def measured(check: str, sites: int, *observations: Observation) -> Outcome:
    return Outcome(check=check, sites=sites, observations=observations)


def broken(check: str, reason: str = "the check crashed") -> Outcome:
    return Outcome(check=check, state="unknown", reason=reason)


def absent(check: str) -> Outcome:
    return Outcome(check=check, state="not-applicable", reason="no route")


def outcomes(*found: Outcome) -> Outcomes:
    return {key(outcome.check): outcome for outcome in found}


def fails(check: str, sites: int, count: int) -> Outcome:
    return measured(check, sites, *(violation(line) for line in range(1, count + 1)))


@st.composite
def any_outcome(draw: st.DrawFn, check: str, *, states: int = 4) -> Outcome:
    kind = draw(st.integers(1, states))
    if kind == 2:
        return absent(check)
    if kind == 3:
        return broken(check)
    if kind == 4:
        return broken(check, NOT_BUILT)
    sites = draw(st.integers(1, 30))
    count = draw(st.integers(0, sites))
    found = [
        violation(line, draw(st.sampled_from([1.0, 0.5])), suppressed=draw(st.integers(0, 4)) == 0)
        for line in range(1, count + 1)
    ]
    return measured(check, sites, *found)


@st.composite
def cases(draw: st.DrawFn, *, states: int = 4) -> tuple[Standard, Outcomes]:
    clauses = draw(
        st.lists(
            st.tuples(
                st.sampled_from(STRENGTHS),
                st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True),
            ),
            min_size=1,
            max_size=7,
        )
    )
    weights = st.none() | st.integers(LEAST, MOST)
    made = [
        replace(clause(n, strength, *names), weight=draw(weights))
        for n, (strength, names) in enumerate(clauses, 1)
    ]
    found = [draw(any_outcome(name, states=states)) for name in NAMES]
    return standard(*made), outcomes(*found)


def failing(found: Mapping[Key, Outcome]) -> list[tuple[Key, int]]:
    return [
        (name, index)
        for name, outcome in found.items()
        for index in range(len(outcome.observations))
    ]


def without(found: Outcomes, name: Key, index: int, *, sites: int = 0) -> Outcomes:
    """The outcomes with one observation fixed, or deleted with its site (``sites=-1``)."""
    old = found[name]
    left = old.observations[:index] + old.observations[index + 1 :]
    state: Literal["measured", "not-applicable"]
    state = "measured" if old.sites + sites else "not-applicable"
    new = replace(old, observations=left, sites=old.sites + sites, state=state)
    return {**found, name: new}


def never_lower(before: StandardResult, after: StandardResult) -> bool:
    """A score that is gone, because nothing is measured any more, is not a lower one."""
    return all(
        old is None or new is None or new >= old
        for old, new in [
            (before.score, after.score),
            (before.low, after.low),
            (before.raw_score, after.raw_score),
        ]
    )


@given(cases())
def test_every_number_is_within_its_bounds(case: tuple[Standard, Outcomes]) -> None:
    result = judge(*case)
    assert 0 <= result.coverage <= 1
    for each in result.clauses:
        assert each.score is None or 0 <= each.score <= 1
        assert each.loss >= 0
    if result.score is None:
        assert (result.low, result.raw_score, result.letter) == (None, None, None)
    else:
        assert result.low is not None
        assert result.raw_score is not None
        assert 0 <= result.low <= result.score <= 100
        assert 0 <= result.raw_score <= result.score


@given(cases())
def test_the_waterfall_adds_up_exactly(case: tuple[Standard, Outcomes]) -> None:
    result = judge(*case)
    if result.score is not None:
        losses = sum(Decimal(repr(each.loss)) for each in result.clauses)
        assert 100 - losses == Decimal(repr(result.score))


@given(cases())
def test_the_score_is_the_weighted_mean_of_the_clauses_that_answered(
    case: tuple[Standard, Outcomes],
) -> None:
    result = judge(*case)
    answered = [each for each in result.clauses if each.score is not None and each.weight]
    weight = sum(each.weight for each in answered)
    if result.score is None:
        assert not weight
    else:
        mean = 100 * math.fsum(each.weight * (each.score or 0) for each in answered) / weight
        assert result.score == pytest.approx(mean, abs=2e-6)


@settings(max_examples=300)
@given(cases(), st.randoms(use_true_random=False))
def test_fixing_or_deleting_a_violation_never_lowers_a_score(
    case: tuple[Standard, Outcomes], choice: random.Random
) -> None:
    rules, found = case
    before = judge(rules, found)
    while remaining := failing(found):
        name, index = choice.choice(remaining)
        # A suppressed site counts as complying, so deleting it is not deleting a violation.
        deletable = not found[name].observations[index].suppressed
        found = without(found, name, index, sites=choice.choice([0, -1]) if deletable else 0)
        after = judge(rules, found)
        assert never_lower(before, after)
        before = after


def test_a_clause_of_nothing_but_an_uncertain_violation_lifts_no_score() -> None:
    """Counted at its half, it would lift a worse clause, and deleting it would lower the score."""
    rules = standard(clause(1, "must", "check-0"), clause(2, "must", "check-1"))
    found = outcomes(measured("check-0", 1, violation(1, weight=0.5)), fails("check-1", 4, 4))

    before = judge(rules, found)
    after = judge(rules, without(found, ("check-0", "{}"), 0, sites=-1))

    assert (before.score, after.score) == (0, 0)
    assert 100 - sum(each.loss for each in before.clauses) == before.score


@given(cases(), st.integers(2, 5))
def test_copies_of_the_code_have_the_score_of_one(
    case: tuple[Standard, Outcomes], copies: int
) -> None:
    rules, found = case
    more = {
        name: replace(old, sites=old.sites * copies, observations=old.observations * copies)
        for name, old in found.items()
    }
    one, many = judge(rules, found), judge(rules, more)
    assert (one.score, one.low, one.raw_score) == (many.score, many.low, many.raw_score)
    assert [each.loss for each in one.clauses] == [each.loss for each in many.clauses]


@given(cases())
def test_a_clause_that_does_not_apply_is_neutral(case: tuple[Standard, Outcomes]) -> None:
    rules, found = case
    longer = replace(rules, clauses=(clause(900, "must", "gone"), *rules.clauses))
    before, after = judge(rules, found), judge(longer, {**found, key("gone"): absent("gone")})
    assert after == replace(before, clauses=(after.clauses[0], *before.clauses))
    assert (after.clauses[0].verdict, after.clauses[0].loss) == ("not-applicable", 0)


@given(cases())
def test_a_check_that_does_not_apply_leaves_its_clause_as_it_is(
    case: tuple[Standard, Outcomes],
) -> None:
    rules, found = case
    gone = ClauseCheck(id="gone", params={}, given={}, key=key("gone"))
    wider = replace(
        rules, clauses=tuple(replace(each, checks=(*each.checks, gone)) for each in rules.clauses)
    )
    before, after = judge(rules, found), judge(wider, {**found, key("gone"): absent("gone")})
    assert before.score == after.score
    assert [each.verdict for each in before.clauses] == [each.verdict for each in after.clauses]


@settings(max_examples=300)
@given(cases(), st.data())
def test_an_answer_in_place_of_a_break_never_lowers_the_low_end(
    case: tuple[Standard, Outcomes], data: st.DataObject
) -> None:
    rules, found = case
    name = data.draw(st.sampled_from(NAMES))
    before = judge(rules, {**found, key(name): broken(name)})
    after = judge(rules, {**found, key(name): data.draw(any_outcome(name, states=2))})
    assert before.low is None or after.low is None or after.low >= before.low


@given(cases())
def test_the_same_outcomes_in_any_order_give_the_same_result(
    case: tuple[Standard, Outcomes],
) -> None:
    rules, found = case
    turned = {
        name: replace(outcome, observations=outcome.observations[::-1])
        for name, outcome in reversed(found.items())
    }
    assert judge(rules, turned) == judge(rules, found)


@given(cases(), st.permutations(range(7)))
def test_the_order_of_clauses_does_not_change_the_score(
    case: tuple[Standard, Outcomes], order: list[int]
) -> None:
    rules, found = case
    shuffled = tuple(rules.clauses[index] for index in order if index < len(rules.clauses))
    one, other = judge(rules, found), judge(replace(rules, clauses=shuffled), found)
    assert (one.score, one.low, one.coverage) == (other.score, other.low, other.coverage)


@given(cases(), st.data())
def test_a_predicted_gain_is_the_gain_of_a_real_fix(
    case: tuple[Standard, Outcomes], data: st.DataObject
) -> None:
    rules, found = case
    before = judge(rules, found)
    if not (remaining := failing(found)) or before.score is None:
        return
    name, index = data.draw(st.sampled_from(remaining))
    after = judge(rules, without(found, name, index))
    gain = Gains(rules, found).of({name: [index]})
    if after.score is not None:
        assert Decimal(repr(before.score)) + Decimal(repr(gain)) == Decimal(repr(after.score))


@pytest.mark.parametrize(
    ("strength", "expected"), [("must", 1 - math.sqrt(1 / 9)), ("should", 1 - 1 / 9)]
)
def test_a_must_takes_its_first_violation_harder(strength: Strength, expected: float) -> None:
    result = judge(standard(clause(1, strength, "check-0")), outcomes(fails("check-0", 9, 1)))
    assert result.clauses[0].score == pytest.approx(expected, abs=1e-11)
    assert result.score == pytest.approx(100 * expected, abs=1e-6)


def test_a_must_weighs_four_times_a_should_and_a_may_is_only_shown() -> None:
    rules = standard(clause(1, "must", "a"), clause(2, "should", "b"), clause(3, "may", "b"))
    result = judge(rules, outcomes(fails("a", 1, 0), fails("b", 2, 1)))
    assert result.score == 90
    assert [each.score for each in result.clauses] == [1, 0.5, 0.5]
    assert [each.loss for each in result.clauses] == [0, 10, 0]


def test_a_clause_fails_on_one_violation_even_when_another_check_is_unknown() -> None:
    result = judge(standard(clause(1, "must", "a", "b")), outcomes(fails("a", 4, 1), broken("b")))
    assert result.clauses[0].verdict == "fails"
    assert (result.open_must, result.coverage) == (1, 1)
    assert (result.score, result.low) == (50, 0)


def test_a_clause_holds_only_when_every_check_that_applies_is_known() -> None:
    rules = standard(clause(1, "must", "a", "b"))
    assert judge(rules, outcomes(fails("a", 4, 0))).clauses[0].verdict == "unknown"
    found = outcomes(fails("a", 4, 0), absent("b"))
    assert judge(rules, found).clauses[0].verdict == "holds"


def test_a_check_that_is_not_built_lowers_coverage_and_never_counts_as_holding() -> None:
    rules = standard(clause(1, "must", "a"), clause(2, "must", "nobody-built-it"))
    result = judge(rules, outcomes(fails("a", 4, 1)))
    assert (result.score, result.low, result.coverage) == (50, 50, 0.5)
    unbuilt = result.clauses[1]
    assert (unbuilt.verdict, unbuilt.score) == ("unknown", None)
    assert unbuilt.checks[0].reason == NOT_BUILT


def test_a_check_that_broke_lowers_the_end_that_gates_use() -> None:
    rules = standard(clause(1, "must", "a"), clause(2, "must", "b"))
    result = judge(rules, outcomes(fails("a", 4, 1), broken("b")))
    assert (result.score, result.low) == (50, 25)


def test_a_failing_clause_with_an_unknown_check_never_lifts_the_score() -> None:
    rules = standard(clause(1, "must", "a"), clause(2, "must", "b", "nobody-built-it"))
    result = judge(rules, outcomes(fails("a", 4, 1), fails("b", 10_000, 1)))
    assert result.score == 50
    assert [each.score for each in result.clauses] == [0.5, 0.5]
    fixed = judge(rules, outcomes(fails("a", 4, 1), fails("b", 10_000, 0)))
    assert (fixed.score, fixed.clauses[1].verdict) == (50, "unknown")


def test_nothing_measured_is_not_scored() -> None:
    rules = standard(clause(1, "must", "a"), clause(2, "should", "b"))
    result = judge(rules, outcomes(absent("a"), broken("b")))
    assert (result.score, result.raw_score, result.low, result.letter) == (None,) * 4
    assert result.coverage == 0


def test_an_attestation_is_attested_or_due_and_due_scores_nothing() -> None:
    rules = standard(clause(1, "must", LEAD), clause(2, "must", "a"))
    given_ = judge(rules, outcomes(measured(LEAD, 1), fails("a", 1, 0)))
    assert (given_.clauses[0].verdict, given_.score, given_.open_must) == ("attested", 100, 0)
    due = judge(rules, outcomes(fails(LEAD, 1, 1), fails("a", 1, 0)))
    assert (due.clauses[0].verdict, due.score, due.open_must) == ("due", 50, 1)


def test_an_attestation_does_not_override_a_finding_of_the_same_clause() -> None:
    rules = standard(clause(1, "must", "a", LEAD))
    assert judge(rules, outcomes(fails("a", 1, 1), measured(LEAD, 1))).clauses[0].verdict == "fails"
    assert judge(rules, outcomes(fails("a", 1, 0), fails(LEAD, 1, 1))).clauses[0].verdict == "due"
    assert judge(rules, outcomes(fails("a", 1, 0), measured(LEAD, 1))).clauses[0].verdict == "holds"


def test_a_suppressed_violation_counts_in_the_raw_score_alone() -> None:
    found = measured("a", 4, violation(3, suppressed=True))
    result = judge(standard(clause(1, "must", "a")), outcomes(found))
    assert (result.score, result.raw_score) == (100, 50)
    assert (result.clauses[0].checks[0].violations, result.clauses[0].checks[0].suppressed) == (
        0,
        1,
    )


def test_an_uncertain_violation_counts_half() -> None:
    found = measured("a", 2, violation(3, 0.5))
    assert judge(standard(clause(1, "should", "a")), outcomes(found)).score == 75


def test_a_site_that_is_reported_at_three_places_violates_once() -> None:
    prints = [replace(violation(line), site="app/main.py") for line in (1, 2, 3)]
    result = judge(
        standard(clause(1, "must", "no-print")), outcomes(measured("no-print", 4, *prints))
    )
    assert (result.score, result.clauses[0].checks[0].violations) == (50, 1)


def test_a_site_reported_twice_gains_only_when_both_are_fixed() -> None:
    prints = [replace(violation(line), site="app/main.py") for line in (1, 2)]
    rules, found = standard(clause(1, "must", "p")), outcomes(measured("p", 4, *prints))
    gains = Gains(rules, found)
    assert (gains.of({key("p"): [0]}), gains.of({key("p"): [0, 1]})) == (0, 50)


def test_each_finding_of_a_crowded_site_gains_what_fixing_it_alone_gives() -> None:
    weights = [0.5, 1.0, 0.5, 0.0]
    crowded = [replace(violation(1, weight), site="one") for weight in weights]
    rest = [violation(2, 0.5), violation(3, suppressed=True), violation(4, 0.0)]
    rules, found = standard(clause(1, "must", "p")), outcomes(measured("p", 9, *crowded, *rest))
    for index in range(len(crowded + rest)):
        alone = Gains(rules, found).of({key("p"): [index]})
        assert Gains(rules, found).of_finding([(key("p"), index)]) == alone


def test_thousands_of_findings_in_one_site_are_evaluated_a_few_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crowded = [replace(violation(line), site="one") for line in range(1, 2001)]
    gains = Gains(standard(clause(1, "must", "p")), outcomes(measured("p", 9, *crowded)))
    evaluated: list[Fixed] = []

    def of(fixed: Fixed) -> float:
        evaluated.append(fixed)
        return 0.0

    monkeypatch.setattr(gains, "of", of)
    assert {gains.of_finding([(key("p"), index)]) for index in range(2000)} == {0.0}
    assert len(evaluated) < 5


@pytest.mark.parametrize(
    ("violations", "expected"), [(0, "A"), (10, "A"), (11, "B"), (20, "B"), (35, "C"), (36, "D")]
)
def test_letters_begin_at_their_limits(violations: int, expected: str) -> None:
    found = outcomes(fails("a", 100, violations))
    assert judge(standard(clause(1, "should", "a")), found).letter == expected


def test_a_score_that_merely_rounds_up_to_a_letter_does_not_get_it() -> None:
    rules = standard(clause(1, "should", "a"))
    result = judge(rules, outcomes(fails("a", 1_000_000_000, 0)))
    assert result.score == 100
    nearly = Outcome(
        check="a", sites=1_000_000_000, observations=tuple(violation(1) for _ in range(1))
    )
    result = judge(rules, outcomes(nearly))
    assert result.score == 99.999999


def test_gains_of_a_file_a_check_and_a_clause_are_evaluated_together() -> None:
    rules = standard(clause(1, "must", "a"), clause(2, "should", "b"), clause(3, "should", "a"))
    elsewhere = replace(violation(9), path="app/other.py")
    found = outcomes(measured("a", 4, violation(1), elsewhere), fails("b", 2, 1))
    gains = Gains(rules, found)
    before = judge(rules, found).score
    assert before is not None
    everything = gains.of({name: range(len(each.observations)) for name, each in found.items()})
    assert before + everything == pytest.approx(100, abs=1e-9)
    one_file = {**found, key("a"): measured("a", 4, elsewhere), key("b"): fails("b", 2, 0)}
    after = judge(rules, one_file).score
    assert after is not None
    assert gains.of_file("app/main.py") == pytest.approx(after - before, abs=1e-9)
    # Clause T-001 and T-003 stand on the same check: fixing one fixes the other.
    assert gains.of_clause("T-001") == gains.of_check("a") == gains.of_clause("T-003")
    assert gains.of_check("no-such-check") == 0


def test_an_advisory_check_is_shown_and_costs_nothing() -> None:
    rules = standard(clause(1, "must", "a"), clause(2, "must", "a", "b"), clause(3, "must", "b"))
    found = outcomes(fails("a", 4, 3), fails("b", 4, 0))
    shown = {name: replace(each, advisory=name[0] == "a") for name, each in found.items()}

    result = judge(rules, shown)

    assert [each.verdict for each in result.clauses] == ["not-applicable", "holds", "holds"]
    assert (result.score, result.open_must, result.coverage) == (100, 0, 1)
    check = result.clauses[0].checks[0]
    assert (check.state, check.sites, check.violations) == ("measured", 4, 3)
    assert check.reason == "advisory: shown, not counted"
    assert Gains(rules, shown).of({key("a"): [0]}) == 0
