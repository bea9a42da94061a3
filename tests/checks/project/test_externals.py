"""Where production code talks to another process, and by which library."""

from __future__ import annotations

import pytest

from tests.checks.projects import project

HEAD = """import boto3, httpx, redis, requests, smtplib, urllib.request
from redis.asyncio import Redis
class Cache(Redis):
    async def drop(self, key):
        await self.delete(key)
"""


def external(code: str) -> list[tuple[int, str]]:
    """Lines, counted from the first one of the code, and libraries of the external calls."""
    found = project({"app/a.py": HEAD + code})
    lines = ((each.call.line - HEAD.count("\n"), each.library) for each in found.externals.all)
    return [each for each in lines if each[0] > 0]


@pytest.mark.parametrize(
    ("code", "library"),
    [
        ("requests.get('x')", "requests"),
        ("httpx.AsyncClient().post('x')", "httpx"),
        ("requests.Session().request('GET', 'x')", "requests"),
        ("urllib.request.urlopen('x')", "urllib"),
        ("smtplib.SMTP('host')", "smtplib"),
        ("redis.Redis().get('x')", "redis"),
        ("Cache().set('x', 1)", "redis"),
        ("boto3.client('s3').put_object()", "boto3"),
    ],
)
def test_calls_are_known_by_function_client_and_subclass(code: str, library: str) -> None:
    assert external(code) == [(1, library)]


@pytest.mark.parametrize(
    "code",
    [
        "httpx.Client()",
        "redis.Redis()",
        "boto3.client('s3')",
        "{}.get('x')",
        "Cache().drop('x')",
        "httpx.HTTPError('x')",
    ],
)
def test_making_a_client_and_calling_our_own_methods_is_no_external_call(code: str) -> None:
    assert external(code) == []


def test_a_client_comes_from_where_it_is_bound_or_from_anywhere_of_its_class() -> None:
    code = (
        "shared = httpx.Client()\ndef f(given: httpx.Client):\n    given.get('x')\n"
        "    own = httpx.Client()\n    own.get('y')\n"
    )
    found = project({"app/a.py": HEAD + code}).externals
    offset = HEAD.count("\n")
    made = {
        each.call.line - offset: [call.line - offset for call in found.constructions(each)]
        for each in found.all
        if each.library == "httpx"
    }
    assert made == {3: [1, 4], 5: [4]}
