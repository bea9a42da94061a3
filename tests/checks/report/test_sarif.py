from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import pytest
from msgspec.structs import replace

from checks.report.sarif import render
from tests.checks.report.sample import NASTY, report

SCHEMA = json.loads(Path(__file__).with_name("sarif-subset.json").read_text())


def run(**more: Any) -> dict[str, Any]:
    log = json.loads(render(report(**more)))
    jsonschema.Draft202012Validator(
        SCHEMA, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    ).validate(log)
    only: dict[str, Any] = log["runs"][0]
    return only


def results(check: str) -> list[dict[str, Any]]:
    return [each for each in run()["results"] if each["ruleId"] == check]


def address(result: dict[str, Any]) -> str:
    (location,) = result["locations"]
    uri: str = location["physicalLocation"]["artifactLocation"]["uri"]
    return uri


def test_the_log_has_the_form_of_sarif() -> None:
    assert run()["results"]


def test_every_result_points_at_its_rule_and_every_rule_helps() -> None:
    got = run()
    rules = got["tool"]["driver"]["rules"]
    for result in got["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    for rule in rules:
        assert "Instead: " in rule["help"]["text"]
        assert rule["shortDescription"]["text"]


def test_the_level_follows_the_strongest_clause() -> None:
    levels = {each["ruleId"]: each["level"] for each in run()["results"]}
    assert levels["no-print"] == "error"
    assert levels["function-length"] == "warning"
    assert levels["import-order"] == "note"


def test_addresses_are_relative_and_encoded() -> None:
    nasty = next(each for each in results("no-print") if "%1B" in address(each))
    assert address(nasty) == "app/a%20b%1B%5B31m%E2%80%AE%23%2525%3A%C3%A9.py"
    assert unquote(address(nasty)) == NASTY


@pytest.mark.parametrize("path", ["/etc/passwd", "../../etc/passwd", "a/../../etc/passwd"])
def test_no_address_leaves_the_repository(path: str) -> None:
    made = report()
    moved = replace(made, findings=(replace(made.findings[0], path=path),))
    (result,) = json.loads(render(moved))["runs"][0]["results"]
    assert ".." not in address(result)
    assert not address(result).startswith("/")


def test_a_finding_of_the_whole_repository_points_at_its_root_without_a_line() -> None:
    (result,) = results("docs-topics")
    physical = result["locations"][0]["physicalLocation"]
    assert physical == {"artifactLocation": {"uri": "./", "uriBaseId": "SRCROOT"}}


def test_a_finding_carries_its_place_symbol_and_fingerprint() -> None:
    made = report()
    finding = next(each for each in made.findings if each.symbol == "app.main:run")
    result = next(
        each for each in results("no-print") if "logicalLocations" in each["locations"][0]
    )
    assert result["partialFingerprints"] == {"straightedge/v1": finding.fingerprint}
    location = result["locations"][0]
    assert location["logicalLocations"] == [{"fullyQualifiedName": "app.main:run"}]
    assert location["physicalLocation"]["region"] == {
        "startLine": 3,
        "endLine": 3,
        "startColumn": 5,
    }


def test_only_findings_suppressed_in_the_code_say_so() -> None:
    suppressed = [each for each in run()["results"] if "suppressions" in each]
    assert [each["message"]["text"] for each in suppressed] == ["print in stop"]
    assert suppressed[0]["suppressions"] == [{"kind": "inSource"}]


def test_files_that_were_not_analysed_are_notified() -> None:
    (invocation,) = run()["invocations"]
    (note,) = invocation["toolExecutionNotifications"]
    assert note["message"]["text"] == "Not analysed: does not parse"


def test_the_commit_is_named_only_with_an_address_that_others_can_use() -> None:
    (origin,) = run()["versionControlProvenance"]
    assert origin["revisionId"] == "5" * 40
    assert "versionControlProvenance" not in run(repository="shop")
