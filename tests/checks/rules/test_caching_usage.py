"""Traps of the check of how caches are used."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask

CHECK = "cache-usage"
HEAD = """import redis.asyncio as redis
from cachetools import LRUCache, TTLCache, cached
from datetime import timedelta
PREFIX = "user:"
BARE = "users"
own = TTLCache(9, 600)
endless = LRUCache(9)
"""


def found(aspect: str, code: str, **params: object) -> list[int]:
    outcome = ask(CHECK, {"app/a.py": HEAD + code}, aspects=[aspect], **params)
    return [each.line - HEAD.count("\n") for each in outcome.observations]


def inside(aspect: str, *statements: str, **params: object) -> list[int]:
    text = "\n".join(f"    {each}" for each in statements)
    code = f"async def run(r: redis.Redis, key, value, ttl):\n{text}\n"
    return [line - 1 for line in found(aspect, code, **params)]


@pytest.mark.parametrize(
    ("code", "holds"),
    [
        ("await r.set('a:1', value)", False),
        ("await r.set('a:1', value, ex=60)", True),
        ("await r.set('a:1', value, px=ttl)", True),
        ("await r.set('a:1', value, ex=None)", False),
        ("await r.set('a:1', value, 60)", True),
        ("await r.setex('a:1', ttl, value)", True),
        ("await r.set('a:1', value); await r.expire('a:1', 60)", True),
        ("await r.set('a:1', value); await r.expire('b:1', 60)", False),
        ("await r.set('a:1', value, **options)", True),
        ("own[key] = value", True),
        ("endless[key] = value", False),
        ("endless[key] = (value, now + ttl)", True),
    ],
)
def test_entries_expire(code: str, holds: bool) -> None:
    assert inside("ttl", code) == ([] if holds else [1])


@pytest.mark.parametrize(
    ("code", "holds"),
    [
        ("await r.set('a:1', value, ex=300)", True),
        ("await r.set('a:1', value, ex=301)", False),
        ("await r.setex('a:1', 60 * 60, value)", False),
        ("await r.psetex('a:1', 60_000, value)", True),
        ("await r.set('a:1', value, ex=timedelta(minutes=5))", True),
        ("await r.set('a:1', value, ex=timedelta(hours=1))", False),
        ("await r.set('a:1', value, ex=ttl)", True),
        ("own[key] = value", False),
    ],
)
def test_entries_live_no_longer_than_allowed(code: str, holds: bool) -> None:
    assert inside("ttl", code, max_ttl_seconds=300) == ([] if holds else [1])


@pytest.mark.parametrize(
    ("code", "holds"),
    [
        ("await r.set(key, value)", False),
        ("await r.set('users', value)", False),
        ("await r.set(BARE, value)", False),
        ("await r.set(f'{key}', value)", False),
        ("await r.set(f'user:{key}', value)", True),
        ("await r.set(PREFIX + key, value)", True),
        ("await r.set(f'{PREFIX}{key}', value)", True),
        ("await r.set(':'.join(['user', key]), value)", True),
        ("await r.set(build_key(key), value)", True),
        ("name = f'user:{key}'; await r.set(name, value)", True),
        ("own[key] = value", False),
        ("own['user', key] = value", True),
    ],
)
def test_keys_have_a_namespace(code: str, holds: bool) -> None:
    assert inside("namespace", code) == ([] if holds else [1])


def test_a_wrapper_may_leave_the_namespace_to_its_callers() -> None:
    wrapper = "async def put(r: redis.Redis, key):\n    await r.set(key, 1)\n"
    good = "async def a(r, x): await put(r, f'a:{x}')\n"
    bad = "async def b(r, x): await put(r, x)\n"
    assert found("namespace", wrapper + good) == []
    assert found("namespace", wrapper + good + bad) == [2]


def test_a_read_is_filled_on_a_miss() -> None:
    fill = "    await r.set('a:1', 1)\n"
    read = "async def run(r: redis.Redis):\n    x = await r.get('a:1')\n"
    assert found("aside", read) == [2]
    assert found("aside", read + fill) == []


def test_accessors_are_filled_by_who_calls_them() -> None:
    code = (
        "async def read(r: redis.Redis): return await r.get('a:1')\n"
        "async def write(r: redis.Redis): await r.set('a:1', 1)\n"
    )
    both = "async def run(r):\n    if not await read(r):\n        await write(r)\n"
    assert found("aside", code) == [1]
    assert found("aside", code + both) == []


@pytest.mark.parametrize(
    "code",
    [
        "await r.set('lock:1', 1, nx=True)",
        "await r.set('session:1', 1)",
        "await r.incr('a')",
        "await r.lpush('a', 1)",
        "await r.get('uptime:start')",
        "await r.publish('a', 1)",
    ],
)
def test_locks_counters_and_queues_are_no_cache(code: str) -> None:
    outcome = ask(CHECK, {"app/a.py": f"{HEAD}async def run(r: redis.Redis):\n    {code}\n"})
    assert outcome.state == "not-applicable"
