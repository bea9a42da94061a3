"""Which client a call does I/O by."""

from __future__ import annotations

import pytest

from tests.checks.projects import parsed

HEAD = """import boto3
import httpx
import redis
import redis.asyncio
from openai import AsyncOpenAI
from sqlalchemy.orm import Session
class Own(redis.Redis): ...
class Repo:
    def __init__(self, db: Session): self.db = db
"""


def reached(code: str) -> list[tuple[str, str, bool, bool]]:
    """Client, kind, whether it is asynchronous and plain, of each call that does I/O."""
    project = parsed({"app/a.py": HEAD + code})
    found = (project.reach.reached(call) for call in project.by_path["app/a.py"].calls)
    return [(e.client, e.library.kind, e.library.is_async, e.plain) for e in found if e is not None]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("def f(r: redis.Redis): r.get('a')", ("redis.Redis", "cache", False, True)),
        (
            "async def f(r: redis.asyncio.Redis): await r.get('a')",
            ("redis.asyncio.Redis", "cache", True, True),
        ),
        ("def f(r: Own): r.get('a')", ("app.a.Own", "cache", False, True)),
        ("def f(r: Repo): r.db.execute(1)", ("sqlalchemy.orm.Session", "database", False, True)),
        (
            "def f(db: Session):\n    q = db.query(A)\n    q.all()",
            ("sqlalchemy.orm.Session", "database", False, False),
        ),
        (
            "async def f():\n    async with httpx.AsyncClient() as c:\n        await c.get('a')",
            ("httpx.AsyncClient", "http", True, True),
        ),
        (
            "def f(c: AsyncOpenAI): c.chat.completions.create()",
            ("openai.AsyncOpenAI", "llm", True, True),
        ),
        ("s = boto3.client('s3')\ndef f(): s.put_object()", ("boto3.Client", "cloud", False, True)),
    ],
)
def test_a_call_is_traced_to_its_client(code: str, expected: tuple[str, str, bool, bool]) -> None:
    assert reached(code + "\n") == [expected]


@pytest.mark.parametrize(
    "code",
    [
        "def f(r: redis.Redis): r.pipeline()",
        "def f(r: redis.Redis): r.pipeline().set('a', 1)",
        "def f(db: Session): db.add(1)",
        "def f(db: Session): db.execute(1).unique().mappings()",
        "def f(x): x.get('a')",
        "s = boto3.client('s3')\ndef f(): s.generate_presigned_url('a').split('?')",
        "def f(a):\n    a = b\n    b = a\n    b.get(1)",
    ],
)
def test_what_does_no_io_reaches_nothing(code: str) -> None:
    plain = [each for each in reached(code + "\n") if "execute" not in code]
    assert plain == []
