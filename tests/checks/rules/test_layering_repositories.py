"""Traps of the check that asks repositories to decide nothing."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = (
    "import httpx\nfrom sqlalchemy import select\nfrom sqlalchemy.exc import IntegrityError\n"
    "from sqlalchemy.orm import DeclarativeBase, Mapped, Session\n"
    "from app.services.rules import price\n"
    "class Base(DeclarativeBase): ...\nclass Order(Base):\n    __tablename__ = 'orders'\n"
    "    net: Mapped[int]\n    tax: Mapped[int]\n"
    "class OrderNotFoundError(Exception): ...\nclass LimitReachedError(Exception): ...\n"
    "class AlreadyRegisteredError(Exception): ...\nclass OrderAlreadyPaidError(Exception): ...\n"
    "class OrderRepository:\n    def __init__(self, db: Session) -> None:\n        self.db = db\n"
)
SERVICE = "def price(): ...\n"
QUERY = [f"if a == {n}: q = q.where(Order.net > {n})" for n in range(6)]
BRANCHES = [f"if a == {n}: print(a)" for n in range(6)]


def found(*body: str, name: str = "find") -> list[int]:
    """Lines that the check finds; the body begins in line 19."""
    text = "".join(f"        {line}\n" for line in body)
    code = f"{HEAD}    def {name}(self, a, order: Order):\n{text}"
    files = {"app/repositories/orders.py": code, "app/services/rules.py": SERVICE}
    return lines(ask("repositories-crud-only", files))


@pytest.mark.parametrize(
    "body",
    [
        ["q = select(Order)", *QUERY, "return self.db.scalars(q)"],
        ["return self.db.scalars(select(Order).where(Order.net * Order.tax > 1))"],
        ["raise OrderNotFoundError"],
        ["raise AlreadyRegisteredError"],
        ["try:", "    self.db.flush()", "except IntegrityError:", "    raise LimitReachedError"],
        BRANCHES[:4],
        ["return httpx.get('x')"],
    ],
)
def test_loading_and_keeping_holds(body: list[str]) -> None:
    assert found(*body) == []


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (["self.db.add(a)", "price()"], 20),
        (["self.db.add(a)", "httpx.get('x')"], 20),
        (["raise LimitReachedError"], 19),
        (["raise OrderAlreadyPaidError"], 19),
        (["return order.net * order.tax"], 19),
        (BRANCHES, 23),
    ],
)
def test_a_rule_is_found_where_it_begins(body: list[str], line: int) -> None:
    assert found(*body) == [line]


def test_private_methods_are_no_sites() -> None:
    assert found("price()", name="_find") == []
