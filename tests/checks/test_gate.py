"""What a gate asks, what it says of a judgement, and how its mistakes are named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from checks.fingerprint import findings
from checks.gate import (
    Base,
    Condition,
    Earlier,
    Gate,
    GateError,
    as_table,
    evaluate,
    load,
    lows,
    parse,
    read,
)
from checks.model import Manifest, Report
from checks.standard import Standard, StandardError
from checks.standard import parse as parse_standard
from checks.verdict import judge
from tests.checks.test_verdict import (
    Outcomes,
    broken,
    cases,
    clause,
    fails,
    outcomes,
    standard,
)

STANDARD = standard(
    clause(1, "must", "check-0"), clause(2, "should", "check-1"), clause(3, "must", "check-2")
)


def report(found: Outcomes, judged: Standard = STANDARD, *, component: str = "") -> Report:
    return Report(
        repository="shop",
        commit="a" * 40,
        component=component,
        manifest=Manifest(
            files=3, python_files=2, analysed=2, skipped=(), tools={}, engine="engine"
        ),
        standards=(judge(judged, found),),
        findings=findings(found, [judged]),
    )


def result(*counts: int) -> Report:
    """A report with so many violations in ten sites of each check."""
    return report(outcomes(*(fails(f"check-{n}", 10, count) for n, count in enumerate(counts))))


def said(gate: Gate, judged: Report, *, name: str, **beside: Base | Earlier) -> Condition:
    """The one condition of this name."""
    got = evaluate({"": gate}, [judged], **beside)  # type: ignore[arg-type]
    (found,) = [each for each in got.conditions if each.name == name]
    return found


def had(name: str, before: Report) -> Base:
    """A base that had these findings in these very places."""
    return Base(name, frozenset((each.check, each.fingerprint) for each in before.findings))


def names(conditions: Sequence[Condition]) -> list[str]:
    return [each.name for each in conditions]


def test_a_gate_that_says_nothing_of_musts_allows_no_open_one() -> None:
    assert names(evaluate({"": Gate()}, [result(0, 0, 0)]).conditions) == ["analysed", "open_musts"]
    found = said(Gate(), result(1, 1, 1), name="open_musts")
    assert not found.passed
    assert found.sentence == "2 must clauses are open: T-001, T-003; the gate allows none."
    assert said(Gate(open_musts=2), result(1, 1, 1), name="open_musts").passed
    assert names(evaluate({"": Gate(open_musts=None)}, [result(1, 1, 1)]).conditions) == [
        "analysed"
    ]


def test_the_lower_end_has_to_reach_the_minimum() -> None:
    judged = result(0, 10, 0)
    assert judged.standards[0].score == pytest.approx(88.888888)
    passed = said(Gate(minimum=88.8), judged, name="minimum")
    assert (passed.passed, passed.sentence) == (True, "team reaches 88.8 of the 88.8 asked.")
    failed = said(Gate(minimum=80, minimum_of={"team": 89}), judged, name="minimum")
    assert (failed.passed, failed.sentence) == (False, "team reaches 88.8, not 89.")
    other = said(Gate(minimum_of={"elsewhere": 10}), judged, name="minimum")
    assert other.sentence == (
        "elsewhere is not among the judged standards, so it does not reach 10."
    )


def test_what_broke_and_what_is_not_scored_reach_nothing() -> None:
    half = report(outcomes(fails("check-0", 10, 0), broken("check-1"), fails("check-2", 10, 0)))
    assert said(Gate(minimum=99), half, name="minimum").sentence == (
        "team reaches 88.8 to 100.0 (some checks broke), not 99."
    )
    nothing = report(outcomes())
    assert said(Gate(minimum=0), nothing, name="minimum").sentence == (
        "team is not scored, so it does not reach 0."
    )
    unknown = said(Gate(no_unknown=True), nothing, name="no_unknown")
    assert unknown.sentence == ("3 clauses are unknown: T-001, T-002, T-003; the gate allows none.")


def test_coverage_is_asked_of_every_standard() -> None:
    half = report(outcomes(fails("check-0", 10, 0), broken("check-1"), broken("check-2")))
    found = said(Gate(coverage=0.8), half, name="coverage")
    assert (found.passed, found.sentence) == (
        False,
        "team answers 44 % of the applicable weight; the gate asks for 80 %.",
    )
    assert said(Gate(coverage=0.44), half, name="coverage").passed


def test_a_finding_is_new_when_the_base_does_not_have_it() -> None:
    before, after = result(1, 0, 0), result(2, 1, 0)
    found = said(
        Gate(no_new_findings=True),
        after,
        name="no_new_findings",
        base=had("abc1234567", before),
    )
    assert not found.passed
    assert found.sentence == (
        "2 findings are new against abc1234567: check-1 at app/main.py:1,"
        " check-0 at app/main.py:2; the gate allows none."
    )
    same = had("abc1234567", after)
    assert said(Gate(no_new_findings=True), before, name="no_new_findings", base=same).passed
    lost = Base("", missing="The base is gone.")
    assert not said(Gate(no_new_findings=True), before, name="no_new_findings", base=lost).passed


def test_where_there_is_nothing_to_compare_with_a_condition_is_neither_met_nor_missed() -> None:
    judged = result(1, 1, 1)
    gate = Gate(no_new_findings=True, not_worse=True, open_musts=None)
    got = evaluate({"": gate}, [judged])
    assert got.passed
    assert [(each.name, each.passed, each.sentence) for each in got.conditions[1:]] == [
        (
            "no_new_findings",
            None,
            "There is nothing to compare with yet, so no finding can be called new.",
        ),
        (
            "not_worse",
            None,
            "There is nothing to compare with yet, so no score can be called worse.",
        ),
    ]
    unscored = Earlier("scan 1", lows([report(outcomes())]))
    found = said(gate, judged, name="not_worse", earlier=unscored)
    assert (found.passed, found.sentence) == (
        None,
        "Nothing was scored at scan 1 that could be compared with yet.",
    )
    assert not evaluate({"": replace(gate, minimum=100)}, [judged]).passed


def test_a_finding_that_is_suppressed_is_not_new_and_unsuppressing_it_is() -> None:
    after = result(1, 0, 0)
    quiet = replace(after, findings=(replace(after.findings[0], suppressed=True),))
    gate = Gate(no_new_findings=True, open_musts=None)
    assert evaluate({"": gate}, [quiet], base=Base("b")).passed
    assert not evaluate({"": gate}, [after], base=Base("b")).passed


def test_a_ratchet_holds_what_was_reached() -> None:
    before, after = result(0, 0, 0), result(0, 1, 0)
    gate = Gate(not_worse=True)
    fallen = said(gate, after, name="not_worse", earlier=Earlier("last week", lows([before])))
    assert not fallen.passed
    assert fallen.sentence == "team fell from 100.0 to 98.8 since last week."
    assert said(gate, before, name="not_worse", earlier=Earlier("x", lows([after]))).passed
    assert said(gate, after, name="not_worse", earlier=Earlier("x", lows([after]))).passed


def test_a_fall_too_small_to_be_shown_in_one_decimal_is_shown_in_more() -> None:
    after = result(0, 1, 0)
    low = after.standards[0].low
    assert low is not None
    earlier = Earlier("x", {("", "team"): low + 0.000001})
    found = said(Gate(not_worse=True), after, name="not_worse", earlier=earlier)
    assert found.sentence == "team fell from 98.888889 to 98.888888 since x."


def test_the_gate_of_a_standard_speaks_of_that_standard_alone() -> None:
    other = replace(STANDARD, slug="other")
    good, bad = outcomes(fails("check-0", 10, 0)), outcomes(fails("check-0", 10, 1))
    both = replace(report(good), standards=(judge(STANDARD, good), judge(other, bad)))
    assert evaluate({"team": Gate()}, [both]).passed
    got = evaluate({"team": Gate(), "other": Gate()}, [both])
    assert [(each.standard, each.passed) for each in got.conditions] == [
        ("", True),
        ("team", True),
        ("other", False),
    ]


def test_a_component_is_named() -> None:
    judged = report(outcomes(fails("check-0", 10, 1)), component="backend")
    assert said(Gate(), judged, name="open_musts").sentence == (
        "1 must clause is open: T-001 in backend; the gate allows none."
    )


def test_a_standard_about_code_passes_nothing_where_no_code_was_analysed() -> None:
    text = b'slug="s"\ntitle="S"\n[[clause]]\nid="S-1"\nrequirement="."\nstrength="must"\n'
    code = parse_standard(text + b'checks=[{id="no-print"}]', "s")
    papers = parse_standard(text + b'checks=[{id="changelog-maintained"}]', "s")
    empty = Manifest(files=1, python_files=0, analysed=0, skipped=(), tools={}, engine="")
    seen = replace(report(outcomes(), code), manifest=empty)
    got = evaluate({"": Gate(open_musts=None)}, [seen])
    assert not got.passed
    assert got.conditions[0].sentence == (
        "No Python file was analysed: the repository has none."
        " Choose the branch or the folder that holds the backend."
    )
    left_out = replace(seen, manifest=replace(empty, python_files=2), component="api")
    assert (
        evaluate({}, [left_out])
        .conditions[0]
        .sentence.startswith("No Python file of the folder api was analysed: all 2 were left out.")
    )
    assert evaluate({}, [replace(report(outcomes(), papers), manifest=empty)]).passed


@given(cases(), st.floats(0, 100), st.integers(0, 7), st.floats(0, 1))
def test_a_gate_passes_exactly_when_the_numbers_of_the_report_do(
    case: tuple[Standard, Outcomes], minimum: float, allowed: int, coverage: float
) -> None:
    judged = report(case[1], case[0])
    (found,) = judged.standards
    gate = Gate(minimum=minimum, open_musts=allowed, coverage=coverage, no_unknown=True)
    got = {each.name: each.passed for each in evaluate({"": gate}, [judged]).conditions}
    assert got == {
        "analysed": True,
        "minimum": found.low is not None and found.low >= minimum,
        "open_musts": found.open_must <= allowed,
        "coverage": found.coverage >= coverage,
        "no_unknown": not any(each.verdict == "unknown" for each in found.clauses),
    }
    against_itself = evaluate(
        {"": Gate(no_new_findings=True, not_worse=True, open_musts=None)},
        [judged],
        base=had("itself", judged),
        earlier=Earlier("itself", lows([judged])),
    )
    assert against_itself.passed


TABLE = b"""
[gate]
minimum = 80
open_musts = "any"
no_new_findings = true
not_worse = false
coverage = 0.9
no_unknown = true

[gate.minimum_of]
team = 90
"""


def test_a_gate_is_read_from_toml_and_written_back(tmp_path: Path) -> None:
    file = tmp_path / "gate.toml"
    file.write_bytes(TABLE)
    gate = load(file)
    assert gate == Gate(
        minimum=80,
        minimum_of={"team": 90},
        open_musts=None,
        no_new_findings=True,
        coverage=0.9,
        no_unknown=True,
    )
    mistakes: list[str] = []
    assert read(as_table(gate), mistakes) == gate
    assert not mistakes


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"[gate]\nminimun = 8\n", "unknown condition 'minimun' (did you mean minimum?) (line 2)"),
        (b"[gate]\n\nminimum = 101\n", "minimum is not a score from 0 to 100 (line 3)"),
        (b"[gate]\nopen_musts = -1\n", 'open_musts is not a whole number from 0, or "any"'),
        (b"[gate]\ncoverage = true\n", "coverage is not a share from 0 to 1 (line 2)"),
        (b"[gate]\nnot_worse = 1\n", "not_worse is not true or false (line 2)"),
        (b"[gate.minimum_of]\nteam = 'x'\n", "minimum_of is not a table of scores"),
        (b"[[gate]]\n", "gate is not written as a [gate] table (line 1)"),
        (b"[other]\n[gate]\n", "unknown entry 'other' (line 1)"),
        (b"minimum = 3\n", "there is no [gate] table"),
        (b"[gate\n", "not valid TOML"),
    ],
)
def test_mistakes_are_named_with_their_line(content: bytes, complaint: str) -> None:
    with pytest.raises(GateError) as caught:
        parse(content, "gate.toml")
    assert complaint in str(caught.value)
    assert str(caught.value).startswith("gate.toml: ")


def test_a_standard_may_set_a_gate_of_its_own() -> None:
    text = (
        b'slug = "s"\ntitle = "S"\n[[clause]]\nid = "S-1"\nrequirement = "."\nstrength = "must"\n'
        b"[gate]\n"
    )
    assert parse_standard(text + b"minimum = 70\n", "s").gate == Gate(minimum=70)
    assert parse_standard(text.replace(b"[gate]\n", b""), "s").gate is None
    with pytest.raises(StandardError, match=r"unknown condition 'minimum_of'.* \(line 8\)"):
        parse_standard(text + b"minimum_of = {}\n", "s")
