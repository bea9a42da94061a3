"""Traps of the check on what stands between a change and its deployment."""

from __future__ import annotations

import pytest

from checks.model import Outcome
from tests.checks.projects import ask_read

HEAD = "on: [push]\njobs:\n  test:\n    runs-on: x\n    steps:\n      - run: pytest\n"


def job(name: str, *lines: str, run: str = "kubectl apply -f k8s") -> str:
    """One job of a workflow."""
    more = "".join(f"    {line}\n" for line in lines)
    return f"  {name}:\n{more}    runs-on: x\n    steps:\n      - run: {run}\n"


def ask(workflow: str, **params: object) -> Outcome:
    """The answer about one workflow."""
    return ask_read("ci-deploy-gated", {".github/workflows/ci.yml": workflow}, **params)


def found(outcome: Outcome) -> list[str]:
    """Anchors of the findings."""
    return sorted(each.anchor for each in outcome.observations)


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        (job("build", "needs: [test]", run="make image") + job("deploy", "needs: build"), []),
        (job("deploy", "needs: test", "if: always()"), ["deploy:after"]),
        (job("deploy", "needs: test", "if: ${{ !cancelled() }}"), ["deploy:after"]),
        (job("deploy", "needs: test", "if: always() && needs.test.result == 'success'"), []),
        (job("deploy", "needs: test", "if: always() && !contains(needs.*.result, 'failure')"), []),
        (job("ship", run="helm upgrade orders chart"), ["ship:after"]),
        (job("ship", "environment: staging", run="./go"), ["ship:after"]),
        (job("ship", run="echo deploy later"), None),
        (job("deploy-docs", run="mkdocs gh-deploy"), None),
        (job("deploy", "environment: pypi", run="uv publish"), None),
        (job("publish", run="docker push x"), None),
    ],
)
def test_a_deployment_waits_for_the_tests(jobs: str, expected: list[str] | None) -> None:
    outcome = ask(HEAD + jobs)
    if expected is None:
        assert outcome.state == "not-applicable"
    else:
        assert (outcome.sites, found(outcome)) == (1, expected)


def test_a_test_before_the_deployment_in_the_same_job_gates_it() -> None:
    steps = "on: [push]\njobs:\n  deploy:\n    runs-on: x\n    steps:\n"
    first, second = "      - run: pytest\n", "      - run: kubectl apply -f k8s\n"
    assert found(ask(steps + first + second)) == []
    assert found(ask(steps + second + first)) == ["deploy:after"]


def test_a_test_that_cannot_fail_gates_nothing() -> None:
    workflow = HEAD.replace("pytest", "pytest || true") + job("deploy", "needs: test")
    assert found(ask(workflow)) == ["deploy:after"]


def test_a_called_workflow_is_gated_by_the_job_that_calls_it() -> None:
    inner = "on: workflow_call\njobs:\n" + job("apply", run="helm upgrade a b")
    for needs, expected in (("    needs: test\n", []), ("", ["deploy:after"])):
        caller = f"{HEAD}  deploy:\n{needs}    uses: ./.github/workflows/inner.yml\n"
        files = {".github/workflows/ci.yml": caller, ".github/workflows/inner.yml": inner}
        outcome = ask_read("ci-deploy-gated", files)
        assert (outcome.sites, found(outcome)) == (1, expected)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [("if: github.event.workflow_run.conclusion == 'success'", []), ("", ["deploy:after"])],
)
def test_another_workflow_gates_by_its_success(condition: str, expected: list[str]) -> None:
    after = "on:\n  workflow_run:\n    workflows: [Tests]\n    types: [completed]\njobs:\n"
    files = {
        ".github/workflows/ci.yml": "name: Tests\n" + HEAD,
        ".github/workflows/deploy.yml": after + job("deploy", *([condition] if condition else [])),
    }
    assert found(ask_read("ci-deploy-gated", files)) == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [("", []), ("  needs: []\n", ["ship:after"]), ("  when: always\n", ["ship:after"])],
)
def test_stages_of_gitlab_run_in_order(more: str, expected: list[str]) -> None:
    text = (
        "stages: [check, ship]\nunit:\n  stage: check\n  script: [pytest]\n"
        f"ship:\n  stage: ship\n{more}  script: [kubectl apply -f k8s]\n"
    )
    outcome = ask_read("ci-deploy-gated", {".gitlab-ci.yml": text})
    assert (outcome.sites, found(outcome)) == (1, expected)


@pytest.mark.parametrize(
    ("lines", "on", "expected"),
    [
        ((), "on: [push]", ["deploy-production:approval"]),
        (("environment: production",), "on: [push]", []),
        ((), "on: workflow_dispatch", []),
    ],
)
def test_production_asks_for_an_approval(
    lines: tuple[str, ...], on: str, expected: list[str]
) -> None:
    workflow = HEAD.replace("on: [push]", on) + job("deploy-production", *lines)
    outcome = ask(workflow, after=[], production_approval=True)
    assert found(outcome) == expected
    assert ask(HEAD + job("deploy-staging"), after=[], production_approval=True).sites == 0


def test_an_approval_of_circleci_comes_before() -> None:
    text = (
        "jobs:\n  deploy-prod:\n    steps:\n      - run: kubectl apply -f k8s\n"
        "workflows:\n  main:\n    jobs:\n      - hold:\n          type: approval\n"
        "      - deploy-prod:\n          requires: [hold]\n"
    )
    files = {".circleci/config.yml": text}
    outcome = ask_read("ci-deploy-gated", files, after=[], production_approval=True)
    assert (outcome.sites, found(outcome)) == (1, [])


BITBUCKET = """pipelines:
  default:
    - step:
        name: Check
        script: [pytest]
    - step:
        name: Deploy
        script: [kubectl apply -f k8s]
"""
JENKINS = """pipeline { stages {
  stage('Check') { steps { sh 'pytest' } }
  stage('Deploy') { steps { sh 'helm upgrade a b' } }
} }
"""
AZURE = """stages:
- stage: Check
  jobs:
  - job: unit
    steps:
    - script: pytest
- stage: Ship
  jobs:
  - deployment: web
    strategy:
      runOnce:
        deploy:
          steps:
          - script: kubectl apply -f k8s
"""
CIRCLE = """jobs:
  check:
    steps:
      - run: pytest
  deploy:
    steps:
      - run: fly deploy
workflows:
  main:
    jobs:
      - check
      - deploy:
          requires: [check]
"""


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        ("bitbucket-pipelines.yml", BITBUCKET, 6),
        ("Jenkinsfile", JENKINS, 3),
        ("azure-pipelines.yml", AZURE, 9),
        (".circleci/config.yml", CIRCLE, 5),
    ],
)
def test_every_server_runs_tests_before_it_deploys(path: str, text: str, line: int) -> None:
    assert found(ask_read("ci-deploy-gated", {path: text})) == []
    outcome = ask_read("ci-deploy-gated", {path: text.replace("pytest", "true")})
    assert [each.line for each in outcome.observations] == [line]
