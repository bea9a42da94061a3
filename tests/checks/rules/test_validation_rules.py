"""Traps of the check of where rules about input are written."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = (
    "import re, uuid\n"
    "from datetime import datetime\n"
    "from fastapi import APIRouter, Depends, HTTPException\n"
    "from pydantic import BaseModel\n"
    "router = APIRouter()\n"
    "KINDS = {'a', 'b'}\n"
    "class InvalidOrder(Exception): ...\n"
    "class Order(BaseModel):\n"
    "    kind: str\n    first: int\n    last: int\n    items: list[int]\n"
    "    note: str | None = None\n    gift: bool\n"
    "def is_short(text: str) -> bool:\n    return len(text) < 3\n"
)
LINE = HEAD.count("\n") + 3


def handler(*body: str, params: str = "order: Order, limit: int, db=Depends()") -> dict[str, str]:
    """A module with one handler; the first line of its body is at ``LINE``."""
    text = "".join(f"    {line}\n" for line in body)
    return {"orders.py": f"{HEAD}@router.post('/orders')\nasync def create({params}):\n{text}"}


RAISE = "    raise HTTPException(status_code=422)"


@pytest.mark.parametrize(
    "body",
    [
        ("if len(order.kind) > 3:", RAISE),
        ("if order.kind not in KINDS:", RAISE),
        ("if order.last < order.first:", "    raise ValueError('order')"),
        ("if not re.match('a', order.kind):", "    raise InvalidOrder()"),
        ("if is_short(order.kind):", RAISE),
        ("if not order.items:", RAISE),
        ("if order.note and len(order.note) > 3:", "    raise HTTPException(400, 'x')"),
        ("if any(item < 0 for item in order.items):", RAISE),
    ],
)
def test_a_test_of_the_schemas_own_values_is_found_at_its_line(body: tuple[str, ...]) -> None:
    assert lines(ask("validation-in-schemas", handler(*body))) == [LINE]


def test_values_are_followed_through_variables_loops_and_parsing() -> None:
    variable = ("size = len(order.kind)", "if size > 3:", RAISE)
    assert lines(ask("validation-in-schemas", handler(*variable))) == [LINE + 1]
    loop = ("for item in order.items:", "    if item < 0:", f"    {RAISE}")
    assert lines(ask("validation-in-schemas", handler(*loop))) == [LINE + 1]
    other = ("if order.kind == 'a':", "    pass", "else:", RAISE)
    assert lines(ask("validation-in-schemas", handler(*other))) == [LINE]
    parsed = ("try:", "    uuid.UUID(order.kind)", "except ValueError:", RAISE)
    assert lines(ask("validation-in-schemas", handler(*parsed))) == [LINE + 1]


@pytest.mark.parametrize(
    "body",
    [
        ("if order.first > limit:", RAISE),
        ("if order.first > db.get(1):", RAISE),
        ("if await db.exists(order.kind):", RAISE),
        ("if order.first < datetime.now().year:", RAISE),
        ("row = db.get(order.kind)", "if not row:", RAISE),
        ("if db.closed:", "    if order.first > 3:", f"    {RAISE}"),
        ("if order.note is None:", RAISE),
        ("if not order.note and not order.gift:", RAISE),
        ("if limit > 3:", RAISE),
        ("if order.first > 3:", "    raise HTTPException(status_code=404)"),
        ("try:", "    db.add(order.kind)", "except ValueError:", RAISE),
    ],
)
def test_rules_that_ask_for_more_and_choices_of_a_mode_belong_elsewhere(
    body: tuple[str, ...],
) -> None:
    assert lines(ask("validation-in-schemas", handler(*body))) == []


def test_services_that_receive_a_schema_are_sites_and_other_functions_are_none() -> None:
    files = handler("return 1")
    check = (
        "from orders import Order\n"
        "def check(order: Order):\n    if order.first > 3:\n        raise ValueError\n"
    )
    outcome = ask("validation-in-schemas", files | {"services/orders_check.py": check})
    assert (outcome.sites, lines(outcome)) == (3, [3])
    assert ask("validation-in-schemas", files | {"lib/orders_check.py": check}).sites == 2


def test_without_a_request_schema_there_is_nothing_to_judge() -> None:
    outcome = ask("validation-in-schemas", handler("return 1", params="limit: int"))
    assert outcome.state == "not-applicable"
