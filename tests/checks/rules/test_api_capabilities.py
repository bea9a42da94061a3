"""Traps of the check of what HTTP offers beyond methods and statuses."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = (
    "from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Request, Response\n"
    "from fastapi.responses import HTMLResponse, JSONResponse\n"
    "from pydantic import BaseModel\n"
    "from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column\n"
    "class Base(DeclarativeBase): ...\n"
    "class Order(Base):\n"
    "    __tablename__ = 'orders'\n"
    "    id: Mapped[int] = mapped_column(primary_key=True, unique=True)\n"
    "    token: Mapped[str] = mapped_column(unique=True, default=make)\n"
    "class Account(Base):\n"
    "    __tablename__ = 'accounts'\n"
    "    mail: Mapped[str] = mapped_column(unique=True)\n"
    "def keyed(request: Request):\n    return request.headers.get('Idempotency-Key')\n"
    "class OrderRead(BaseModel):\n    id: int\n    _links: dict\n"
    "app = FastAPI()\n"
    "router = APIRouter()\n"
)
LINE = HEAD.count("\n") + 2


def handler(decorator: str, signature: str, *body: str, more: str = "") -> dict[str, str]:
    """A module with one handler, whose def is at ``LINE``."""
    text = "".join(f"    {line}\n" for line in body or ("...",))
    return {"orders.py": f"{HEAD}@router.{decorator}\ndef {signature}:\n{text}{more}"}


@pytest.mark.parametrize(
    ("decorator", "signature", "body"),
    [
        ("post('/orders')", "create_order(db: Session)", "db.add(Order(id=1))"),
        ("patch('/orders/{id}/refund')", "refund(id: int)", "pay(id)"),
        ("post('/orders/{id}/pay')", "pay(id: int)", "charge(id)"),
        ("post('/orders')", "create_order(a: dict)", "return {**a}.merge(a)"),
    ],
)
def test_a_creation_or_payment_that_a_repetition_repeats_is_found(
    decorator: str, signature: str, body: str
) -> None:
    assert lines(ask("http-capability", handler(decorator, signature, body))) == [LINE]


@pytest.mark.parametrize(
    ("signature", "body"),
    [
        ("create_order(idempotency_key: str = Header())", "..."),
        ("create_order(key=Depends(keyed))", "..."),
        ("create_order(db: Session)", "db.execute(insert(Order).on_conflict_do_nothing())"),
        ("create_account(db: Session)", "db.add(Account(mail='a'))"),
        ("create_order(db: Session)", "raise HTTPException(409)"),
        ("create_order(db: Session)", "raise OrderExists()"),
    ],
)
def test_a_key_a_unique_column_and_a_refusal_make_a_repetition_harmless(
    signature: str, body: str
) -> None:
    outcome = ask("http-capability", handler("post('/x')", signature, body))
    assert (outcome.sites, lines(outcome)) == (1, [])


@pytest.mark.parametrize("path", ["login", "logout", "search", "webhook", "upload"])
def test_what_creates_no_duplicate_is_no_site(path: str) -> None:
    files = handler(f"post('/{path}')", "create_order(db: Session)", "db.add(Order(id=1))")
    assert ask("http-capability", files).state == "not-applicable"


def test_a_middleware_satisfies_all_handlers() -> None:
    more = (
        "@app.middleware('http')\nasync def once(request, call_next):\n"
        "    return find(request.headers['Idempotency-Key'])\n"
    )
    body = "db.add(Order(id=1))"
    files = handler("post('/orders')", "create_order(db: Session)", body, more=more)
    assert lines(ask("http-capability", files)) == []


@pytest.mark.parametrize(
    ("capability", "good", "bad"),
    [
        ("etag", "response.headers['etag'] = tag", "response.headers['x'] = tag"),
        ("etag", "return request.headers.get('If-None-Match')", "app.mount('/', StaticFiles())"),
        ("content-negotiation", "return JSONResponse({})", "return HTMLResponse('a')"),
    ],
)
def test_the_repository_has_a_capability_or_not(capability: str, good: str, bad: str) -> None:
    for body, count in ((good, 0), (bad, 1)):
        files = handler("get('/orders')", "orders(request: Request, response: Response)", body)
        outcome = ask("http-capability", files, capability=capability)
        assert (outcome.sites, lines(outcome)) == (1, [0] * count)


def test_another_media_type_beside_json_is_a_twin() -> None:
    more = "@router.get('/orders')\ndef orders() -> OrderRead: ...\n"
    for path, count in (("/orders/csv", 0), ("/reports/csv", 1)):
        body = "return Response('a', media_type='text/csv')"
        files = handler(f"get('{path}')", "export()", body, more=more)
        outcome = ask("http-capability", files, capability="content-negotiation")
        assert len(lines(outcome)) == count
