"""Resources: traps of the definition."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = """import json, asyncio, httpx, aiofiles, contextlib, threading
from contextlib import ExitStack, closing
from pathlib import Path
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
engine = create_async_engine("x")
maker = async_sessionmaker(engine)
"""


def flagged(body: str, head: str = "async def f(self, app, path, stack):") -> list[int]:
    """Lines of a function body, counted from 1, that are findings."""
    text = f"{HEAD}{head}\n" + "".join(f"    {line}\n" for line in body.splitlines())
    found = lines(ask("resources-in-with", {"app/a.py": text}))
    return [line - HEAD.count("\n") - 1 for line in found]


@pytest.mark.parametrize(
    "body",
    [
        "with open(path) as a, Path(path).open() as b:\n    pass",
        "async with maker() as a, httpx.AsyncClient() as b:\n    pass",
        "async with maker() as session, maker.begin() as other:\n    pass",
        "with closing(open(path)) as a:\n    pass",
        "a = stack.enter_context(open(path))",
        "a = await stack.enter_async_context(httpx.AsyncClient())",
        "a = open(path)\nstack.callback(a.close)",
        "a = open(path)\nwith a:\n    pass",
        "a = open(path)\ntry:\n    pass\nfinally:\n    a.close()",
        "a = httpx.AsyncClient()\ntry:\n    pass\nfinally:\n    await shut(a)",
        "self.a = httpx.AsyncClient()",
        "a = httpx.AsyncClient()\napp.state.client = a",
        "return open(path)",
        "a = httpx.AsyncClient()\nyield a",
        "return Wrapper(httpx.AsyncClient())",
        "a = Path(path).read_text()",
        (
            "a = httpx.AsyncClient()\nasync def g():\n    try:\n        yield 1\n    finally:\n"
            "        await a.aclose()\nreturn g()"
        ),
        "lock = asyncio.Lock()\nawait lock.acquire()\ntry:\n    pass\nfinally:\n    lock.release()",
        "async with await engine.connect() as c:\n    pass",
    ],
)
def test_what_is_closed_or_given_on_passes(body: str) -> None:
    assert flagged(body) == []


@pytest.mark.parametrize(
    "body",
    [
        "a = json.load(open(path))",
        "return json.load(open(path))",
        "return open(path).read()",
        "a = open(path)\na.close()",
        "session = maker()\nawait session.commit()\nawait session.close()",
        "c = await engine.connect()\nawait c.close()",
        "async with httpx.AsyncClient().stream('GET', path) as r:\n    pass",
        "lock = threading.Lock()\nlock.acquire()\nlock.release()",
        "f = await aiofiles.open(path)",
    ],
)
def test_what_stays_open_when_something_fails_is_found(body: str) -> None:
    assert flagged(body) == [2 if body.startswith("lock") else 1]


def test_a_global_is_closed_by_another_function() -> None:
    body = "global client\nclient = httpx.AsyncClient()"
    assert flagged(body) == [2]
    assert flagged(f"{body}\ndef stop():\n    client.aclose()") == []


def test_sync_and_async_resources_are_asked_for_apart() -> None:
    code = f"{HEAD}def f(path):\n    a = open(path)\n    b = httpx.AsyncClient()\n"
    first = HEAD.count("\n") + 2
    assert lines(ask("resources-in-with", {"app/a.py": code}, kinds=["sync"])) == [first]
    assert lines(ask("resources-in-with", {"app/a.py": code}, kinds=["async"])) == [first + 1]
