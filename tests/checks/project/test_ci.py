"""What CI runs, on every server, and how commands are followed through the repository."""

from __future__ import annotations

import pytest

from checks.project.ciruns import DEFAULT_BRANCH, PULL_REQUEST, PUSH, CiRun
from tests.checks.projects import project

WORKFLOW = ".github/workflows/ci.yml"


def workflow(run: str, *, on: str = "[push]", job: str = "", step: str = "") -> str:
    """A workflow with one job of one step."""
    return (
        f"on: {on}\njobs:\n  test:\n    runs-on: ubuntu-latest\n{job}"
        f"    steps:\n      - run: {run}\n{step}"
    )


def runs(files: dict[str, str]) -> list[CiRun]:
    """What CI runs in a project of these files."""
    return project({"app/x.py": "X = 1\n", **files}).ci.runs


def programs(files: dict[str, str]) -> list[str]:
    """Programs with their arguments."""
    return [" ".join(run.words) for run in runs(files) if run.words]


# Following ----------------------------------------------------------------------------------------


MAKEFILE = "check: lint\n\t@$(RUN) pytest -q\nlint:\n\truff check\nRUN = uv run\n"
JUSTFILE = "test: lint\n    pytest -q\nlint:\n    ruff check\n"
TASKFILE = "tasks:\n  test:\n    cmds:\n      - task: unit\n  unit: pytest -q\n"
NOXFILE = "import nox\n\n@nox.session\ndef tests(session):\n    session.run('pytest', '-q')\n"
HATCH = "[tool.hatch.envs.cov.scripts]\nunit = 'pytest -q'\n"
SCRIPT = "import subprocess\nsubprocess.run(['pytest', '-q'])\n"
HOOKS = "repos:\n- repo: local\n  hooks:\n  - id: t\n    entry: uv run pytest -q\n"


@pytest.mark.parametrize(
    ("command", "path", "text"),
    [
        ("make check", "Makefile", MAKEFILE),
        ("make -C api", "api/Makefile", "all:\n\tpytest -q\n"),
        ("just test", "justfile", JUSTFILE),
        ("task test", "Taskfile.yml", TASKFILE),
        ("tox -e unit", "tox.ini", "[testenv:unit]\ncommands =\n    pytest -q\n"),
        ("nox -s tests", "noxfile.py", NOXFILE),
        ("poe all", "pyproject.toml", "[tool.poe.tasks]\nall = ['unit']\nunit = 'pytest -q'\n"),
        ("hatch run cov:unit", "pyproject.toml", HATCH),
        ("pdm run unit", "pyproject.toml", "[tool.pdm.scripts]\nunit = {cmd = 'pytest -q'}\n"),
        ("uv run task unit", "pyproject.toml", "[tool.taskipy.tasks]\nunit = 'pytest -q'\n"),
        ("bash scripts/test.sh", "scripts/test.sh", "#!/bin/sh\nset -e\npytest -q\n"),
        ("scripts/test", "scripts/test", "#!/bin/sh\npytest -q\n"),
        ("make test", "Makefile", "UV := .ci/uv\ntest:\n\t@$(UV) run --frozen pytest -q\n"),
        ("python scripts/t.py", "scripts/t.py", SCRIPT),
        ("pre-commit run --all-files", ".pre-commit-config.yaml", HOOKS),
        ("docker build .", "Dockerfile", "FROM python\nRUN --mount=type=cache pytest -q\n"),
        ("docker compose up t", "compose.yml", "services:\n  t:\n    command: pytest -q\n"),
    ],
)
def test_a_command_leads_through_what_the_repository_defines(
    command: str, path: str, text: str
) -> None:
    assert "pytest -q" in programs({WORKFLOW: workflow(command), path: text})


def test_a_task_is_the_one_of_the_folder_it_is_called_in() -> None:
    tasks = "[tool.poe.tasks]\nunit = "
    step = "        working-directory: b/c\n"
    files = {
        WORKFLOW: workflow("poe unit", step=step),
        "a/pyproject.toml": f"{tasks}'pytest'\n",
        "b/pyproject.toml": f"{tasks}'echo'\n",
    }
    assert programs(files) == ["poe unit", "echo"]


def test_a_recipe_that_calls_itself_ends() -> None:
    files = {WORKFLOW: workflow("make a"), "Makefile": "a: b\n\tmake b\nb: a\n\tmake a\n"}
    assert programs(files)


def test_make_that_ignores_a_failure_does_not_block() -> None:
    files = {WORKFLOW: workflow("make a"), "Makefile": "a:\n\t-pytest\n"}
    (run,) = [each for each in runs(files) if each.words[0] == "pytest"]
    assert not run.blocking


# GitHub -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on", "found"),
    [
        ("push", {PUSH, DEFAULT_BRANCH}),
        ("{push: {branches: [dev]}}", {PUSH}),
        ("{push: {tags: ['v*']}}", set()),
        ("{push: {paths: ['docs/**']}}", set()),
        ("{push: {paths-ignore: ['**/*.py']}}", set()),
        ("{push: {paths: ['app/**']}}", {PUSH, DEFAULT_BRANCH}),
        ("[merge_group]", {PULL_REQUEST}),
        ("[workflow_dispatch]", set()),
    ],
)
def test_events_and_their_filters_say_when_a_workflow_runs(on: str, found: set[str]) -> None:
    triggers = {
        name for run in runs({WORKFLOW: workflow("pytest", on=on)}) for name in run.triggers
    }
    assert triggers - {"other"} == found


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("false", None),
        ("${{ false }}", None),
        ("github.event_name == 'pull_request'", {PULL_REQUEST}),
        ("github.event_name != 'pull_request'", {PUSH, DEFAULT_BRANCH}),
        ("github.ref == 'refs/heads/main'", {PUSH, DEFAULT_BRANCH}),
        ("github.ref == 'refs/heads/main' || github.event_name == 'pull_request'",
         {PUSH, DEFAULT_BRANCH, PULL_REQUEST}),
        ("always()", {PUSH, DEFAULT_BRANCH, PULL_REQUEST}),
    ],
)  # fmt: skip
def test_a_condition_limits_when_a_job_runs(condition: str, found: set[str] | None) -> None:
    job = f'    if: "{condition}"\n'
    text = workflow("pytest", on="[push, pull_request]", job=job)
    triggers = [set(run.triggers) for run in runs({WORKFLOW: text})]
    assert triggers == ([] if found is None else [found])


def test_a_step_whose_failure_another_step_asks_for_is_not_lost() -> None:
    step = "        id: t\n        continue-on-error: true\n"
    (lost,) = runs({WORKFLOW: workflow("pytest", step=step)})
    asked = step + "      - if: steps.t.outcome == 'failure'\n        run: exit 1\n"
    kept = runs({WORKFLOW: workflow("pytest", step=asked)})[0]
    assert (lost.blocking, kept.blocking) == (False, True)


def test_a_matrix_is_run_through() -> None:
    job = "    strategy:\n      matrix:\n        env: [lint, unit]\n"
    files = {
        WORKFLOW: workflow("tox -e ${{ matrix.env }}", job=job),
        "tox.ini": "[testenv:unit]\ncommands = pytest\n[testenv:lint]\ncommands = ruff check\n",
    }
    assert {"pytest", "ruff check"} <= set(programs(files))


def test_reusable_workflows_and_composite_actions_are_followed() -> None:
    files = {
        WORKFLOW: "on: [pull_request]\njobs:\n  a:\n    uses: ./.github/workflows/sub.yml\n",
        ".github/workflows/sub.yml": (
            "on: {workflow_call: {}}\njobs:\n  b:\n    steps:\n      - uses: ./.github/actions/t\n"
        ),
        ".github/actions/t/action.yml": "runs:\n  using: composite\n  steps:\n    - run: pytest\n",
    }
    (run,) = runs(files)
    assert run.words == ("pytest",)
    assert run.triggers == {PULL_REQUEST}
    assert run.path == ".github/actions/t/action.yml"


def test_a_run_points_at_its_line() -> None:
    steps = "    steps:\n      - name: x\n        run: |\n          a\n          b\n"
    text = f"on: push\njobs:\n  a:\n{steps}"
    assert [run.line for run in runs({WORKFLOW: text})] == [7, 8]


# Other servers ------------------------------------------------------------------------------------


AZURE = "stages:\n- stage: a\n  jobs:\n  - job: b\n    steps:\n    - bash: pytest\n"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (".gitlab-ci.yml", ".base:\n  script: [pytest]\ntest:\n  extends: .base\n"),
        ("azure-pipelines.yml", "steps:\n  - script: pytest\n"),
        ("azure-pipelines.yml", AZURE),
        (".circleci/config.yml", "jobs:\n  t:\n    steps:\n      - run: {command: pytest}\n"),
        ("bitbucket-pipelines.yml", "pipelines:\n  default:\n  - step:\n      script: [pytest]\n"),
        ("Jenkinsfile", "pipeline { stages { stage('Test') { steps { sh 'pytest' } } } }\n"),
        (".drone.yml", "steps:\n  - name: t\n    commands: [pytest]\n"),
        (".woodpecker.yml", "steps:\n  t:\n    commands: [pytest]\n"),
    ],
)  # fmt: skip
def test_every_server_is_read(path: str, text: str) -> None:
    (run,) = [each for each in runs({path: text}) if each.words]
    assert run.words == ("pytest",)
    assert run.blocking
    assert {PUSH, PULL_REQUEST} <= run.triggers


def test_gitlab_reads_local_includes_and_rules() -> None:
    files = {
        ".gitlab-ci.yml": "include:\n  - local: /ci/test.gitlab-ci.yml\n",
        "ci/test.gitlab-ci.yml": (
            "test:\n  script: [pytest]\n  allow_failure: true\n"
            "  rules:\n    - if: $CI_PIPELINE_SOURCE == 'merge_request_event'\n"
        ),
    }
    (run,) = runs(files)
    assert run.triggers == {PULL_REQUEST}
    assert not run.blocking
