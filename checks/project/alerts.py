"""Alert rules that a repository keeps: of Prometheus, Grafana and Terraform."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from checks.project.composefile import compose_files

if TYPE_CHECKING:
    from checks.facts.doctree import DocumentFact
    from checks.project.project import Project

_RESOURCE = re.compile(
    r'^[ \t]*resource\s+"(aws_cloudwatch_(?:metric|composite)_alarm|datadog_monitor|sentry_\w*alert'
    r"|grafana_rule_group|google_monitoring_alert_policy|azurerm_monitor_\w*alert\w*"
    r'|newrelic_\w*alert_condition)"\s+"([\w-]+)"',
    re.MULTILINE,
)
_ALERT = re.compile(r"^(\s*)-?\s*alert:\s*(\S.*)$")
_SEVERITY = re.compile(r"\b(?:severity|priority|level)\"?\s*[:=]\s*[\"']?([\w.-]+)", re.IGNORECASE)
_RUNBOOK = re.compile(r"run_?-?book", re.IGNORECASE)
_LASTS = re.compile(
    r"^\s*-?\s*\"?(for|keep_firing_for|evaluation_periods|period|duration|window_size|time_window"
    r"|evaluation_window|window_duration|frequency)\"?\s*[:=]",
    re.MULTILINE,
)
_COMPARES = re.compile(r"[<>]=?|==|!=|\bthreshold\b|comparison", re.IGNORECASE)
_DEPLOYED = re.compile(
    r"(^|/)(Chart\.ya?ml|kustomization\.ya?ml|[^/]+\.tf|(Docker|Container)file[^/]*)$",
    re.IGNORECASE,
)
_LEVELS = ("severity", "priority", "level")
_NODES = 20_000
_ASIDE = re.compile(
    r"^\s*(#.*|//.*|\w*(duration|period|frequency|window|interval|scopes?|description|actions?"
    r"|enabled|location|group_name|target_resource\w*)\s*=.*)$",
    re.MULTILINE,
)
"""Lines of a resource that say how it is run, not what it watches."""


class AlertRule(msgspec.Struct, frozen=True):
    """One rule.

    Attributes:
        path: The file it stands in.
        line: Where it begins.
        name: Its name.
        expression: What it watches, as text; of Terraform the whole resource.
        severity: Severity, priority or level, "" for none.
        runbook: Whether it names a runbook.
        bounded: Whether it has a duration, an evaluation period or a threshold.
    """

    path: str
    line: int
    name: str
    expression: str
    severity: str
    runbook: bool
    bounded: bool


class Alerts:
    """All alert rules of a project; computed once."""

    def __init__(self, project: Project) -> None:
        self.project = project

    @cached_property
    def rules(self) -> list[AlertRule]:
        """Every rule in order of file and line; recording rules are none."""
        found: list[AlertRule] = []
        for path, fact in sorted(self.project.documents.items()):
            if fact.kind == "yaml":
                found += _of_text(path, fact.text) if fact.error else _of_data(path, fact)
            elif path.endswith(".tf"):
                found += _of_terraform(path, fact.text)
        return sorted(found, key=lambda rule: (rule.path, rule.line))

    @cached_property
    def deployable(self) -> bool:
        """Whether the repository says how it is deployed."""
        return bool(compose_files(self.project)) or any(
            _DEPLOYED.search(path) for path in self.project.documents
        )


def _of_data(path: str, fact: DocumentFact) -> Iterator[AlertRule]:
    """Rules in the data of a YAML file, wherever they are nested."""
    stack: list[tuple[str, Any]] = [
        (f"{position}#" if position else "", document)
        for position, document in enumerate(fact.documents)
    ]
    for _ in range(_NODES):
        if not stack:
            return
        place, value = stack.pop()
        if isinstance(value, dict):
            if isinstance(value.get("alert"), str) and "expr" in value:
                yield _rule(path, fact.line_of(_below(place, "alert")), value["alert"], value)
            elif isinstance(value.get("title"), str) and "condition" in value and "data" in value:
                yield _rule(path, fact.line_of(place), value["title"], value)
            else:
                stack += [(_below(place, str(key)), each) for key, each in value.items()]
        elif isinstance(value, list):
            stack += [(_below(place, str(index)), each) for index, each in enumerate(value)]


def _below(place: str, key: str) -> str:
    return f"{place}{key}" if not place or place.endswith("#") else f"{place}.{key}"


def _rule(path: str, line: int, name: str, row: dict[str, Any]) -> AlertRule:
    labels, notes = row.get("labels"), row.get("annotations")
    named = labels if isinstance(labels, dict) else {}
    severity = next((str(named[each]) for each in _LEVELS if named.get(each)), "")
    expression = str(row.get("expr") or row.get("data") or "")
    bounded = "for" in row or bool(_COMPARES.search(expression))
    runbook = any(_RUNBOOK.search(str(key)) for key in notes) if isinstance(notes, dict) else False
    return AlertRule(path, line, name, expression, severity, runbook, bounded)


def _of_text(path: str, text: str) -> Iterator[AlertRule]:
    """Rules of a template that is no YAML yet, line by line."""
    lines = text.splitlines()
    starts = [(number, found) for number, line in enumerate(lines) if (found := _ALERT.match(line))]
    for position, (number, found) in enumerate(starts):
        end = starts[position + 1][0] if position + 1 < len(starts) else len(lines)
        body = "\n".join(lines[number + 1 : end])
        yield _from_body(path, number + 1, found[2].strip("\"' "), body)


def _of_terraform(path: str, text: str) -> Iterator[AlertRule]:
    """Resources that are alarms or monitors."""
    for found in _RESOURCE.finditer(text):
        body = text[found.end() : _end_of_block(text, found.end())]
        line = text.count("\n", 0, found.start()) + 1
        yield _from_body(path, line, found[2], body)


def _end_of_block(text: str, start: int) -> int:
    depth = 0
    for brace in re.finditer(r"[{}]", text[start:]):
        depth += 1 if brace[0] == "{" else -1
        if depth <= 0:
            return start + brace.end()
    return len(text)


def _from_body(path: str, line: int, name: str, body: str) -> AlertRule:
    severity = _SEVERITY.search(body)
    bounded = bool(_LASTS.search(body) or _COMPARES.search(body))
    runbook = bool(_RUNBOOK.search(body))
    watched = _ASIDE.sub("", body)
    return AlertRule(path, line, name, watched, severity[1] if severity else "", runbook, bounded)
