"""Blocking calls in async functions: traps of the definition."""

from __future__ import annotations

import pytest

from checks.fingerprint import anchors
from tests.checks.projects import ask_read

KEY = ("blocking-call-in-async", "{}")
HEAD = """import asyncio
import time
from pathlib import Path

import anyio
import requests


"""


def blocking(code: str) -> tuple[int, list[tuple[int, float]]]:
    """Sites, and line and weight of findings below the head."""
    outcome = ask_read("blocking-call-in-async", {"app/a.py": HEAD + code})
    return outcome.sites, [(each.line - 8, each.weight) for each in outcome.observations]


@pytest.mark.parametrize(
    "body",
    [
        "await asyncio.to_thread(requests.get, url)",
        "await run_in_threadpool(time.sleep, 1)",
        "await anyio.Path('x').read_text()",
        "return Path('x').with_suffix('.y').name",
        "def inner():\n        time.sleep(1)",
    ],
)
def test_what_does_not_block_here(body: str) -> None:
    assert blocking(f"async def f(url):\n    {body}\n") == (1, [])


def test_each_async_function_is_one_site_and_nested_ones_are_their_own() -> None:
    code = """async def outer(url):
    requests.get(url)
    time.sleep(1)

    async def inner():
        time.sleep(1)


def plain():
    time.sleep(1)
"""
    assert blocking(code) == (2, [(2, 1.0), (3, 1.0), (6, 1.0)])


@pytest.mark.parametrize(
    "head", ["async def lifespan(app):", '@app.on_event("startup")\nasync def f():']
)
def test_what_runs_once_at_the_start_counts_half(head: str) -> None:
    found = blocking(f"{head}\n    Path('x').read_text()\n")
    assert [weight for _, weight in found[1]] == [0.5]


def test_each_blocking_call_is_a_finding_and_the_function_violates_once() -> None:
    lines = [
        "async def f(url):",
        "    requests.get(url)  # noqa: ASYNC210 - cached",
        "    time.sleep(1)",
    ]
    both = ask_read("blocking-call-in-async", {"app/a.py": HEAD + "\n".join(lines)})
    mended = ask_read(
        "blocking-call-in-async", {"app/a.py": HEAD + "\n".join([lines[0], lines[2]])}
    )

    # What a comment accepts hides no other call, and mending one leaves the other what it is.
    assert [(each.line - 8, each.suppressed) for each in both.observations] == [
        (2, True),
        (3, False),
    ]
    assert (both.sites, len({each.site for each in both.observations})) == (1, 1)
    known = {name: at for (_, name), at in anchors({KEY: both}).items()}
    left = {name: at for (_, name), at in anchors({KEY: mended}).items()}
    assert list(left.values()) == ["ASYNC251"]
    assert left.items() <= known.items()
