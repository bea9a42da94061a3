"""Traps of the checks on versions."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask_read, lines

CODE = {"app/x.py": "X = 1\n"}


def pyproject(*dependencies: str, more: str = "") -> str:
    """A pyproject.toml with one dependency per line, from line 4 on."""
    entries = "".join(f"  '{each}',\n" for each in dependencies)
    return f"[project]\nname = 'x'\ndependencies = [\n{entries}]\n{more}"


def lock(**versions: str) -> str:
    """A uv.lock with these packages."""
    return "version = 1\n" + "".join(
        f'\n[[package]]\nname = "{name}"\nversion = "{version}"\n'
        'source = { registry = "https://pypi.org/simple" }\n'
        for name, version in versions.items()
    )


# uv-lock-committed --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dependency", "locked", "found"),
    [
        ("a>=1", {"a": "1.2"}, []),
        ("a>=2", {"a": "1.2"}, [4]),
        ("a>=1", {"b": "1"}, [4]),
        ("a>=1; sys_platform == \"win32\"", {"a": "1"}, []),
        ("a>=1; sys_platform == \"win32\"", {}, [4]),
        ("a>=1", {"a": "2.0b1"}, []),
        ("A_b.c[x]>=1", {"a-b-c": "1"}, []),
    ],
)  # fmt: skip
def test_the_lock_has_to_fit_what_is_declared(
    dependency: str, locked: dict[str, str], found: list[int]
) -> None:
    text = f'[project]\nname = "x"\ndependencies = [\n  {dependency!r},\n]\n'
    files = {**CODE, "pyproject.toml": text, "uv.lock": lock(**locked)}
    assert lines(ask_read("uv-lock-committed", files)) == found


def test_a_source_has_no_version_to_compare() -> None:
    locked = '[[package]]\nname = "a"\nversion = "0.1"\nsource = { git = "https://x/y" }\n'
    files = {**CODE, "pyproject.toml": pyproject("a>=2"), "uv.lock": locked}
    assert lines(ask_read("uv-lock-committed", files)) == []


def test_members_share_the_lock_of_the_workspace() -> None:
    files = {
        **CODE,
        "pyproject.toml": pyproject(more="[tool.uv.workspace]\nmembers = ['libs/*']\n"),
        "libs/a/pyproject.toml": pyproject("absent"),
        "uv.lock": lock(x="1"),
    }
    outcome = ask_read("uv-lock-committed", files)
    assert (outcome.sites, len(outcome.observations)) == (1, 0)


def test_a_project_of_its_own_needs_a_lock_of_its_own() -> None:
    files = {
        **CODE,
        "pyproject.toml": pyproject(),
        "uv.lock": lock(),
        "b/pyproject.toml": pyproject(),
    }
    outcome = ask_read("uv-lock-committed", files)
    assert outcome.sites == 2
    assert [each.path for each in outcome.observations] == ["b/pyproject.toml"]


def test_without_a_project_table_there_is_nothing_to_lock() -> None:
    outcome = ask_read("uv-lock-committed", {**CODE, "requirements.txt": "a==1\n"})
    assert (outcome.sites, len(outcome.observations)) == (1, 1)


# dependencies-pinned ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"requirements.txt": "a==1\nb===2\nc~=1.0\nd==1.*\n"}, [3, 4]),
        ({"requirements.txt": "a>=1\n-c constraints.txt\n", "constraints.txt": "a==1\n"}, []),
        ({"requirements.txt": "-e .\n./local\na>=1 --hash=sha256:00\n"}, []),
        ({"requirements.txt": f"a @ git+https://x/y@{'0a' * 20}\n"}, []),
        ({"requirements.txt": "a @ git+https://x/y@v1\n"}, [1]),
        ({"requirements.in": "a\n", "requirements.txt": "a==1\n"}, []),
        ({"pyproject.toml": pyproject("a>=1", "b")}, [4, 5]),
        ({"pyproject.toml": pyproject("a>=1", "b"), "uv.lock": lock(a="1")}, [5]),
        ({"api/pyproject.toml": pyproject("a>=1"), "uv.lock": lock(a="1")}, []),
        ({"pyproject.toml": pyproject("a>=1"), "other/uv.lock": lock(a="1")}, [4]),
    ],
)  # fmt: skip
def test_a_version_is_fixed_by_a_lock_a_constraint_or_a_pin(
    files: dict[str, str], found: list[int]
) -> None:
    assert lines(ask_read("dependencies-pinned", {**CODE, **files})) == found


def test_development_dependencies_are_no_sites() -> None:
    more = "[dependency-groups]\ndev = ['a']\n"
    outcome = ask_read("dependencies-pinned", {**CODE, "pyproject.toml": pyproject(more=more)})
    assert outcome.state == "not-applicable"


# minimum-version ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"pyproject.toml": "[project]\nrequires-python = '>=3.13'\n"}, False),
        ({"pyproject.toml": "[tool.poetry.dependencies]\npython = '^3.13'\n"}, False),
        ({"pyproject.toml": "[tool.poetry.dependencies]\npython = '~3.12'\n"}, True),
        ({"pyproject.toml": "[project]\nrequires-python = '<4'\n"}, True),
        ({"pyproject.toml": "[project]\nname = 'x'\n"}, True),
        ({"requirements.txt": "a\n", "Dockerfile": "FROM python:3.13-slim AS x\n"}, False),
        ({"requirements.txt": "a\n", "Dockerfile": "ARG V=3.12\nFROM python:${V}-slim\n"}, True),
        ({"requirements.txt": "a\n", "Dockerfile": "FROM python:3\n"}, True),
        ({"requirements.txt": "a\n", "Dockerfile": "FROM python:latest\n",
          ".python-version": "3.13.1\n"}, False),
        ({"pyproject.toml": "[project]\nclassifiers = ['Programming Language :: Python :: 3.12',"
                            "'Programming Language :: Python :: 3.13']\n"}, True),
        ({"pyproject.toml": "[project]\nrequires-python = '>=3.13'\n",
          "Dockerfile": "FROM python:3.11\n"}, False),
    ],
)  # fmt: skip
def test_the_first_place_that_says_a_python_decides(files: dict[str, str], found: bool) -> None:
    assert bool(lines(ask_read("minimum-version", {**CODE, **files}))) is found


@pytest.mark.parametrize(
    ("dependency", "locked", "state", "found"),
    [
        ("sqlalchemy>=1.4", "2.0.1", "measured", False),
        ("sqlalchemy>=1.4", "", "measured", True),
        ("sqlalchemy>=2", "1.4.50", "measured", True),
        ("sqlalchemy<2", "", "measured", True),
        ("sqlalchemy", "", "not-applicable", False),
        ("sqlalchemy<3", "", "not-applicable", False),
        ("sqlalchemy==2.*", "", "measured", False),
    ],
)
def test_the_lock_decides_before_the_lower_bound(
    dependency: str, locked: str, state: str, found: bool
) -> None:
    files = {**CODE, "pyproject.toml": pyproject(dependency)}
    if locked:
        files["uv.lock"] = lock(sqlalchemy=locked)
    outcome = ask_read("minimum-version", files, target="sqlalchemy", min="2.0")
    assert (outcome.state, bool(outcome.observations)) == (state, found)


def test_a_pin_of_another_service_fixes_nothing_here() -> None:
    files = {**CODE, "requirements.txt": "pydantic>=2\n", "api/requirements.txt": "pydantic==2.1\n"}

    found = ask_read("dependencies-pinned", files).observations

    assert [each.path for each in found] == ["requirements.txt"]


def test_requirements_that_take_in_those_of_the_tests_are_for_development() -> None:
    files = {
        **CODE,
        "requirements.txt": "-r tests/requirements.txt\npre-commit\n",
        "tests/requirements.txt": "pytest\n",
        "api/requirements.txt": "fastapi==0.129.0\n",
    }

    outcome = ask_read("dependencies-pinned", files)

    assert (outcome.sites, lines(outcome)) == (1, [])
