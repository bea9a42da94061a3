"""Traps of the check of state that several tasks change."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask

CHECK = "async-lock-for-shared-state"
HEAD = """import asyncio
import threading
from cachetools import TTLCache, cached
cache = TTLCache(9, 9)
seen = {}
count = 0
queue = asyncio.Queue()
lock = asyncio.Lock()
slow = threading.Lock()
"""
BOX = """class Box:
    def __init__(self):
        self.count = 0
        self.items = {}
        self.lock = asyncio.Lock()

    async def run(self, store, key):
"""


def found(code: str, **params: object) -> list[int]:
    outcome = ask(CHECK, {"app/a.py": HEAD + code}, **params)
    return [each.line - HEAD.count("\n") for each in outcome.observations]


def function(*statements: str) -> list[int]:
    text = "\n".join(f"    {each}" for each in statements)
    return [line - 1 for line in found(f"async def run(key, store, request):\n{text}\n")]


def method(*statements: str, more: str = "") -> list[int]:
    text = "\n".join(f"        {each}" for each in statements)
    return [line - BOX.count("\n") for line in found(f"{BOX}{text}\n{more}")]


@pytest.mark.parametrize(
    "code",
    [
        ("old = self.count", "await store.save()", "self.count = old + 1"),
        ("if self.count:", "    await store.save()", "    self.count -= 1"),
        ("if key in self.items:", "    return 1", "self.items[key] = await store.load()"),
        ("self.count += await store.size()",),
        ("if self.items.get(key):", "    async with store:", "        del self.items[key]"),
    ],
)
def test_a_change_that_an_await_parts_from_the_read_is_found(code: tuple[str, ...]) -> None:
    assert method(*code) == [len(code)]


@pytest.mark.parametrize(
    "code",
    [
        ("old = self.count", "self.count = old + 1", "await store.save()"),
        ("await store.save()", "self.count += 1"),
        ("self.count = 1", "await store.save()", "self.count = 2"),
        ("async with self.lock:", "    old = self.count", "    await a()", "    self.count = old"),
        ("if self.count:", "    return 1", "if key:", "    x = self.items", "self.count = 3"),
        ("if self.count:", "    async with self.lock:", "        self.count = await a()"),
    ],
)
def test_without_an_await_in_between_or_with_a_lock_it_holds(code: tuple[str, ...]) -> None:
    assert method(*code) == []


def test_state_of_the_module_is_shared_and_that_of_a_call_is_not() -> None:
    assert function("if key in seen:", "    return", "seen[key] = await store.load()") == [3]
    assert function("global count", "old = count", "await store()", "count = old + 1") == [4]
    assert function("own = {}", "x = own.get(1)", "await store()", "own[1] = x") == []
    assert function("x = request.state.a", "await store()", "request.state.a = x + 1") == []
    assert function("if queue.empty():", "    await store()", "queue.append(1)") == []


def test_a_lock_of_threads_is_none() -> None:
    code = ("async with slow:", "    x = seen.get(key)", "    await a()", "    seen[key] = x")
    assert function(*code) == [4]
    assert function(code[0].replace("async ", ""), *code[1:]) == [4]


def test_objects_made_in_functions_are_not_shared() -> None:
    code = ("old = self.count", "await store.save()", "self.count = old + 1")
    assert method(*code, more="def handler():\n    box = Box()\n") == []
    assert method(*code, more="box = Box()\n") == [3]
    assert method(*code, more="def make(app):\n    app.state.box = Box()\n") == [3]


def test_the_only_callers_may_hold_the_lock() -> None:
    code = "        old = self.count\n        await store()\n        self.count = old\n"
    locked = (
        "    async def go(self):\n        async with self.lock:\n            await self.run(1, 2)\n"
    )
    free = "    async def other(self):\n        await self.run(1, 2)\n"
    assert found(BOX + code + locked) == []
    assert found(BOX + code + locked + free) == [10]


@pytest.mark.parametrize(
    "code", ["cache[key] = 1", "x = cache.get(key)", "del cache[key]", "return key in cache"]
)
def test_every_access_of_a_cache_needs_the_lock(code: str) -> None:
    assert function(code) == [1]
    assert function("async with lock:", f"    {code}") == []
    assert function("with slow:", f"    {code}") == [2]


def test_the_decorator_of_cachetools_is_reported_on_a_coroutine() -> None:
    code = "@cached(cache, lock=slow)\nasync def run(key): return 1\n"
    assert found(code) == [1]
    assert found(code, kinds=["state"]) == []
    assert found(code.replace("async ", "")) == []


def test_what_ends_an_object_runs_when_nobody_else_does() -> None:
    code = "async def _close_it():\n    global count\n    if count:\n        await end(count)\n"
    assert found(code + "    count = None\n") == []
    assert found(code.replace("_close", "swap") + "    count = None\n") == [5]
