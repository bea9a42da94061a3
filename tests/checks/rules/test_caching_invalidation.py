"""Traps of the check of what is changed and cached."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask

CHECK = "cache-invalidation"
HEAD = """import redis.asyncio as redis
from functools import lru_cache
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession
async def fill(r: redis.Redis, user_id): await r.set(f'user:{user_id}', 1, ex=9)
"""
PARAMS = "r: redis.Redis, db: AsyncSession, user_id"


def found(
    code: str, *, path: str = "app/services/users.py", function_pattern: str = ""
) -> list[int]:
    outcome = ask(CHECK, {path: HEAD + code}, function_pattern=function_pattern)
    return [each.line - HEAD.count("\n") for each in outcome.observations]


def changes(*statements: str, name: str = "update_user", function_pattern: str = "") -> list[int]:
    text = "\n".join(f"    {each}" for each in ("await db.commit()", *statements))
    return found(f"async def {name}({PARAMS}):\n{text}\n", function_pattern=function_pattern)


@pytest.mark.parametrize("name", ["update_user", "delete_user_by_id", "set_user"])
def test_a_change_that_leaves_the_entry_is_found(name: str) -> None:
    assert changes(name=name) == [1]


@pytest.mark.parametrize(
    "name", ["create_user", "get_user", "update_order", "update_user_settings"]
)
def test_what_stales_no_entry_is_left_alone(name: str) -> None:
    assert changes(name=name) == []


@pytest.mark.parametrize(
    "code",
    [
        "await r.delete(f'user:{user_id}')",
        "await r.set(f'user:{user_id}', 2)",
        "await invalidate_user(user_id)",
        "clear_user_cache()",
        "read_user.cache_clear()",
        "key = f'user:{user_id}'; await r.unlink(key)",
    ],
)
def test_removing_or_writing_the_entry_holds(code: str) -> None:
    assert changes(code) == []


def test_entries_of_others_do_not_count() -> None:
    assert changes("await r.delete(f'order:{user_id}')") == [1]
    assert changes("clear_order_cache()") == [1]


def test_a_pattern_asks_for_its_function() -> None:
    pattern = "invalidate_*_cache"
    assert changes("await r.delete(f'user:{user_id}')", function_pattern=pattern) == [1]
    assert changes("await invalidate_user_cache(user_id)", function_pattern=pattern) == []


def test_the_caller_or_a_helper_may_remove_it() -> None:
    change = f"async def update_user({PARAMS}): await db.commit()\n"
    caller = f"async def save({PARAMS}):\n    await update_user(r, db, user_id)\n"
    removal = "    await r.delete(f'user:{user_id}')\n"
    helper = f"async def forget({PARAMS}):\n{removal}"

    assert found(change + caller) == [1]
    assert found(change + caller + removal) == []
    assert found(change + caller + "    await forget(r, db, user_id)\n" + helper) == []


def test_listeners_may_remove_it() -> None:
    listener = (
        "@event.listens_for(AsyncSession, 'after_commit')\n"
        "async def forget(r: redis.Redis, user_id): await r.delete(f'user:{user_id}')\n"
    )
    assert found(f"async def update_user({PARAMS}): await db.commit()\n{listener}") == []


def test_memoised_functions_are_caches_too() -> None:
    code = "@lru_cache\ndef get_order(order_id): return 1\n"
    assert found(code + "def update_order(repo): repo.update(1)\n") == [3]
    assert found(code + "def create_order(repo): repo.create(1)\n") == []
    listed = code.replace("get_order(order_id)", "list_orders(page)")
    assert found(listed + "def create_order(repo): repo.create(1)\n") == [3]


def test_only_services_and_repositories_are_sites() -> None:
    change = f"async def update_user({PARAMS}): await db.commit()\n"
    assert found(change, path="app/core/users.py") == []
    assert found(change, path="app/crud/users.py") == [1]


def test_without_a_cache_the_check_does_not_apply() -> None:
    code = "def update_user(repo): repo.update(1)\n"
    assert ask(CHECK, {"app/services/users.py": code}).state == "not-applicable"
