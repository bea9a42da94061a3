"""Traps of the checks of where caches live."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask

HEAD = """import httpx
import redis.asyncio as redis
from cachetools import TTLCache, cached
from functools import lru_cache
"""


def backends(code: str, **params: object) -> list[str]:
    outcome = ask("cache-backend", {"app/services/a.py": HEAD + code}, **params)
    return [each.measured or each.message for each in outcome.observations]


@pytest.mark.parametrize(
    ("code", "backend"),
    [
        ("rates = TTLCache(9, 9)\n", "cachetools"),
        ("from cachetools import LRUCache as T\nrates = T(9)\n", "cachetools"),
        ("@cached(TTLCache(9, 9))\ndef rate(): return 1\n", "cachetools"),
        ("@lru_cache\ndef rate():\n    return httpx.get('a')\n", "memory"),
        ("from aiocache import Cache\ncache = Cache(Cache.MEMORY)\n", "memory"),
        ("from aiocache import Cache\ncache = Cache(Cache.MEMCACHED)\n", "memcached"),
        (
            "from fastapi_cache.backends.inmemory import InMemoryBackend as M\nstart(M())\n",
            "memory",
        ),
    ],
)
def test_other_backends_are_found(code: str, backend: str) -> None:
    assert backends(code) == [backend]
    assert backends(code, allowed=["redis", backend]) == []


def test_redis_counts_where_its_client_is_made_or_first_used() -> None:
    use = "async def f(r: redis.Redis, name):\n    await r.get(f'user:{name}')\n"
    made = "client = redis.from_url('x')\n"
    assert backends(use, allowed=["cachetools"]) == ["redis"]
    assert backends(made + use * 2, allowed=["cachetools"]) == ["redis"]


@pytest.mark.parametrize(
    "code",
    [
        "async def f(r: redis.Redis):\n    await r.set('a:1', 1, nx=True)\n",
        "async def f(r: redis.Redis):\n    await r.get('session:1')\n",
        "async def f(r: redis.Redis):\n    await r.incr('hits')\n    await r.publish('a', 1)\n",
        "@lru_cache\ndef get_settings(): return open('a')\n",
        "@lru_cache\ndef square(x): return x * x\n",
    ],
)
def test_what_is_no_cache_leaves_the_repository_without_one(code: str) -> None:
    assert backends(code) == ["Nothing is cached"]
    assert backends(code, required=False) == []


def test_a_project_without_routes_and_services_needs_no_cache() -> None:
    assert ask("cache-backend", {"app/a.py": "x = 1\n"}).state == "not-applicable"


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("otp_codes", True), ("sessions", True), ("rate_limits", True), ("revoked_tokens", True),
        ("jobCache", True), ("jwks_tokens", False), ("exchange_rates", False),
        ("country_codes", False), ("access_token_cache", False), ("feature_flags", False),
        ("users", False), ("encoder", False),
    ],
)  # fmt: skip
def test_state_of_all_workers_is_told_by_its_name(name: str, wrong: bool) -> None:
    outcome = ask("local-cache-scope", {"app/a.py": f"{HEAD}{name} = TTLCache(9, 9)\n"})
    assert (outcome.sites, len(outcome.observations)) == (1, int(wrong))


def test_a_dict_that_is_called_a_cache_is_one() -> None:
    outcome = ask("local-cache-scope", {"app/a.py": "token_cache: dict = {}\nusers = {}\n"})
    assert (outcome.sites, len(outcome.observations)) == (1, 1)


def test_shared_caches_stand_in_the_core_module_behind_functions() -> None:
    made = "from cachetools import TTLCache\nusers = TTLCache(9, 9)\n_own = TTLCache(9, 9)\n"
    use = "from app.core.cache import users\n"
    params = {"rules": ["core-module"]}

    def places(files: dict[str, str]) -> list[tuple[str, int]]:
        outcome = ask("local-cache-scope", files, **params)
        return [(each.path, each.line) for each in outcome.observations]

    assert places({"app/core/cache.py": made, "app/a.py": use, "app/b.py": use}) == []
    other = use.replace("core.cache", "store")
    assert places({"app/store.py": made, "app/a.py": other}) == [("app/store.py", 2)]
    assert places({"app/core/cache.py": made, "app/a.py": use.replace("users", "_own")}) == [
        ("app/a.py", 1)
    ]
