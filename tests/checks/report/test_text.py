from __future__ import annotations

import re

from msgspec.structs import replace

from checks.gate import points
from checks.model import Outcome
from checks.report import text
from checks.report.text import escaped, render
from tests.checks.report.sample import PRINT, TEAM, observed, report


def test_the_headline_has_score_letter_coverage_and_open_musts() -> None:
    lines = render(report(), [TEAM]).splitlines()
    headline = next(line for line in lines if "coverage" in line)
    assert headline == (
        "  57.6 D · at least 49.4, some checks broke · 52.3 without waivers and suppressions"
        " · coverage 54 % · 1 open must"
    )


def test_clauses_are_listed_with_their_words_what_they_cost_most_first() -> None:
    shown = render(report(), [TEAM])
    costs = re.findall(r"^ +(-\d+\.\d+)  (T-\d) (\w+)  (.*)$", shown, re.MULTILINE)
    assert [each[1] for each in costs] == ["T-1", "T-6", "T-2"]
    assert costs[0][3] == "Nothing is printed. (no-print 2/16)"
    losses = [float(each[0]) for each in costs]
    assert losses == sorted(losses)


def test_what_is_unknown_says_why() -> None:
    shown = render(report(), [TEAM])
    assert "1 clause unknown: check not built" in shown
    assert r"1 clause not told: success-status-code: check failed: \x1b[2Jboom" in shown


def test_nothing_that_steers_a_terminal_gets_through() -> None:
    shown = render(report(), [TEAM])
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", shown)
    assert r"print\x1b[31m\n\u202eevil" in shown


def test_ordinary_text_stays_as_it_is() -> None:
    assert escaped("naïve – 日本語 'quoted' \\ back") == "naïve – 日本語 'quoted' \\ back"


def test_color_is_only_for_terminals() -> None:
    assert "\x1b[1m" in render(report(), [TEAM], color=True)
    assert "\x1b" not in render(report(), [TEAM])


def test_findings_are_grouped_by_file_and_suppressed_ones_only_counted() -> None:
    shown = render(report(), [TEAM])
    assert "5 findings (1 more suppressed in the code)" in shown
    assert "print in stop" not in shown
    assert "\nthe repository\n" in shown
    assert "  3:5  print in run  no-print [T-1]" in shown
    assert "too long (uncertain)" in shown
    assert r"not analysed: app/x\x1b.py (does not parse)" in shown


def test_long_lists_are_cut_and_say_how_much_is_left() -> None:
    many = tuple(observed(f"app/m{file:02}.py", line) for file in range(23) for line in range(1, 8))
    found = {PRINT: Outcome(check="no-print", sites=500, observations=many)}
    shown = render(report(found), [TEAM])
    assert "  and 2 more in this file" in shown
    assert "  and 3 more files" in shown
    assert shown.count("app/m") == text.FILES
    assert shown.rstrip().endswith("All of them: --format json")


def test_a_standard_that_is_not_scored_says_so() -> None:
    assert "not scored: nothing was measured" in render(report({}), [TEAM])


def test_points_are_rounded_down() -> None:
    assert [points(each) for each in (89.999999, 90.0, 64.3, 0.0)] == [
        "89.9",
        "90.0",
        "64.3",
        "0.0",
    ]


def test_uncommitted_files_are_named_as_such() -> None:
    assert "at uncommitted files" in render(replace(report(), commit=""), [TEAM])
