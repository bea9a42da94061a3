"""Which program a command comes down to."""

from __future__ import annotations

import shlex

import pytest

from checks.project.wrappers import programs


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("uv run pytest -q", ["pytest -q"]),
        ("uv run --with x --group dev python -m pytest a", ["pytest a"]),
        ("uv --directory api run -m mypy app", ["mypy app"]),
        ("uvx ruff@0.4 check", ["ruff check"]),
        ("uv tool run --from a black .", ["black ."]),
        ("uv pip install pytest", ["uv pip install pytest"]),
        ("poetry run coverage run -m pytest t", ["coverage run -m pytest t", "pytest t"]),
        ("coverage run manage.py test", ["coverage run manage.py test", "python manage.py test"]),
        ("docker compose -f a.yml run --rm -e X=1 web bash scripts/x.sh", ["bash scripts/x.sh"]),
        ("docker run --rm -v a:b img:1 pytest", ["pytest"]),
        ("docker compose up --build", ["docker compose up --build"]),
        ("timeout 60 env A=1 pytest", ["pytest"]),
        ("./scripts/test.sh -x", ["bash ./scripts/test.sh -x"]),
        (".venv/bin/python3.12 -m black .", ["black ."]),
        ("$(PYTHON) -m mypy", ["mypy"]),
        ("$(RUN) ruff check", ["ruff check"]),
        ("sh -c 'pytest -q'", ["bash -c pytest -q"]),
        ("doppler run -- pytest", ["pytest"]),
    ],
)
def test_wrappers_are_taken_off(text: str, found: list[str]) -> None:
    assert [" ".join(each) for each in programs(shlex.split(text))] == found
