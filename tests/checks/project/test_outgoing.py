"""Which calls make clients, and which leave the process."""

from __future__ import annotations

import pytest

from tests.checks.projects import parsed


def asked(text: str) -> tuple[bool, bool, bool]:
    """Of the last call: makes a client, is a one-shot call, goes out."""
    project = parsed({"app.py": text})
    call = project.by_path["app.py"].calls[-1]
    outgoing = project.outgoing
    return outgoing.makes_client(call), outgoing.is_one_shot(call), outgoing.is_external(call)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("import httpx as h\nh.AsyncClient()\n", (True, False, True)),
        ("from httpx import AsyncClient as C\nC()\n", (True, False, True)),
        ("import httpx\nclass A(httpx.Client): ...\nA()\n", (True, False, True)),
        ("import boto3\nboto3.client('s3')\n", (True, False, True)),
        ("from google.cloud import storage\nstorage.Client()\n", (True, False, True)),
        ("import requests\nrequests.post('x')\n", (False, True, True)),
        ("import httpx\nhttpx.Timeout(1)\n", (False, False, False)),
        ("import redis\nr = redis.Redis()\nr.get('x')\n", (False, False, True)),
        ("import redis\nclass A(redis.Redis): ...\na = A()\na.get('x')\n", (False, False, True)),
        ("class Client: ...\nClient()\n", (False, False, False)),
        ("from fastapi.testclient import TestClient\nTestClient()\n", (False, False, False)),
    ],
)
def test_calls_are_told_by_what_they_resolve_to(text: str, answer: tuple[bool, ...]) -> None:
    assert asked(text) == answer
