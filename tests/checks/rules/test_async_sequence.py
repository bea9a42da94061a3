"""Traps of the check of awaits one after the other."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask

CHECK = "sequential-awaits"
HEAD = """import asyncio
import httpx
import redis.asyncio as redis
from sqlalchemy.ext.asyncio import AsyncSession
"""
PARAMS = "c: httpx.AsyncClient, r: redis.Redis, db: AsyncSession, key: str, body: dict"


def found(code: str, **params: object) -> list[int]:
    outcome = ask(CHECK, {"app/a.py": HEAD + code}, **params)
    return [each.line - HEAD.count("\n") for each in outcome.observations]


def inside(*statements: str, **params: object) -> list[int]:
    text = "\n".join(f"    {each}" for each in statements)
    return [line - 1 for line in found(f"async def run({PARAMS}):\n{text}\n", **params)]


@pytest.mark.parametrize(
    "code",
    [
        ("a = await c.get('x')", "b = await c.get('y')", "return a, b"),
        ("await c.post('x')", "await c.post('y')"),
        ("a = await c.get(key)", "b = await r.get(key)"),
        ("await r.set('x', 1)", "await r.set('y', 2)"),
        ("await r.delete(f'a:{key}')", "await r.delete(f'b:{key}')"),
        ("a: int = await r.get('x')", "b: int = await r.get('y')"),
    ],
)
def test_independent_calls_in_a_row_are_found_at_the_first(code: tuple[str, ...]) -> None:
    assert inside(*code) == [1]


@pytest.mark.parametrize(
    "code",
    [
        ("a = await c.get('x')", "b = await c.get(a.text)"),
        ("a = await c.get('x')", "a.raise_for_status()", "b = await c.get('y')"),
        ("a = await c.get('x')", "if a:", "    pass", "b = await c.get('y')"),
        ("a = await c.get('x')", "def inner(): ...", "b = await c.get('y')"),
        ("await c.post('x', json=body)", "await c.post('y', json=body)"),
        ("await r.incr(key)", "await r.expire(key, 5)"),
        ("await r.set('x', 1)", "await r.get('y')"),
        ("a = await r.get(key)", "b = await r.ttl(key)"),
        ("await r.lpush(name('x'), 1)", "await r.ltrim(name('x'), 0, 9)"),
        ("await r.set('x', 1)", "await r.publish('y', 2)"),
        ("await r.ping()", "await r.get('x')"),
        ("async with r.lock('a'):", "    await r.get('x')", "    await r.get('y')"),
        ("p = r.pipeline()", "await p.get('x')", "await p.get('y')"),
        ("await db.execute(a)", "await db.execute(b)"),
        ("a, b = await asyncio.gather(c.get('x'), c.get('y'))",),
        ("a = (await c.get('x')).json()", "b = (await c.get('y')).json()"),
        ("await c.get('x')", "await other(1)", "await c.get('y')"),
    ],
)
def test_what_is_ordered_or_depends_is_left_alone(code: tuple[str, ...]) -> None:
    assert inside(*code) == []


def test_a_run_may_be_longer_and_ask_for_more() -> None:
    code = [f"a{i} = await c.get('{i}')" for i in range(3)]
    assert inside(*code) == [1]
    assert inside(*code, min_calls=4) == []


def test_first_party_coroutines_count_where_they_go_out_without_a_session() -> None:
    code = """async def fetch_a(c: httpx.AsyncClient): return await c.get('a')
async def fetch_b(c: httpx.AsyncClient, db: AsyncSession):
    await db.execute(1)
    return await c.get('b')
async def fetch_c(): return 1
async def good(c: httpx.AsyncClient, db: AsyncSession):
    a = await fetch_a(c)
    b = await fetch_b(c, db)
    d = await fetch_c()
async def bad(c: httpx.AsyncClient):
    a = await fetch_a(c)
    b = await fetch_a(c)
async def twice(c: httpx.AsyncClient):
    a = await fetch_a(c)
    b = await c.get('x')
"""
    assert found(code) == [14]
