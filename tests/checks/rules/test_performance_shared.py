"""Traps of the check that asks modules to share one HTTP client."""

from __future__ import annotations

from tests.checks.projects import ask

CLIENT = """
import asyncio
import httpx

_client: httpx.AsyncClient | None = None
_lock = asyncio.Lock()


async def get_http_client() -> httpx.AsyncClient:
    global _client
    if _client is None:
        async with _lock:
            if _client is None:
                _client = httpx.AsyncClient()
    return _client


async def close_http_client() -> None:
    global _client
    client, _client = _client, None
    if client is not None:
        await client.aclose()
"""
MAIN = """
from contextlib import asynccontextmanager
from fastapi import FastAPI
from app.http import close_http_client

async def close_all():
    await close_http_client()

@asynccontextmanager
async def lifespan(app):
    yield
    await close_all()

app = FastAPI(lifespan=lifespan)
"""
WRAPPER = """
import asyncio, httpx
from fastapi import FastAPI

class Pool:
    def __init__(self):
        self._client = None
        self._lock = asyncio.Lock()

    async def get(self):
        async with self._lock:
            if self._client is None:
                self._client = httpx.AsyncClient()
            return self._client

    async def aclose(self):
        if self._client:
            await self._client.aclose()
        self._client = None

pool = Pool()

async def lifespan(app):
    yield
    await pool.aclose()

app = FastAPI(lifespan=lifespan)
"""
STATE = """
import httpx
from contextlib import asynccontextmanager
from fastapi import FastAPI

@asynccontextmanager
async def lifespan(app):
    app.state.client = httpx.AsyncClient()
    yield
    await app.state.client.aclose()

app = FastAPI(lifespan=lifespan)
"""


def missing(**files: str) -> list[str]:
    """The aspects that some module lacks."""
    found = ask("shared-http-client", {f"app/{name}.py": text for name, text in files.items()})
    return [each.anchor.partition(":")[0] for each in found.observations]


def test_double_checked_locking_and_an_aggregate_hold() -> None:
    assert missing(http=CLIENT, main=MAIN) == []


def test_a_wrapper_with_get_and_aclose_holds() -> None:
    assert missing(http=WRAPPER) == []


def test_a_client_on_the_state_lacks_only_its_getter() -> None:
    assert missing(main=STATE) == ["getter"]


def test_what_is_left_out_is_named() -> None:
    assert missing(http=CLIENT.replace("async with _lock", "if True"), main=MAIN) == ["lock"]
    assert missing(http=CLIENT.replace("client.aclose()", "client.get()"), main=MAIN) == [
        "close", "lifespan",
    ]  # fmt: skip
    assert missing(http=CLIENT) == ["lifespan"]


def test_clients_of_one_call_are_no_sites() -> None:
    text = (
        "import httpx\nasync def f():\n    async with httpx.AsyncClient() as c:\n        c.get()\n"
    )
    assert ask("shared-http-client", {"app/a.py": text}).state == "not-applicable"
