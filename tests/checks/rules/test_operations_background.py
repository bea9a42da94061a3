"""Traps of the check on long work."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = (
    "import asyncio, smtplib, subprocess, threading, time\n"
    "import openai, httpx, pandas\nfrom celery import shared_task\n"
    "from fastapi import APIRouter, BackgroundTasks\n"
    "from fastapi.responses import StreamingResponse\n"
    "client = openai.OpenAI()\nrouter = APIRouter()\n"
    "@shared_task\ndef job(n):\n    smtplib.SMTP('x').sendmail('a', 'b', 'c')\n"
    "def mail():\n    deliver()\ndef deliver():\n    smtplib.SMTP('x').sendmail('a', 'b', 'c')\n"
    "def wait():\n    while True:\n        time.sleep(1)\n"
    "def stream():\n    yield client.chat.completions.create(model='m')\n"
)
BODY = HEAD.count("\n") + 3


def found(body: str, signature: str = "", **params: object) -> list[int]:
    text = f"{HEAD}@router.post('/a')\ndef handler({signature}):\n    {body}\n"
    return lines(ask("long-work-in-background", {"app/a.py": text}, **params))


@pytest.mark.parametrize(
    "body",
    [
        "mail()",
        "job(1)",
        "wait()",
        "client.chat.completions.create(model='m')",
        "pandas.read_excel('x')",
        "subprocess.run(['ffmpeg', '-i', 'x'])",
        "asyncio.create_task(other())",
        "threading.Thread(target=mail).start()",
    ],
)
def test_long_work_in_the_request_and_loose_tasks_are_found(body: str) -> None:
    assert found(body) == [BODY]


@pytest.mark.parametrize(
    "body",
    [
        "httpx.post('https://x')",
        "job.delay(1)",
        "return StreamingResponse(stream())",
        "client.chat.completions.create(model='m', stream=True)",
        "subprocess.run(['git', 'status'])",
        "time.sleep(1)",
    ],
)
def test_quick_handed_over_and_streamed_work_is_not_found(body: str) -> None:
    assert found(body) == []


def test_work_is_handed_to_the_agreed_runner() -> None:
    later = "later: BackgroundTasks"
    assert found("later.add_task(mail)", later, runners=["backgroundtasks"]) == []
    assert found("later.add_task(mail)", later, runners=["celery"]) == [BODY]
    assert found("job.delay(1)", runners=["backgroundtasks"]) == [BODY]


def test_without_long_work_there_is_no_site() -> None:
    text = "from fastapi import APIRouter\nr = APIRouter()\n@r.get('/')\ndef a(): ...\n"
    assert ask("long-work-in-background", {"app/a.py": text}).state == "not-applicable"
