"""Checks of alert rules: what somebody is called for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from checks.check import Answer, At, Sites, Skip, check
from checks.project.alerts import AlertRule
from checks.project.conditions import words
from checks.project.project import Project

_SIGNALS = {
    "error-rate": re.compile(r"5xx|5\.\.|\b5\[|\b50\d\b|error|exception", re.IGNORECASE),
    "latency": re.compile(
        r"latency|duration|\bp9\d|slow|response.?time|quantile|elapsed", re.IGNORECASE
    ),
    "availability": re.compile(
        r"\bup\b|absent|health|probe|availab|\bdown\b|uptime|unreachable|heartbeat", re.IGNORECASE
    ),
    "auth-failures": re.compile(r"\b401\b|login|\bauth|sign.?in", re.IGNORECASE),
    "rate-limited": re.compile(r"\b429\b|rate.?limit|throttl|too.?many", re.IGNORECASE),
}


@check("alert-rules")
def alert_rules(
    project: Project,
    *,
    signals: Sequence[str] = ("error-rate", "latency", "availability"),
    require: Sequence[str] = (),
) -> Answer:
    """Alert rules are kept with the service that they watch.

    A rule that is reviewed with the code fits what the service measures.

    Instead: add the rule (expression, for, severity label, runbook_url annotation).

    Known problems: rules kept in another repository cannot be seen. What a rule watches is told
    from its name and its expression; of a Terraform resource from all of it. Dashboards that
    are exported as JSON are not read.
    """
    if not project.entrypoints.all or not project.alerts.deployable:
        return Skip("no service that is deployed from here")
    rules = project.alerts.rules
    found = [_missing(project, each) for each in signals if not _watched(rules, each)]
    severities = {rule.severity.lower() for rule in rules if rule.severity}
    for rule in rules:
        found += _lacks(rule, require, len(severities))
    count = len(signals) + len(rules) * len(require)
    return Sites(count, found) if count else Skip("no alert rule")


def _watched(rules: list[AlertRule], signal: str) -> bool:
    pattern = _SIGNALS[signal]
    return any(
        pattern.search(f"{rule.name} {' '.join(words(rule.name))} {rule.expression}")
        for rule in rules
    )


def _missing(project: Project, signal: str) -> At:
    """Where a rule is missing: in the alert file, else of the application."""
    text = f"No alert rule watches {signal}"
    rules = project.alerts.rules
    if rules:
        return At(0, text, path=rules[0].path, anchor=signal)
    app = project.entrypoints.all[0]
    return At(app.line, text, path=app.path, anchor=signal)


def _lacks(rule: AlertRule, require: Sequence[str], severities: int) -> Iterator[At]:
    for each in require:
        fault = ""
        if each == "severity" and not rule.severity:
            fault = "has no severity"
        elif each == "severity" and severities < 2:
            fault = "has the only severity that there is"
        elif each == "runbook" and not rule.runbook:
            fault = "names no runbook"
        elif each == "duration" and not rule.bounded:
            fault = "has neither a duration nor a threshold"
        if fault:
            text = f"The alert `{rule.name}` {fault}"
            yield At(rule.line, text, path=rule.path, anchor=f"{rule.name}:{each}")
