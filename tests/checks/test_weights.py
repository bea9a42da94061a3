"""What clauses weigh that their standard weighs otherwise than the model."""

from __future__ import annotations

from msgspec.structs import replace

from checks.verdict import judge
from tests.checks.test_verdict import clause, fails, outcomes, standard


def test_a_clause_weighs_what_its_standard_says_and_a_may_nothing() -> None:
    found = outcomes(fails("check-0", 10, 10), fails("check-1", 10, 0))
    made = [clause(1, "should", "check-0"), clause(2, "must", "check-1")]

    def score(*weights: int | None) -> float | None:
        weighed = (replace(each, weight=w) for each, w in zip(made, weights, strict=True))
        return judge(standard(*weighed), found).score

    assert score(None, None) == 80
    assert score(4, None) == 50
    assert score(1, 99) == 99
    may = replace(made[0], strength="may", weight=50)
    assert [each.weight for each in judge(standard(may, made[1]), found).clauses] == [0, 4]
