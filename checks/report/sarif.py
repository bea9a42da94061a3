"""The findings as SARIF 2.1.0, for code hosts and editors."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from checks.model import ClauseResult, Finding, Report, Strength
from checks.report import json
from checks.rules.specs import Spec, specs

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
BASE = "SRCROOT"
FINGERPRINT = "straightedge/v1"
LEVELS: Mapping[Strength, str] = {"must": "error", "should": "warning", "may": "note"}

_REMOTE = re.compile(r"(?:https?|ssh)://[!-~]+")
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_STRONGEST: tuple[Strength, ...] = ("must", "should", "may")


def render(report: Report) -> str:
    """The report as the text of a SARIF log with one run.

    A finding has the level of the strongest clause that it breaks. A finding of the repository as
    a whole points at its root folder.
    """
    strengths = {
        clause.id: clause.strength for standard in report.standards for clause in standard.clauses
    }
    rules = _rules(report, strengths)
    index = {rule["id"]: number for number, rule in enumerate(rules)}
    run: dict[str, Any] = {
        "tool": {"driver": _driver(report, rules)},
        "automationDetails": {"id": "/".join(filter(None, ("straightedge", report.component, "")))},
        "originalUriBaseIds": {BASE: {"description": {"text": "The root of the repository."}}},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {"executionSuccessful": True, "toolExecutionNotifications": _notes(report)}
        ],
        "results": [_result(finding, index, strengths) for finding in report.findings],
        "properties": {
            "repository": report.repository,
            "commit": report.commit,
            "standards": [
                {
                    "slug": standard.slug,
                    "version": standard.version,
                    "score": standard.score,
                    "coverage": standard.coverage,
                    "openMust": standard.open_must,
                }
                for standard in report.standards
            ],
        },
    }
    if report.commit and _REMOTE.fullmatch(report.repository):
        run["versionControlProvenance"] = [
            {
                "repositoryUri": report.repository,
                "revisionId": report.commit,
                "mappedTo": {"uriBaseId": BASE},
            }
        ]
    return json.dump({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _driver(report: Report, rules: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    driver: dict[str, Any] = {"name": "Straightedge", "version": report.manifest.engine}
    if version := _VERSION.search(report.manifest.engine):
        driver["semanticVersion"] = version[0]
    return {**driver, "rules": rules}


def _rules(report: Report, strengths: Mapping[str, Strength]) -> list[dict[str, Any]]:
    """The checks that were asked for, whether they found something or not."""
    asked: dict[str, list[ClauseResult]] = {}
    for standard in report.standards:
        for clause in standard.clauses:
            for check in clause.checks:
                asked.setdefault(check.id, []).append(clause)
    known = specs()
    return [
        _rule(known[name], _level([clause.id for clause in clauses], strengths))
        for name, clauses in sorted(asked.items())
        if name in known
    ]


def _rule(spec: Spec, level: str) -> dict[str, Any]:
    why = f"A finding is reported when {spec.violation}."
    traps = ["Known problems:", *(f"- {trap}" for trap in spec.traps)] if spec.traps else []
    return {
        "id": spec.id,
        "name": "".join(word.capitalize() for word in spec.id.split("-")),
        "shortDescription": {"text": spec.title},
        "fullDescription": {"text": why},
        "help": {
            "text": "\n".join([why, f"Instead: {spec.fix}", *traps]),
            "markdown": "\n".join([why, "", f"**Instead:** {spec.fix}", "", *traps]),
        },
        "defaultConfiguration": {"level": level},
        "properties": {
            "tags": [spec.area],
            "precision": "high" if spec.automation == "automated" else "medium",
        },
    }


def _level(clauses: Sequence[str], strengths: Mapping[str, Strength]) -> str:
    found = {strengths.get(clause) for clause in clauses}
    return next((LEVELS[each] for each in _STRONGEST if each in found), "note")


def _result(
    finding: Finding, index: Mapping[str, int], strengths: Mapping[str, Strength]
) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.check,
        "ruleIndex": index.get(finding.check, -1),
        "kind": "fail",
        "level": _level(finding.clauses, strengths),
        "message": {"text": finding.message},
        "locations": [_location(finding)],
        "partialFingerprints": {FINGERPRINT: finding.fingerprint},
        "properties": {
            "clauses": finding.clauses,
            "measured": finding.measured,
            "limit": finding.limit,
            "uncertain": finding.uncertain,
            "gain": finding.gain,
        },
    }
    if finding.suppressed:
        result["suppressions"] = [{"kind": "inSource"}]
    elif finding.waived:
        result["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": f"waiver {finding.waived}"}
        ]
    return result


def _location(finding: Finding) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": _artifact(finding.path)}
    if finding.line:
        region = {"startLine": finding.line, "endLine": max(finding.line, finding.end_line)}
        if finding.column:
            region["startColumn"] = finding.column
        physical["region"] = region
    location: dict[str, Any] = {"physicalLocation": physical}
    if finding.symbol:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.symbol}]
    return location


def _artifact(path: str) -> dict[str, str]:
    """A relative address; ``./`` is the repository itself. Nothing in a name survives unencoded."""
    parts = [part for part in PurePosixPath(path).parts if part not in ("/", "..")]
    uri = "/".join(quote(part, safe="", errors="replace") for part in parts)
    return {"uri": uri or "./", "uriBaseId": BASE}


def _notes(report: Report) -> list[dict[str, Any]]:
    """Files that were seen and not analysed."""
    return [
        {
            "level": "warning",
            "message": {"text": f"Not analysed: {skipped.reason}"},
            "locations": [{"physicalLocation": {"artifactLocation": _artifact(skipped.path)}}],
        }
        for skipped in report.manifest.skipped
    ]
