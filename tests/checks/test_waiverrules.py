"""The ``[waivers]`` table of a standard."""

from __future__ import annotations

import pytest

from checks.standard import StandardError, parse
from checks.waiverrules import WaiverRules

BODY = """slug = "team"
title = "Team"
{table}
[[clause]]
id = "T-1"
requirement = "Nothing is printed."
strength = "must"
checks = [{{ id = "no-print" }}]
"""


def rules(table: str) -> WaiverRules:
    return parse(BODY.format(table=table).encode(), "team.toml").waivers


def test_a_standard_without_the_table_allows_a_year_and_any_approver() -> None:
    assert rules("") == WaiverRules(max_days=None, approver="anyone")
    assert rules("").longest == 365
    assert rules("").suppressions == "any"


def test_a_standard_sets_the_longest_time_and_who_may_grant() -> None:
    assert rules('[waivers]\nmax_days = 90\napprover = "other"') == WaiverRules(
        max_days=90, approver="other"
    )
    assert rules("[waivers]\nmax_days = 90").longest == 90
    assert rules('[waivers]\nsuppressions = "reasoned"').suppressions == "reasoned"


@pytest.mark.parametrize(
    ("table", "mistake"),
    [
        ("waivers = 3", "[waivers] table"),
        ("[waivers]\nmax_days = 0", "max_days is not a whole number from 1 to 3650"),
        ("[waivers]\nmax_days = true", "max_days is not a whole number"),
        ('[waivers]\napprover = "nobody"', "approver 'nobody' is not one of anyone, other"),
        ("[waivers]\napprover = []", "is not one of anyone, other"),
        ('[waivers]\nsuppressions = "all"', "suppressions 'all' is not one of any, reasoned, none"),
        ("[waivers]\nsuppressions = []", "is not one of any, reasoned, none"),
        ("[waivers]\nmax_day = 3", "unknown field 'max_day'"),
    ],
)
def test_mistakes_in_the_table_are_named(table: str, mistake: str) -> None:
    with pytest.raises(StandardError) as error:
        rules(table)
    assert mistake in str(error.value)
