"""Traps of the check of awaits without a limit."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask

CHECK = "await-with-timeout"
HEAD = """import asyncio
import anyio
import websockets
from fastapi import WebSocket
"""
PARAMS = (
    "q: asyncio.Queue[int], e: asyncio.Event, c: asyncio.Condition, l: asyncio.Lock, "
    "r: asyncio.StreamReader, ws: WebSocket, fut: asyncio.Future[int]"
)


def found(code: str) -> list[int]:
    outcome = ask(CHECK, {"app/a.py": HEAD + code})
    return [each.line - HEAD.count("\n") for each in outcome.observations]


def inside(*statements: str) -> list[int]:
    text = "\n".join(f"    {each}" for each in statements)
    return [line - 1 for line in found(f"async def run({PARAMS}):\n{text}\n")]


@pytest.mark.parametrize(
    "code",
    [
        ("await q.get()",),
        ("x = await q.join()",),
        ("await e.wait()",),
        ("while not ready(1) and more:", "    await c.wait()"),
        ("await l.acquire()",),
        ("while line := await r.readline():", "    pass"),
        ("await ws.receive_text()",),
        ("await fut",),
        ("fut = asyncio.get_running_loop().create_future()", "return await fut"),
        ("reader, writer = await asyncio.open_connection('a', 1)",),
        ("p = await asyncio.create_subprocess_exec('a')", "await p.wait()"),
        ("p = await asyncio.create_subprocess_shell('a')", "await p.stdout.read()"),
        ("async with websockets.connect('a') as s:", "    await s.recv()"),
        ("async with lock:", "    await q.get()"),
        ("for x in range(3):", "    await q.get()"),
    ],
)
def test_an_open_ended_await_is_found(code: tuple[str, ...]) -> None:
    expected = 1 if code[0].startswith("while line") else len(code)
    assert inside(*code) == [expected]


@pytest.mark.parametrize(
    "code",
    [
        ("await asyncio.wait_for(q.get(), 5)",),
        ("async with asyncio.timeout(5):", "    await e.wait()"),
        ("with anyio.fail_after(5):", "    await r.read()"),
        ("while True:", "    item = await q.get()"),
        ("while self.running:", "    await q.get()"),
        ("while not stop.is_set():", "    await q.get()"),
        ("while True:", "    data = await ws.receive_json()"),
        ("async with l:", "    pass"),
        ("q.get_nowait()", "await other.get()"),
        ("await client.get('a', timeout=5)",),
    ],
)
def test_what_has_a_limit_or_is_meant_to_wait_holds(code: tuple[str, ...]) -> None:
    assert inside(*code) == []


def test_limits_of_all_callers_count_one_level_up() -> None:
    inner = "async def inner(e: asyncio.Event):\n    await e.wait()\n"
    limited = "async def a(e):\n    await asyncio.wait_for(inner(e), 5)\n"
    free = "async def b(e):\n    await inner(e)\n"

    assert found(inner + limited) == []
    assert found(inner + limited + free) == [2]


def test_a_helper_that_a_receiving_loop_calls_is_meant_to_wait() -> None:
    inner = "async def take(ws: WebSocket):\n    return await ws.receive_text()\n"
    outer = "async def serve(ws):\n    while True:\n        await take(ws)\n"

    assert found(inner) == [2]
    assert found(inner + outer) == []


def test_what_the_application_keeps_on_its_state_is_known() -> None:
    made = "def start(app):\n    ready = asyncio.Event()\n    app.state.ready = ready\n"
    waits = "async def use(request):\n    await request.app.state.ready.wait()\n"
    other = "def again(app):\n    app.state.ready = asyncio.Lock()\n"

    assert found(made + waits) == [5]
    assert found(made + waits + other) == []
    assert found(waits) == []


def test_sites_are_all_open_ended_awaits() -> None:
    code = (
        f"async def run({PARAMS}):\n    await asyncio.wait_for(q.get(), 5)\n    await e.wait()\n"
        "    e.wait()\n    while True:\n        await q.get()\n"
    )
    assert ask(CHECK, {"app/a.py": HEAD + code}).sites == 2
