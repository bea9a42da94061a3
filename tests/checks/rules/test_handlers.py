"""Traps of the check of what handlers do themselves."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask

HEAD = (
    "import logging\nfrom datetime import timedelta\nfrom fastapi import APIRouter, HTTPException\n"
    "router = APIRouter()\nlogger = logging.getLogger(__name__)\n\n"
    "@router.get('/orders')\nasync def read(page: int, size: int, a: int, b: int, response):\n"
)


def handler(*body: str) -> dict[str, str]:
    """A module with one handler of this body."""
    return {"app/routes.py": HEAD + "".join(f"    {line}\n" for line in body)}


TRANSLATES = ("    count(a)", "    raise HTTPException(1)")
CLAUSES = [line for n in range(9) for line in (f"except KeyError{n}:", *TRANSLATES)]


@pytest.mark.parametrize(
    "body",
    [
        ["x = 1"] * 8,
        ["logger.info('x')"] * 12 + ["return 1"],
        ["if not a:", "    raise HTTPException(404)"] * 6,
        ["try:", "    return 1", *CLAUSES],
        ["response.headers['X'] = '1'", "response.set_cookie('a', 'b')"] * 6,
        ["return (page - 1) * size"],
        ["return [each.id for each in a]"],
        ["return [each for row in a for each in row.items]"],
        ["return 'a' + str(b)"],
        ["return f'{a}' + f'{b}'"],
        ["expires = a + timedelta(days=b)"],
    ],
)
def test_http_work_is_no_logic(body: list[str]) -> None:
    outcome = ask("thin-routes", handler(*body))

    assert [each.message for each in outcome.observations] == []


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ([f"x{n} = 1" for n in range(9)], "9 statements"),
        (["if a:", "    b = 1"] * 3, "3 branches"),
        (["return a * b"], "computes"),
        (["return sum(a)"], "aggregates"),
        (["return [each for each in a if each > 1]"], "selects"),
        (["return [each for each in a if each.open]"], "selects"),
        (["return {each: 1 for each in a if b(each)}"], "selects"),
        (["def rows():"] + [f"    yield {n}" for n in range(9)] + ["return rows()"], "statements"),
    ],
)
def test_logic_in_a_handler_is_found(body: list[str], word: str) -> None:
    (found,) = ask("thin-routes", handler(*body)).observations

    assert word in found.message


def test_what_is_undone_before_an_error_is_raised_counts() -> None:
    clauses = ["try:", "    x = 1", "except KeyError:", "    db.rollback()", "    raise ValueError"]
    text = HEAD.replace("response)", "db: Session)").replace(
        "router =", "from sqlalchemy.orm import Session\nrouter =", 1
    )
    body = "".join(f"    {line}\n" for line in ["x = 1"] * 6 + clauses)
    (found,) = ask("thin-routes", {"app/routes.py": text + body}).observations

    assert "9 statements" in found.message


def test_a_probe_is_no_site() -> None:
    text = HEAD.replace("/orders", "/health") + "    return sum(a)\n"

    assert ask("thin-routes", {"app/routes.py": text}).sites == 0
