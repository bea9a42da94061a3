"""Traps of the check of synchronous clients in async functions."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

CHECK = "sync-client-in-async"
HEAD = """import asyncio
import boto3
import psycopg2
import redis
import smtplib
import sqlite3
from google.cloud import storage
from google import genai
from openai import OpenAI
from pymongo import MongoClient
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
s3 = boto3.client("s3")
table = boto3.resource("dynamodb").Table("a")
llm = OpenAI()
gemini = genai.Client()
engine = create_engine("x")
"""


def found(code: str) -> list[int]:
    """Lines below the imports, counted from the first of ``code``."""
    return [line - HEAD.count("\n") for line in lines(ask(CHECK, {"app/a.py": HEAD + code}))]


def inside(*statements: str) -> list[int]:
    """Lines found in the body of an async function, counted from its first."""
    text = "\n".join(f"    {each}" for each in statements)
    params = "r: redis.Redis, db: Session, adb: AsyncSession, mongo: MongoClient"
    return [line - 1 for line in found(f"async def run({params}):\n{text}\n")]


@pytest.mark.parametrize(
    "code",
    [
        ("r.get('a')",),
        ("p = r.pipeline()", "p.set('a', 1)", "p.execute()"),
        ("db.query(A).filter(A.b == 1).first()",),
        ("q = db.query(A)", "rows = q.all()"),
        ("with engine.connect() as c:", "    c.execute(q)"),
        ("c = sqlite3.connect('a')", "c.execute('b')"),
        ("c = psycopg2.connect('a')", "cur = c.cursor()", "cur.fetchall()"),
        ("s3.put_object(Bucket='a')",),
        ("table.put_item(Item={})",),
        ("storage.Client().bucket('a').blob('b').upload_from_string('c')",),
        ("llm.chat.completions.create(model='a')",),
        ("gemini.models.generate_content(model='a')",),
        ("with smtplib.SMTP('a') as s:", "    s.send_message(m)"),
        ("mongo['a']['b'].find_one({})",),
        ("mongo.a.b.insert_one({})",),
        ("[r.get(k) for k in keys]",),
    ],
)
def test_io_of_a_synchronous_client_is_found_where_it_is_called(code: tuple[str, ...]) -> None:
    expected = 1 if code[0].startswith("with engine") else len(code)
    assert inside(*code) == [expected]


@pytest.mark.parametrize(
    "code",
    [
        ("await asyncio.to_thread(r.get, 'a')",),
        ("await loop.run_in_executor(None, lambda: r.get('a'))",),
        ("await adb.run_sync(lambda s: s.execute(q))",),
        ("await adb.execute(q)",),
        ("redis.Redis()", "boto3.client('s3')", "smtplib.SMTP('a')"),
        ("r.pipeline().set('a', 1)",),
        ("url = s3.generate_presigned_url('a')", "url.split('/')"),
        ("db.add(a)", "db.query(A).filter(A.b == 1)"),
        ("await gemini.aio.models.generate_content(model='a')",),
        ("task.delay(1)",),
        ("def later():", "    return r.get('a')", "await asyncio.to_thread(later)"),
        ("tasks.add_task(r.get, 'a')",),
    ],
)
def test_what_does_no_io_on_the_loop_is_left_alone(code: tuple[str, ...]) -> None:
    assert inside(*code) == []


def test_plain_functions_are_followed_two_levels() -> None:
    code = """def one(db: Session): return two(db)
def two(db: Session): return three(db)
def three(db: Session): return db.scalar(1)
async def run(db: Session): return two(db)
async def far(db: Session): return one(db)
"""
    assert found(code) == [4]


def test_functions_that_are_awaited_or_run_in_threads_are_not_followed() -> None:
    code = """@run_in_threadpool
def one(db: Session): return db.scalar(1)
def two(db: Session): return db.scalar(1)
async def run(db: Session):
    await one(db)
    one(db)
    await two(db)
"""
    assert found(code) == []


def test_only_functions_that_call_a_client_are_sites() -> None:
    code = "async def a(s: AsyncSession): await s.execute(q)\nasync def b(): return 1\n"
    assert ask(CHECK, {"app/a.py": HEAD + code}).sites == 1
