"""Traps of the checks on groups of dependencies, on bots and on fresh versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks import rules
from checks.check import CATALOGUE
from checks.judge import answer
from checks.model import Outcome
from checks.project.releases import TABLE
from checks.rules.specs import specs
from tests.checks.projects import ask_read, project
from tests.checks.rules.histories import ask_history


def pyproject(dependencies: str, more: str = "", name: str = "orders") -> dict[str, str]:
    """A manifest with these runtime dependencies."""
    text = f'[project]\nname = "{name}"\nversion = "0.1.0"\ndependencies = [{dependencies}]\n{more}'
    return {"pyproject.toml": text}


WEEKLY = "on:\n  schedule:\n    - cron: x\njobs:\n  a:\n    steps:\n"
TEST = {"tests/test_x.py": "def test_x() -> None:\n    assert True\n"}


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (pyproject('"httpx", "black"'), 1),
        (pyproject('"httpx", "types-redis", "pandas-stubs"'), 2),
        ({**pyproject('"faker"'), "app/seed.py": "import faker\n\nF = faker.Faker()\n"}, 0),
        (pyproject('"pytest"', name="pytest-orders"), 0),
        ({**pyproject('"httpx"'), **TEST}, 1),
        ({**pyproject('"httpx"', '[project.optional-dependencies]\ntest = ["pytest"]'), **TEST}, 0),
        ({**pyproject('"httpx"'), **TEST, "requirements-dev.txt": "pytest\n"}, 0),
        ({"requirements.txt": "httpx\npytest\nblack\nruff\n", **TEST}, 1),
        ({**pyproject('"httpx"'), "docs/requirements.txt": "mkdocs\n"}, 0),
    ],
)
def test_development_tools_stand_apart(files: dict[str, str], found: int) -> None:
    assert len(ask_read("dev-dependencies-separated", files).observations) == found


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        (".github/dependabot.yml", "updates:\n  - package-ecosystem: pip\n", 0),
        (".github/dependabot.yml", "updates:\n  - package-ecosystem: docker\n", 1),
        ("renovate.json", '{"extends": ["config:recommended"]}', 0),
        (".github/renovate.json5", '{"enabledManagers": ["npm"]}', 1),
        (".github/renovate.json5", '{"enabledManagers": ["pep621"]}', 0),
        ("package.json", '{"renovate": {"extends": []}}', 0),
        (".pyup.yml", "update: all\n", 0),
        (".github/workflows/a.yml",
         f"{WEEKLY}      - run: uv lock --upgrade\n", 0),
        (".github/workflows/a.yml",
         "on: [push]\njobs:\n  a:\n    steps:\n      - run: uv lock --upgrade\n", 1),
        (".github/workflows/a.yml",
         f"{WEEKLY}      - run: uv lock\n", 1),
    ],
)  # fmt: skip
def test_something_renews_dependencies(path: str, text: str, found: int) -> None:
    outcome = ask_read("automated-dependency-updates", {**pyproject('"httpx"'), path: text})
    assert (outcome.sites, len(outcome.observations)) == (1, found)


@pytest.mark.parametrize(("path", "found"), [("uv.lock", 0), ("Dockerfile", 1)])
def test_a_commit_of_a_bot_shows_one_from_elsewhere(path: str, found: int, tmp_path: Path) -> None:
    text = (
        '#-- pyproject.toml\n[project]\nname = "x"\n#-- commit 2024-05-01 | feat: x\n'
        f"#-- {path}\nx\n#-- commit 2024-05-02 | Bump x | renovate[bot] <r@x>\n"
    )
    outcome = ask_history("automated-dependency-updates", text, tmp_path / "r")
    assert len(outcome.observations) == found


def fresh(pin: str, releases: dict[str, str], **params: object) -> Outcome:
    """The answer about one pinned package and a table of its releases."""
    rules.load()
    read = project({"requirements.txt": f"{pin}\n"})
    rows = [{"version": version, "date": date} for version, date in releases.items()]
    read.tables = {TABLE: {pin.partition("==")[0]: rows}} if rows else {}
    spec = specs()["dependency-freshness"]
    return answer(CATALOGUE["dependency-freshness"], read, spec.merged(params))


@pytest.mark.parametrize(
    ("pin", "releases", "found"),
    [
        ("a==1.0.0", {"1.0.0": "2023-01-01", "2.0.0": "2024-10-01"}, 1),
        ("a==1.0.0", {"1.0.0": "2023-01-01", "2.0.0": "2025-01-10"}, 0),
        ("a==1.0.0", {"1.0.0": "2023-01-01", "2.0.0": "2025-03-01"}, 0),
        ("a==1.0.0", {"1.1.0": "2024-01-01"}, 0),
        ("a==1.0.0", {"1.1.0": "2024-01-01", "1.2.0": "2024-02-01"}, 1),
        ("a==1.0.0", {"1.1.0": "2024-01-01", "1.2.0": "2025-01-10"}, 0),
        ("a==0.1.0", {"0.2.0": "2024-01-01"}, 1),
        ("a==2024.1", {"2024.1": "2024-01-10", "2025.1": "2025-01-10"}, 0),
        ("a==23.1.0", {"23.1.0": "2023-01-10", "24.1.0": "2024-05-10"}, 0),
        ("a==1.0.0", {"2.0.0rc1": "2024-01-01"}, None),
        ("a>=1.0.0", {"2.0.0": "2024-01-01"}, None),
        ("a==1.0.0", {}, None),
    ],
)
def test_a_version_is_not_far_behind(pin: str, releases: dict[str, str], found: int | None) -> None:
    outcome = fresh(pin, releases)
    if found is None:
        assert outcome.state == "not-applicable"
    else:
        assert (outcome.sites, len(outcome.observations)) == (1, found)


def test_a_pre_release_in_use_is_found_where_that_is_asked() -> None:
    releases = {"1.0.0": "2023-01-01", "2.0.0rc1": "2024-12-01"}
    assert not fresh("a==2.0.0rc1", releases).observations
    assert fresh("a==2.0.0rc1", releases, rules=["stable-release"]).observations


def test_a_reason_beside_an_upper_bound_makes_it_uncertain() -> None:
    releases = {"1.0.0": "2023-01-01", "2.0.0": "2024-10-01"}
    outcome = fresh("a==1.0.0  # 2.0 drops what we need", releases)
    assert [each.weight for each in outcome.observations] == [0.5]
