"""A standard changed on a page: what is touched changes, and nothing else."""

from __future__ import annotations

import difflib

import pytest
from django.core.exceptions import ValidationError

from checks.gate import Gate
from checks.rules.specs import specs
from checks.standard import HERE, parse, shipped_slugs
from dashboard.clause_forms import ClausesForm, field_for
from dashboard.services import editing
from dashboard.services.editing import Changes

TEXT = """# Agreed in spring.
slug = "team-rules"
title = "Team rules"   # our name for it

[[clause]]
id = "TR-1"
requirement = "Functions are short."
strength = "must"
checks = [{ id = "function-length", params = { max_lines = 30 } }, { id = "module-size" }]

[[clause]]
id = "TR-2"  # asked for by everybody
requirement = "Secrets are rotated."
strength = "should"

[[clause]]
id = "TR-3"
requirement = "Nothing is printed."
strength = "may"
checks = [{ id = "no-print" }]

[[skipped]]
lines = "3"
reason = "a greeting"
"""


def _difference(before: str, after: str) -> list[str]:
    lines = difflib.unified_diff(before.split("\n"), after.split("\n"), n=0, lineterm="")
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


def test_only_the_strength_that_was_changed_differs() -> None:
    after = editing.change(TEXT, Changes(strengths={0: "should", 1: "should", 2: "may"}))

    assert _difference(TEXT, after) == ['-strength = "must"', '+strength = "should"']


def test_a_limit_is_written_where_it_differs_and_left_out_where_it_does_not() -> None:
    usual = specs()["function-length"].params["max_lines"]

    other = editing.change(TEXT, Changes(limits={(0, 0, "max_lines"): 12}))
    default = editing.change(TEXT, Changes(limits={(0, 0, "max_lines"): usual}))

    assert editing.read(other).clauses[0].checks[0].given == {"max_lines": 12}
    assert editing.read(default).clauses[0].checks[0].given == {}
    assert "params" not in default
    assert "# asked for by everybody" in other


def test_what_a_lead_attests_without_a_check_has_no_limit_to_change() -> None:
    assert editing.limits(editing.read(TEXT).clauses[1], 0) == []


def test_tables_that_stand_between_clauses_are_kept() -> None:
    head, clause, rest = TEXT.partition('\n[[clause]]\nid = "TR-3"')
    mixed = f'{head}\n[[skipped]]\nlines = "9"\nreason = "a joke"\n{clause}{rest}'

    after = editing.change(mixed, Changes(strengths={2: "must"}))

    assert editing.change(mixed, Changes(strengths={2: "may"})) == mixed
    assert {entry.lines for entry in editing.read(after).skipped} == {"3", "9"}
    assert editing.read(after).clauses[2].strength == "must"


def test_a_clause_that_is_switched_off_stays_in_the_text_and_comes_back() -> None:
    off = editing.change(TEXT, Changes(off={1: True}))

    assert _difference(TEXT, off) == ["+off = true"]
    standard = editing.read(off)
    assert [clause.id for clause in standard.clauses] == ["TR-1", "TR-3"]
    assert [clause.id for clause in standard.written] == ["TR-1", "TR-2", "TR-3"]
    assert editing.change(off, Changes(off={1: False})) == TEXT


def test_weights_are_written_where_they_are_given_and_left_out_where_they_are_not() -> None:
    after = editing.change(
        TEXT, Changes(weights={0: 9, 1: None}, usual={"must": None, "should": 2})
    )
    standard = editing.read(after)
    assert [clause.weight for clause in standard.clauses] == [9, 2, None]
    assert (standard.weights.must, standard.weights.should) == (None, 2)

    none = Changes(weights={0: None}, usual={"must": None, "should": None})
    assert editing.change(after, none) == TEXT + "\n"


def test_what_becomes_a_may_loses_its_weight() -> None:
    heavy = editing.change(TEXT, Changes(weights={0: 9}))

    assert (
        editing.read(editing.change(heavy, Changes(strengths={0: "may"}))).clauses[0].weight is None
    )


def test_a_gate_is_set_changed_and_taken_away() -> None:
    asks = Gate(minimum=80, no_new_findings=True)
    first = editing.change(TEXT, Changes(gate=asks))
    assert editing.read(first).gate == asks
    assert editing.change(first, Changes(gate=asks)) == first

    second = editing.change(first, Changes(gate=Gate()))
    assert editing.read(second).gate == Gate()
    assert editing.read(editing.change(second, Changes(gate=None))).gate is None


@pytest.mark.parametrize("slug", shipped_slugs())
def test_a_shipped_standard_comes_through_the_form_as_it_is(slug: str) -> None:
    text = (HERE / f"{slug}.toml").read_text()
    standard = parse(text.encode(), slug)

    number = 1
    while True:
        blank = ClausesForm(None, standard=standard, number=number)
        data = {}
        for field in blank:
            value = field.value()
            if value is not None and value is not False:
                data[field.html_name] = value
        form = ClausesForm(data, standard=standard, number=number)
        assert form.is_valid(), form.errors
        assert editing.change(text, form.changes()) == text
        number += 1
        if number not in form.pages:
            break


def test_every_limit_of_every_check_takes_its_default_through_a_field() -> None:
    for spec in specs().values():
        text = TEXT.replace("no-print", spec.id)
        for limit in editing.limits(editing.read(text).clauses[2], 0):
            field = field_for(limit)
            assert field.clean(field.prepare_value(limit.value)) == limit.value


def test_statuses_by_method_are_entered_one_method_a_line() -> None:
    text = TEXT.replace("no-print", "success-status-code")
    (limit,) = editing.limits(editing.read(text).clauses[2], 0)
    field = field_for(limit)
    wanted = field.clean("POST: 200, 201\n\nPUT:204\n")

    after = editing.change(text, Changes(limits={(2, 0, limit.name): wanted}))

    assert editing.read(after).clauses[2].checks[0].given == {
        "expected": {"POST": [200, 201], "PUT": [204]}
    }
    for wrong in ("POST", "POST: many", ": 201", "POST: 1\nPOST: 2"):
        with pytest.raises(ValidationError):
            field.clean(wrong)
