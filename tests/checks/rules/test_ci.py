"""Traps of the checks on CI and hooks."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask_read

CODE = {"app/x.py": "X = 1\n"}
MIGRATION = {"migrations/0001.py": "revision = '1'\ndown_revision = None\n"}


def ci(*steps: str, on: str = "[push, pull_request]", job: str = "test") -> dict[str, str]:
    """A repository whose workflow has these steps, as YAML flow."""
    lines = "".join(f"      - {step}\n" for step in steps)
    text = f"on: {on}\njobs:\n  {job}:\n    runs-on: x\n    steps:\n{lines}"
    return {**CODE, ".github/workflows/ci.yml": text}


def found(files: dict[str, str], step: str, **params: object) -> list[str]:
    """Messages about one step."""
    outcome = ask_read("ci-runs-step", files, steps=[step], **params)
    return [each.message for each in outcome.observations]


@pytest.mark.parametrize(
    ("step", "line"),
    [
        ("test", "run: python -m pytest"),
        ("lint", "run: ruff ."),
        ("lint", "uses: astral-sh/ruff-action@v3"),
        ("format", "run: uvx ruff format --check"),
        ("format", "uses: psf/black@stable"),
        ("typecheck", "run: mypy app"),
        ("coverage", "run: pytest --cov=app"),
        ("coverage", "run: coverage run -m pytest"),
        ("dependency-audit", "run: uv audit"),
        ("dependency-audit", "uses: actions/dependency-review-action@v4"),
        ("sast", "run: ruff check --select S"),
        ("sast", "uses: github/codeql-action/analyze@v3"),
        (
            "license-check",
            "{uses: actions/dependency-review-action@v4, with: {deny-licenses: GPL}}",
        ),
    ],
)
def test_a_step_is_known_by_its_command_or_action(step: str, line: str) -> None:
    assert found(ci(line), step) == []


@pytest.mark.parametrize(
    ("step", "line"),
    [
        ("test", "run: pip install pytest"),
        ("test", "run: pytest --version"),
        ("test", "# run: pytest\n      - run: a"),
        ("test", "{run: pytest, if: false}"),
        ("lint", "run: ruff format"),
        ("lint", "uses: astral-sh/setup-ruff@v1"),
        ("format", "run: ruff check --fix"),
        ("typecheck", "run: pyright"),
        ("sast", "run: ruff check"),
        ("sast", "uses: github/codeql-action/upload-sarif@v3"),
        ("license-check", "uses: actions/dependency-review-action@v4"),
        ("coverage", "run: pytest"),
    ],
)
def test_what_only_looks_like_the_step_is_none(step: str, line: str) -> None:
    assert len(found(ci(line), step)) == 1


@pytest.mark.parametrize(
    "line",
    [
        "run: pytest || true",
        "{run: pytest, continue-on-error: true}",
        "run: make test",
    ],
)
def test_a_step_that_cannot_fail_is_a_finding_only_where_that_is_asked(line: str) -> None:
    files = ci(line) | {"Makefile": "test:\n\t-pytest\n"}
    assert "cannot fail" in found(files, "test")[0]
    assert found(files, "test", blocking=False) == []


def test_several_workflows_serve_the_triggers_together() -> None:
    files = ci("run: pytest", on="[push]")
    assert "pull request" in found(files, "test", triggers=["push", "pull_request"])[0]
    other = ci("run: pytest", on="[merge_group]")[".github/workflows/ci.yml"]
    files[".github/workflows/other.yml"] = other
    assert found(files, "test", triggers=["push", "pull_request"]) == []


def test_a_schedule_is_neither_push_nor_pull_request() -> None:
    files = ci("run: pip-audit", on="{schedule: [{cron: '0 0 * * *'}]}")
    assert found(files, "dependency-audit") == []
    assert len(found(files, "dependency-audit", triggers=["push"])) == 1


def test_options_of_pytest_in_its_configuration_count_as_given() -> None:
    options = "[tool.pytest.ini_options]\naddopts = '--cov=app -q'\n"
    assert found(ci("run: pytest") | {"pyproject.toml": options}, "coverage") == []


def test_rules_that_ruff_selects_make_it_a_security_scan() -> None:
    files = ci("run: ruff check") | {"ruff.toml": "[lint]\nextend-select = ['S']\n"}
    assert found(files, "sast") == []


def test_codeql_for_another_language_reads_no_python() -> None:
    start = "{uses: github/codeql-action/init@v3, with: {languages: javascript}}"
    assert len(found(ci(start, "uses: github/codeql-action/analyze@v3"), "sast")) == 1


@pytest.mark.parametrize(
    ("step", "files", "sites"),
    [
        ("docker-build", {}, 0),
        ("docker-build", {".devcontainer/Dockerfile": "FROM python\n"}, 0),
        ("docker-build", {"Dockerfile": "FROM python\n"}, 1),
        ("migrate", {}, 0),
        ("migrate", MIGRATION, 1),
        ("smoke-test", {}, 0),
        ("smoke-test", {"Makefile": "deploy:\n\tx\n"}, 1),
        ("deploy-staging", {}, 1),
    ],
)
def test_steps_are_asked_for_where_there_is_something_to_do(
    step: str, files: dict[str, str], sites: int
) -> None:
    assert ask_read("ci-runs-step", ci("run: x") | files, steps=[step]).sites == sites


@pytest.mark.parametrize(
    ("step", "job", "line"),
    [
        ("deploy-staging", "deploy-staging", "run: ./deploy"),
        ("migrate", "deploy", "run: alembic upgrade head"),
        ("migrate-staging", "staging", "run: alembic upgrade head"),
        ("smoke-test", "smoke", "run: x"),
        ("smoke-test", "deploy", "run: curl -f https://x/health"),
    ],
)
def test_deployment_is_known_by_the_job_it_stands_in(step: str, job: str, line: str) -> None:
    deployed = MIGRATION | {"Makefile": "deploy:\n\tx\n"}
    assert found(ci(line, job=job) | deployed, step) == []
    assert len(found(ci("run: x", job="other") | deployed, step)) == 1


def test_a_push_to_another_branch_deploys_nothing_of_main() -> None:
    files = ci("run: ./deploy", on="{push: {branches: [dev]}}", job="staging")
    assert len(found(files, "deploy-staging")) == 1


# Hooks --------------------------------------------------------------------------------------------


def hooks(text: str) -> dict[str, str]:
    """A repository with this configuration of pre-commit."""
    return {**CODE, ".pre-commit-config.yaml": text}


def hook(line: str, repo: str = "https://github.com/x/y", head: str = "") -> dict[str, str]:
    """A repository with one hook, as YAML flow."""
    return hooks(f"{head}repos:\n- repo: {repo}\n  hooks:\n  - {line}\n")


INSTALLED = "default_install_hook_types: [commit-msg]\n"
LEFTHOOK = "pre-commit:\n  commands:\n    a:\n      run: ruff check\n"


@pytest.mark.parametrize(
    ("kind", "files"),
    [
        ("ruff", hook("{id: ruff-check}")),
        ("ruff", hook("{id: lint, entry: uv run ruff check --fix}", "local")),
        ("black", hook("{id: black}")),
        ("mypy", hook("{id: types, entry: bash -c 'mypy app'}", "local")),
        ("secrets", hook("{id: gitleaks}")),
        ("tests", hook("{id: unit, entry: poetry run pytest -q}", "local")),
        ("merge-conflict", hook("{id: check-merge-conflict}")),
        ("commit-message", hook("{id: commitizen, stages: [commit-msg]}")),
        ("commit-message", hook("{id: gitlint}", head=INSTALLED)),
        ("ruff", {**CODE, "lefthook.yml": LEFTHOOK}),
        ("tests", {**CODE, ".husky/pre-commit": "npx lint-staged\nuv run pytest\n"}),
        ("ruff", {**CODE, ".husky/pre-commit": "pnpm exec lint-staged\n",
                  "package.json": '{"lint-staged": {"*.py": ["uv run ruff check --fix"]}}'}),
        ("commit-message", {**CODE, ".husky/commit-msg": "npx --no -- commitlint --edit $1\n"}),
    ],
)  # fmt: skip
def test_a_hook_is_known_by_what_it_runs(kind: str, files: dict[str, str]) -> None:
    assert not ask_read("pre-commit-hooks", files, hooks=[kind]).observations


@pytest.mark.parametrize(
    ("kind", "files"),
    [
        ("ruff", CODE),
        ("ruff", hook("{id: ruff-format}")),
        ("black", hook("{id: ruff-format}")),
        ("ruff", hook("{id: ruff, stages: [manual]}")),
        ("ruff", hook("{id: ruff, stages: [pre-push]}")),
        ("ruff", hook("{id: x}\n  # - {id: ruff}")),
        ("commit-message", hook("{id: conventional-pre-commit}")),
        ("tests", hook("{id: pytest, stages: [push]}")),
        ("ruff", hook("{id: ruff}", head="default_stages: [manual]\n")),
    ],
)
def test_what_does_not_run_on_a_commit_is_no_hook(kind: str, files: dict[str, str]) -> None:
    assert len(ask_read("pre-commit-hooks", files, hooks=[kind]).observations) == 1
