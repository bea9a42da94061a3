"""Alert rules: where they are kept, and what each says."""

from __future__ import annotations

from checks.model import Outcome
from tests.checks.projects import ask_read, lines

SERVICE: dict[str, str | bytes] = {
    "Dockerfile": "FROM python:3.13\n",
    "app/main.py": "from fastapi import FastAPI\n\napp = FastAPI()\n",
}
RULES = """groups:
  - name: orders
    rules:
      - record: job:errors:rate5m
        expr: rate(errors[5m])
      - alert: HighErrorRate
        expr: rate(http_requests_total{status=~"5.."}[5m]) > 1
        for: 5m
        labels: {severity: critical}
        annotations: {runbook_url: "https://docs.example/errors"}
      - alert: Gone
        expr: absent(up)
        labels: {priority: low}
"""
TERRAFORM = """# alarms
resource "aws_sns_topic" "alerts" {
  name = "alerts"
}

resource "aws_cloudwatch_metric_alarm" "slow" {
  alarm_name          = "p95"
  metric_name         = "TargetResponseTime"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 2
  threshold           = 2
  tags                = { severity = "high" }
}

resource "aws_cloudwatch_metric_alarm" "busy" {
  metric_name     = "CPUUtilization"
  window_duration = "PT5M"
}
"""


def asked(files: dict[str, str | bytes], **params: object) -> Outcome:
    """What ``alert-rules`` answers about a service with these files."""
    return ask_read("alert-rules", SERVICE | files, **params)


def missing(files: dict[str, str | bytes], *signals: str) -> list[str]:
    """The signals that nothing watches."""
    outcome = asked(files, signals=list(signals))
    return sorted(each.anchor for each in outcome.observations)


def test_signals_are_told_from_names_and_expressions() -> None:
    files: dict[str, str | bytes] = {"monitoring/alerts.yml": RULES}
    wanted = ("error-rate", "latency", "availability", "auth-failures", "rate-limited")
    assert missing(files, *wanted) == ["auth-failures", "latency", "rate-limited"]
    outcome = asked(files, signals=["latency"])
    assert [each.path for each in outcome.observations] == ["monitoring/alerts.yml"]


def test_recording_rules_are_no_alerts() -> None:
    only = "\n".join(RULES.splitlines()[:5]) + "\n"
    outcome = asked({"monitoring/alerts.yml": only}, signals=["error-rate"])
    assert [(each.path, each.line) for each in outcome.observations] == [("app/main.py", 3)]


def test_each_rule_answers_for_what_is_required() -> None:
    files: dict[str, str | bytes] = {"monitoring/alerts.yml": RULES}
    for entry, expected in (("severity", []), ("runbook", [11]), ("duration", [11])):
        outcome = asked(files, signals=[], require=[entry])
        assert (outcome.sites, lines(outcome)) == (2, expected), entry
    same = RULES.replace("priority: low", "severity: critical")
    outcome = asked({"monitoring/alerts.yml": same}, signals=[], require=["severity"])
    assert lines(outcome) == [6, 11]


def test_terraform_resources_are_rules() -> None:
    files: dict[str, str | bytes] = {"infra/alarms.tf": TERRAFORM}
    assert missing(files, "latency", "availability") == ["availability"]
    outcome = asked(files, signals=[], require=["duration"])
    assert (outcome.sites, lines(outcome)) == (2, [])
    outcome = asked(files, signals=[], require=["runbook"])
    assert lines(outcome) == [6, 15]
    outcome = asked({"infra/alarms.tf": TERRAFORM.replace("slow", "a").replace("p95", "a")
                     .replace("TargetResponseTime", "a")}, signals=["latency"])  # fmt: skip
    assert outcome.observations


def test_rules_of_operators_grafana_and_templates_are_read() -> None:
    operator = """apiVersion: v1
---
kind: PrometheusRule
spec:
  groups:
    - rules:
        - alert: ServiceDown
          expr: up == 0
"""
    grafana = """groups:
  - rules:
      - title: Slow responses
        condition: C
        data: [{model: {expr: rate(x)}}]
"""
    template = """{{- if .Values.alerts }}
rules:
  - alert: ServiceDown
    expr: up == 0
    for: {{ .Values.wait }}
{{- end }}
"""
    for path, text, signal in (
        ("k8s/rules.yaml", operator, "availability"),
        ("grafana/alerting.yaml", grafana, "latency"),
        ("charts/orders/templates/rules.yaml", template, "availability"),
    ):
        assert missing({path: text}, "availability", "latency") == sorted(
            {"availability", "latency"} - {signal}
        )
    outcome = asked({"k8s/rules.yaml": operator}, signals=[], require=["runbook"])
    assert lines(outcome) == [7]


def test_only_services_that_are_deployed_are_asked() -> None:
    files = {"app/main.py": SERVICE["app/main.py"]}
    assert ask_read("alert-rules", files).state == "not-applicable"
    assert ask_read("alert-rules", {"Dockerfile": "FROM x\n"}).state == "not-applicable"
    assert asked({}, signals=[], require=["runbook"]).state == "not-applicable"
