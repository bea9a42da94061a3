"""Which cases the tests of a module show."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask

APP = (
    "from fastapi import Depends, FastAPI, HTTPException\nfrom fastapi.security import HTTPBearer\n"
    "app = FastAPI()\nbearer = HTTPBearer()\n\n\n"
    "@app.get('/users/{n}')\ndef read(n: int, token=Depends(bearer)):\n"
    "    raise HTTPException(404)\n"
)
HEAD = "import pytest\nfrom fastapi import status\n\n\n"


def shows(body: str, kind: str, head: str = "def test_it(client, code):") -> bool:
    """Whether one test that requests the route shows a kind."""
    code = f"{HEAD}{head}\n    r = client.get('/users/1')\n    {body}\n"
    outcome = ask("test-scenario-coverage", {"app/main.py": APP, "tests/test_a.py": code},
                  kinds=[kind])  # fmt: skip
    assert outcome.sites == 1
    return not outcome.observations


@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        ("assert r.status_code == 200", "success", True),
        ("assert r.status_code == status.HTTP_404_NOT_FOUND", "success", False),
        ("assert r.status_code == status.HTTP_404_NOT_FOUND", "error", True),
        ("assert r.status_code == 200", "error", False),
        ("assert r.is_error", "error", True),
        ("assert r.status_code == HTTP_404_NOT_FOUND", "error", True),
        ("assert r.status_code == 403", "auth", True),
        ("assert r.status_code == 404", "auth", False),
        ("assert r.status_code == 200", "edge", False),
    ],
)
def test_a_test_shows_what_it_asserts(body: str, kind: str, expected: bool) -> None:
    assert shows(body, kind) is expected


def test_a_parametrized_status_may_show_several_kinds() -> None:
    head = "@pytest.mark.parametrize('code', [200, 404])\ndef test_it(client, code):"
    assert shows("assert r.status_code == code", "success", head)
    assert shows("assert r.status_code == code", "error", head)


def test_names_and_boundaries_show_edges() -> None:
    assert shows("assert r", "edge", "def test_empty_list(client):")
    head = "@pytest.mark.parametrize('n', [0, 5])\ndef test_it(client, n):"
    assert shows("assert r", "edge", head)


def test_a_module_that_cannot_fail_needs_no_test_of_errors() -> None:
    test = "from app.services.sums import half\n\n\ndef test_it():\n    assert half(2)\n"
    files = {
        "app/services/sums.py": "def half(n):\n    return n // 2\n",
        "tests/test_a.py": test,
    }
    assert ask("test-scenario-coverage", files, kinds=["error"]).sites == 0
