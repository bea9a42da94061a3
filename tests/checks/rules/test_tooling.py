"""Traps of the checks on mypy and coverage."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask_read

CODE = {"app/services/x.py": "X = 1\n", "tests/test_x.py": "def test_x():\n    assert True\n"}
STRICT = (
    "disallow_any_generics disallow_subclassing_any disallow_untyped_calls disallow_untyped_defs "
    "disallow_incomplete_defs check_untyped_defs disallow_untyped_decorators warn_redundant_casts "
    "warn_unused_ignores warn_return_any strict_equality no_implicit_reexport"
)
FLAGS = "".join(f"{flag} = true\n" for flag in STRICT.split())
JOB = "on: push\njobs:\n  a:\n    steps:\n"
CODECOV = "coverage:\n  status:\n    project:\n      default:\n        target: 90%\n"
HOOK = "repos:\n- repo: x\n  hooks:\n  - id: mypy\n    args: [--strict]\n"


def violates(check: str, files: dict[str, str], **params: object) -> bool:
    """Whether the check finds anything."""
    outcome = ask_read(check, {**CODE, **files}, **params)
    assert outcome.state == "measured", outcome.reason
    return bool(outcome.observations)


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"requirements-dev.txt": "mypy\n"}, False),
        ({"mypy.ini": "[mypy]\n"}, False),
        ({"requirements-dev.txt": "pyright\nty\n"}, True),
        ({"pyproject.toml": "[tool.pyright]\nstrict = ['app']\n"}, True),
        ({".github/workflows/a.yml": f"{JOB}    - run: mypy app\n"}, False),
        ({"Makefile": "types:\n\tmypy app\n"}, True),
    ],
)  # fmt: skip
def test_mypy_is_proved_by_what_uses_it(files: dict[str, str], found: bool) -> None:
    assert violates("mypy-configured", files) is found


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"setup.cfg": "[mypy]\nstrict = True\n"}, False),
        ({"mypy.ini": "[mypy]\nstrict = False\n"}, True),
        ({"pyproject.toml": f"[tool.mypy]\n{FLAGS}"}, False),
        ({"pyproject.toml": f"[tool.mypy]\n{FLAGS.replace('warn_return_any = true', '')}"}, True),
        ({".pre-commit-config.yaml": HOOK}, False),
        ({"pyproject.toml": "[tool.mypy]\nstrict = true\n[[tool.mypy.overrides]]\n"
                            "module = 'lib.*'\nignore_missing_imports = true\n"}, False),
        ({"pyproject.toml": "[tool.mypy]\nstrict = true\n[[tool.mypy.overrides]]\n"
                            "module = 'tests.*'\nignore_errors = true\n"}, False),
        ({"pyproject.toml": "[tool.mypy]\nstrict = true\n[[tool.mypy.overrides]]\n"
                            "module = ['app.services.*']\nignore_errors = true\n"}, True),
        ({"mypy.ini": "[mypy]\nstrict = True\n[mypy-app.*]\nignore_errors = True\n"}, True),
    ],
)  # fmt: skip
def test_strictness_is_what_is_in_effect(files: dict[str, str], found: bool) -> None:
    assert violates("mypy-configured", files, strict=True) is found


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({".coveragerc": "[report]\nfail_under = 80\n"}, False),
        ({"setup.cfg": "[coverage:report]\nfail_under = 79.5\n"}, True),
        ({"tox.ini": "[coverage:report]\nfail_under = 90\n"}, False),
        ({"pytest.ini": "[pytest]\naddopts = --cov=app --cov-fail-under=85\n"}, False),
        ({"pytest.ini": "[pytest]\naddopts = --cov-fail-under 85\n"}, False),
        ({"pyproject.toml": "[tool.pytest]\naddopts = ['--cov-fail-under=85']\n"}, False),
        ({".github/workflows/a.yml": f"{JOB}    - run: coverage report --fail-under=85\n"}, False),
        ({"coverage.xml": "<coverage line-rate='0.95'/>"}, True),
        ({"codecov.yml": CODECOV}, True),
        ({"codecov.yml": CODECOV,
          ".github/workflows/a.yml": f"{JOB}    - uses: codecov/codecov-action@v5\n"}, False),
        ({"pyproject.toml": "[tool.coverage.report]\nfail_under = 90\n"
                            "[tool.coverage.run]\nomit = ['app/services/*']\n"}, True),
        ({"pyproject.toml": "[tool.coverage.report]\nfail_under = 90\n"
                            "[tool.coverage.run]\nomit = ['tests/*', 'app/main.py']\n"}, False),
    ],
)  # fmt: skip
def test_a_threshold_is_what_fails_the_run(files: dict[str, str], found: bool) -> None:
    assert violates("coverage-threshold", files) is found


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({}, True),
        ({"requirements-dev.txt": "pytest-cov\n"}, True),
        ({"Makefile": "test:\n\tpytest --cov=app\n"}, False),
        ({"pyproject.toml": "[tool.coverage.run]\nbranch = true\n"}, False),
        ({"pyproject.toml": "[tool.poe.tasks]\ntest = 'coverage run -m pytest'\n"}, False),
    ],
)
def test_without_a_figure_measuring_is_enough(files: dict[str, str], found: bool) -> None:
    assert violates("coverage-threshold", files, min_percent=0) is found
