"""What guards external calls: traps of the definition."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask_read, lines

HEAD = """import asyncio, logging, smtplib
from contextlib import suppress
import aiohttp, httpx, requests
from circuitbreaker import circuit
from pybreaker import CircuitBreaker
from tenacity import retry, wait_exponential, wait_fixed
logger = logging.getLogger(__name__)
breaker = CircuitBreaker()
"""


def open_calls(code: str, require: str = "try-except", path: str = "app/a.py") -> list[int]:
    """Lines, counted from the first one of the code, of calls that lack a guard."""
    outcome = ask_read("external-call-policy", {path: HEAD + code}, require=[require])
    return [line - HEAD.count("\n") for line in lines(outcome)]


def tried(clause: str) -> str:
    """A function that calls in a try with this clause."""
    return f"def f():\n    try: return httpx.get('x')\n    except {clause}: return None\n"


@pytest.mark.parametrize(
    "clause",
    ["httpx.HTTPStatusError", "(KeyError, httpx.TimeoutException)", "Exception", "OSError"],
)
def test_a_matching_clause_guards_a_call(clause: str) -> None:
    assert open_calls(tried(clause)) == []


@pytest.mark.parametrize("clause", ["KeyError", "requests.RequestException"])
def test_a_clause_for_something_else_does_not(clause: str) -> None:
    assert open_calls(tried(clause)) == [2]


def test_suppress_guards_a_call() -> None:
    code = "def f():\n    with suppress(httpx.HTTPError):\n        httpx.get('x')\n"
    assert open_calls(code) == []


def test_all_callers_have_to_guard_it_and_one_level_up_is_enough() -> None:
    plain = "def f():\n    return httpx.get('x')\n"
    good = "def g():\n    try: f()\n    except httpx.HTTPError: pass\n"
    assert open_calls(plain + good) == []
    assert open_calls(f"{plain}{good}def h():\n    f()\n") == [2]
    handed = "async def g():\n    try: await asyncio.to_thread(f)\n    except Exception: pass\n"
    assert open_calls(plain + handed) == []


def test_one_client_that_guards_all_its_methods_guards_every_call_through_it() -> None:
    code = (
        "class Client(httpx.Client):\n    def get(self, url):\n"
        "        try: return super().get(url)\n        except httpx.HTTPError: raise KeyError\n"
        "def f(client: Client):\n    client.get('x')\n    client.post('x')\n"
    )
    assert open_calls(code) == [7]


def test_probes_tests_and_scripts_are_left_out() -> None:
    code = "def check_health():\n    httpx.get('x')\n"
    assert open_calls(code) == []
    plain = "def f():\n    httpx.get('x')\n"
    assert open_calls(plain, path="tests/test_a.py") == []
    assert open_calls(plain, path="scripts/a.py") == []


def test_services_have_to_expect_failing_files_and_transactions() -> None:
    code = "def f(session):\n    open('x')\n    session.commit()\n    session.add(1)\n"
    assert open_calls(code, path="app/services/a.py") == [2, 3]
    assert open_calls(code, "timeout", path="app/services/a.py") == []
    assert open_calls(code) == []


@pytest.mark.parametrize(
    "code",
    [
        "def f():\n    requests.get('x', timeout=3)\n",
        "def f():\n    httpx.get('x')\n",
        "async def f(s: aiohttp.ClientSession):\n    async with asyncio.timeout(3): s.get(1)\n",
        "async def f():\n    async with aiohttp.ClientSession(timeout=3) as s: await s.get('x')\n",
        "async def f(s: aiohttp.ClientSession):\n    await asyncio.wait_for(s.get('x'), 3)\n",
        "def f(kwargs):\n    requests.get('x', **kwargs)\n",
    ],
)
def test_a_call_that_waits_for_a_limited_time_is_left_alone(code: str) -> None:
    assert open_calls(code, "timeout") == []


@pytest.mark.parametrize(
    "code",
    [
        "def f():\n    requests.get('x')\n",
        "def f():\n    httpx.get('x', timeout=None)\n",
        "def f(client: httpx.Client):\n    client.get('x')\nc = httpx.Client(timeout=None)\n",
        "async def f(s: aiohttp.ClientSession):\n    await s.get('x')\n",
    ],
)
def test_a_call_that_may_wait_for_ever_is_found(code: str) -> None:
    assert open_calls(code, "timeout") == [2]


CALL = "def f():\n    return httpx.get('x')\n"


@pytest.mark.parametrize(
    ("code", "found"),
    [
        (f"@retry(wait=wait_exponential())\n{CALL}", []),
        (f"@retry(wait=wait_fixed(2))\n{CALL}", [3]),
        (f"@retry\n{CALL}", [3]),
        ("def f():\n    for n in range(3):\n        httpx.get('x')\n        sleep(2 ** n)\n", []),
        ("def f():\n    for n in range(3):\n        httpx.get('x')\n        sleep(2)\n", [3]),
        ("def f():\n    httpx.post('x', headers={'Idempotency-Key': '1'})\n", []),
        ("c = httpx.Client(transport=httpx.HTTPTransport(retries=3))\nc.get('x')\n", []),
    ],
)
def test_a_retry_has_to_wait_longer_each_time(code: str, found: list[int]) -> None:
    assert open_calls(code, "retry") == found


@pytest.mark.parametrize(
    "code",
    [
        f"@circuit\n{CALL}",
        f"@breaker\n{CALL}",
        f"{CALL}def g():\n    return breaker.call(f)\n",
        "def f():\n    with breaker.calling():\n        httpx.get('x')\n",
    ],
)
def test_breakers_are_known_as_decorators_blocks_and_callers(code: str) -> None:
    assert open_calls(code, "circuit-breaker") == []


def test_a_hook_of_the_client_or_a_tracer_logs_every_call() -> None:
    code = "def f(client: httpx.Client):\n    client.get('x')\n"
    assert open_calls(code, "log") == [2]
    assert open_calls(f"{code}c = httpx.Client(event_hooks={{'request': [log]}})\n", "log") == []
    assert open_calls(f"{code}HTTPXClientInstrumentor().instrument()\n", "log") == []


def test_mail_and_caches_are_external_and_constructing_a_client_is_not() -> None:
    code = (
        "import redis\ncache = redis.Redis()\nclient = httpx.Client()\n"
        "def f(key):\n    with smtplib.SMTP('host') as server:\n        server.send_message(key)\n"
        "    return cache.get(key)\n"
    )
    assert open_calls(code) == [5, 6, 7]


def test_a_project_without_external_calls_is_not_asked() -> None:
    assert ask_read("external-call-policy", {"app/a.py": "def f():\n    {}.get('x')\n"}).sites == 0
