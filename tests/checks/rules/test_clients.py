"""Traps of the check that asks for clients made on import."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = (
    "import os\nimport httpx\nimport redis.asyncio as redis\nfrom acme import Client, Link, URL\n"
    "class Store(redis.Redis): ...\n"
    "class OAuth2Service: ...\n\n"
    "class Manager: ...\n\n"
    "def make() -> httpx.Client: ...\n\n"
)


@pytest.mark.parametrize(
    "text",
    [
        "store = Store()",
        "login = OAuth2Service()",
        "http = httpx.AsyncClient() if os.name else None",
        "cache = redis.from_url('redis://x')",
        "api = Client()",
        "link = Link('x', token='y')",
        "http: httpx.Client\ndef start():\n    global http\n    http = make()\n",
        "http = None\ndef start():\n    global http\n    http = httpx.Client()\n",
    ],
)
def test_a_client_made_on_import_or_kept_in_a_global_is_found(text: str) -> None:
    assert lines(ask("no-module-level-clients", {"app/x.py": HEAD + text})) == [
        HEAD.count("\n") + 1
    ]


@pytest.mark.parametrize(
    "text",
    [
        "manager = Manager()",
        "http = make()",
        "home = URL(host='x')",
        "count = 0\ndef tick():\n    global count\n    count = 1\n",
        "class Holder:\n    http = httpx.Client()\n",
        "def run():\n    http = httpx.Client()\n    return http\n",
    ],
)
def test_other_values_are_no_clients(text: str) -> None:
    assert ask("no-module-level-clients", {"app/x.py": HEAD + text}).sites == 0
