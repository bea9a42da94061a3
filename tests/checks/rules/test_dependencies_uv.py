"""Traps of the check on commands of uv."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask_read

PIPELINE = "jobs:\n  a:\n    steps:\n      - run: |\n          pip install x\n"
OWN = {"pyproject.toml": '[project]\nname = "mylib"\ndependencies = ["httpx"]\n'}


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("pip install uv", (1, 0)),
        ("pip install -U pip uv==0.5.1", (1, 0)),
        ("python -m pip install --upgrade pip", (1, 0)),
        ("pip install -U pip setuptools", (1, 1)),
        ("python3 -m pip install -r requirements.txt", (1, 1)),
        ("poetry install --no-root", (1, 1)),
        ("pip-compile requirements.in", (1, 1)),
        ("conda install numpy", (1, 1)),
        ("uv pip install -e .", (1, 1)),
        ("uv pip install httpx", (1, 1)),
        ("uv pip install twine", (1, 0)),
        ("uv sync --frozen", (1, 0)),
        ("npm install", (0, 0)),
        ("echo pip install x", (0, 0)),
    ],
)
def test_dependencies_are_installed_by_uv(command: str, expected: tuple[int, int]) -> None:
    outcome = ask_read("uv-commands", {**OWN, "Makefile": f"all:\n\t{command}\n"})
    assert (outcome.sites, len(outcome.observations)) == expected


def test_a_container_may_install_into_its_system_from_an_exported_lock() -> None:
    image = "FROM python:3.13\nRUN uv pip install --system -r requirements.txt\n"
    assert ask_read("uv-commands", {"Dockerfile": image}).observations
    locked = {"Dockerfile": image, "uv.lock": "version = 1\n"}
    assert not ask_read("uv-commands", locked).observations


def test_users_install_a_library_as_they_like() -> None:
    text = "Replaces `pip install`.\n\n```bash\n{}\n```\n"
    files = {**OWN, "README.md": text.format("$ pip install mylib[extra]")}
    assert ask_read("uv-commands", files).sites == 0
    outcome = ask_read("uv-commands", {**OWN, "README.md": text.format("$ pip install x")})
    assert [each.line for each in outcome.observations] == [4]


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        ("Dockerfile", "FROM x\nRUN apt update && \\\n    # why\n    pip install x\n", 4),
        ("Makefile", "all:\n\techo a; \\\n\tpip install x\n", 3),
        (".github/workflows/ci.yml", PIPELINE, 5),
        (".gitlab-ci.yml", "a:\n  script:\n    - echo\n    - pip install x\n", 4),
        ("scripts/setup.sh", "#!/bin/sh\npip install x\n", 2),
        ("README.rst", "Setup::\n\n    cd x\n    pip install x\n", 4),
    ],
)  # fmt: skip
def test_a_command_is_found_on_its_line(path: str, text: str, line: int) -> None:
    outcome = ask_read("uv-commands", {path: text})
    assert [each.line for each in outcome.observations] == [line]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("uv run pytest", (1, 0)),
        ("uvx ruff check", (1, 0)),
        ("uv tool run ruff check", (1, 0)),
        ("cd api && uv run --no-sync coverage run -m pytest", (1, 0)),
        ("PYTHONPATH=. alembic upgrade head", (1, 1)),
        ("poetry run mypy .", (1, 1)),
        ("python -m app.seed", (1, 1)),
        ("uv run python -m app.seed", (1, 0)),
        ("python -m json.tool x.json", (0, 0)),
        ("python -m pip install uv", (0, 0)),
        ("$(RUN) pytest", (0, 0)),
    ],
)
def test_tools_are_started_by_uv(command: str, expected: tuple[int, int]) -> None:
    outcome = ask_read("uv-commands", {"Makefile": f"all:\n\t{command}\n"}, rules=["uv-run"])
    assert (outcome.sites, len(outcome.observations)) == expected


def test_a_variable_of_the_makefile_is_read() -> None:
    text = "RUN := uv run\nall:\n\t$(RUN) pytest\n"
    outcome = ask_read("uv-commands", {"Makefile": text}, rules=["uv-run"])
    assert (outcome.sites, len(outcome.observations)) == (1, 0)


def test_an_active_environment_of_uv_needs_no_uv_run() -> None:
    text = "all:\n\tuv sync\n\t. .venv/bin/activate && pytest\n"
    assert not ask_read("uv-commands", {"Makefile": text}, rules=["uv-run"]).observations
    assert ask_read(
        "uv-commands", {"Makefile": text.replace("uv sync", "true")}, rules=["uv-run"]
    ).observations


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("python3 -m venv .venv", (1, 1)),
        ("virtualenv env", (1, 1)),
        ("uv venv", (1, 0)),
        ("uv venv --python 3.13 .venv", (1, 0)),
        ("uv venv /opt/venv", (1, 1)),
    ],
)
def test_the_environment_is_made_by_uv_in_its_place(
    command: str, expected: tuple[int, int]
) -> None:
    files = {"setup.sh": f"{command}\n"}
    outcome = ask_read("uv-commands", files, rules=["no-venv-creation"])
    assert (outcome.sites, len(outcome.observations)) == expected
