from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from checks.report.json import render
from tests.checks.report.sample import OUTCOMES, report


def rendered() -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(render(report()))
    return answer


def test_the_file_has_the_fields_that_programs_rely_on() -> None:
    got = rendered()
    assert got["schema"] == 1
    assert got.keys() >= {"repository", "commit", "component", "manifest", "standards", "findings"}
    assert got["manifest"].keys() >= {
        "files",
        "python_files",
        "analysed",
        "skipped",
        "tools",
        "engine",
    }
    assert got["manifest"]["skipped"] == [{"path": "app/x\x1b.py", "reason": "does not parse"}]
    (standard,) = got["standards"]
    assert standard.keys() >= {"slug", "version", "score", "raw_score", "coverage", "open_must"}
    assert standard["clauses"][0].keys() >= {
        "id",
        "strength",
        "verdict",
        "score",
        "weight",
        "checks",
    }
    assert standard["clauses"][0]["checks"][0] == {
        "id": "no-print",
        "sites": 16,
        "violations": 2,
        "suppressed": 1,
        "state": "measured",
        "reason": "",
        "params": {},
        "score": 0.646446609406,
    }
    assert got["findings"][0].keys() >= {
        "check",
        "clauses",
        "path",
        "line",
        "end_line",
        "column",
        "symbol",
        "message",
        "measured",
        "limit",
        "fingerprint",
        "suppressed",
        "gain",
    }


def test_verdicts_and_scores_are_spelled_as_promised() -> None:
    clauses = {each["id"]: each for each in rendered()["standards"][0]["clauses"]}
    assert clauses["T-1"]["verdict"] == "fails"
    assert clauses["T-4"]["verdict"] == "unknown"
    assert clauses["T-4"]["score"] is None
    assert clauses["T-4"]["checks"][0]["reason"] == "check not built"


def test_the_losses_in_the_file_add_up_to_what_is_missing() -> None:
    got = json.loads(render(report()), parse_float=Decimal)
    (standard,) = got["standards"]
    assert 100 - sum(clause["loss"] for clause in standard["clauses"]) == standard["score"]


def test_findings_are_sorted_by_path_line_and_check() -> None:
    places = [(each["path"], each["line"], each["check"]) for each in rendered()["findings"]]
    assert places == sorted(places)


def test_the_same_report_gives_the_same_bytes_whatever_the_order_of_its_outcomes() -> None:
    turned = {
        key: replace(each, observations=each.observations[::-1], seconds=each.seconds + 1)
        for key, each in reversed(OUTCOMES.items())
    }
    assert render(report(turned)) == render(report())


def test_half_a_surrogate_pair_does_not_break_the_file() -> None:
    text = render(replace(report(), repository="a\ud800b"))
    assert json.loads(text.encode())["repository"] == "a?b"
