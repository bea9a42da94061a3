"""The waterfall adds up exactly, whatever the losses."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from dashboard.models import Clause
from dashboard.services.repository_page import BARS, ClauseLine, group_by_area, waterfall


def _line(area: str, loss: float, position: int = 0, verdict: str = "fails") -> ClauseLine:
    clause = Clause(area=area, number=f"X-{position}", position=position)
    return ClauseLine(clause, verdict, sites=10, violations=3, loss=loss, reasons=(), weight=4)


@given(
    some.lists(
        some.tuples(some.integers(0, 40).map(str), some.floats(0, 2)), min_size=1, max_size=60
    )
)
def test_the_bars_lead_from_100_to_the_score_without_a_gap(losses: list[tuple[str, float]]) -> None:
    areas = group_by_area(_line(area, loss) for area, loss in losses)
    score = 100 - sum(loss for _, loss in losses)

    bars = waterfall(areas, score)

    falling = [bar for bar in bars if bar.kind == "loss"]
    assert len(falling) <= BARS + 1
    edges = [100.0, *(bar.start for bar in falling)]
    assert [bar.end for bar in falling] == edges[:-1]
    assert abs(edges[-1] - score) < 1e-9


def test_nothing_measured_draws_nothing() -> None:
    assert waterfall(group_by_area([_line("api", 0.0)]), None) == []


def test_areas_come_with_the_costliest_first_and_clauses_likewise() -> None:
    areas = group_by_area(
        [_line("api", 1.0), _line("git", 3.0, 1), _line("git", 4.0, 2), _line("auth", 0.0)]
    )

    assert [area.name for area in areas] == ["git", "api", "auth"]
    assert [line.clause.position for line in areas[0].lines] == [2, 1]
    assert [area.opened for area in areas] == [True, True, False]


def test_an_area_says_its_verdicts_in_words() -> None:
    (area,) = group_by_area(
        [_line("api", 1.0), _line("api", 0.0, 1, "holds"), _line("api", 0.0, 2, "holds")]
    )

    assert area.summary == "1 fails · 2 hold"


def test_complying_sites_never_fall_below_zero() -> None:
    line = ClauseLine(Clause(), "fails", sites=2, violations=5, loss=1.0, reasons=(), weight=4)

    assert line.complying == 0


def test_a_binding_clause_without_weight_is_advisory() -> None:
    must, may = Clause(strength="must"), Clause(strength="may")

    assert ClauseLine(must, "fails", 2, 1, 0.0, (), weight=0).advisory
    assert not ClauseLine(must, "fails", 2, 1, 1.0, (), weight=4).advisory
    assert not ClauseLine(may, "fails", 2, 1, 0.0, (), weight=0).advisory
