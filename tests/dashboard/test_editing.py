"""A standard changed on a page: what is touched changes, and nothing else."""

from __future__ import annotations

import difflib

import pytest

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


def test_clauses_are_left_out_and_the_rest_stands() -> None:
    after = editing.without(TEXT, {"TR-2"})

    assert [clause.id for clause in editing.read(after).clauses] == ["TR-1", "TR-3"]
    assert "# Agreed in spring." in after
    assert "a greeting" in after
    assert editing.without(TEXT, ()) == TEXT


@pytest.mark.parametrize("slug", shipped_slugs())
def test_a_shipped_standard_comes_through_the_form_as_it_is(slug: str) -> None:
    text = (HERE / f"{slug}.toml").read_text()
    standard = parse(text.encode(), slug)

    number = 1
    while True:
        blank = ClausesForm(None, standard=standard, number=number, off=frozenset())
        data = {}
        for field in blank:
            value = field.value()
            if value is not False:
                data[field.html_name] = value
        form = ClausesForm(data, standard=standard, number=number, off=frozenset())
        assert form.is_valid(), form.errors
        assert editing.change(text, form.changes()) == text
        number += 1
        if number not in form.pages:
            break


def test_every_limit_of_every_check_has_a_field_or_is_said_to_have_none() -> None:
    without = set()
    for spec in specs().values():
        text = TEXT.replace("no-print", spec.id)
        for limit in editing.limits(editing.read(text).clauses[2], 0):
            if field_for(limit) is None:
                without.add((spec.id, limit.name))

    assert without == {("success-status-code", "expected")}
