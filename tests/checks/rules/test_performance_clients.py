"""Traps of the checks on HTTP clients."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = (
    "import functools, boto3, httpx, requests\nfrom fastapi import APIRouter, Depends, FastAPI\n"
    "router = APIRouter()\n"
)


def reused(text: str, **more: str) -> list[int]:
    """Lines that the check of reused clients finds; the text begins in line 4."""
    return lines(ask("http-client-reused", {"app/web.py": HEAD + text, **more}))


@pytest.mark.parametrize(
    "text",
    [
        "client = httpx.Client()\n",
        ("async def lifespan(app):\n    async with httpx.AsyncClient() as c:\n        yield c\n"
        "app = FastAPI(lifespan=lifespan)\n"),
        ("@functools.lru_cache\ndef get_client():\n    return httpx.AsyncClient()\n"
        "@router.get('/')\ndef f(c=Depends(get_client)): ...\n"),
        ("_clients = {}\ndef get_client(key):\n    c = httpx.AsyncClient()\n    _clients[key] = c\n"
        "    return c\n"),
        "def make():\n    return boto3.client('s3')\n_c = make()\n",
        "class Api:\n    def __init__(self):\n        self.s = requests.Session()\napi = Api()\n",
        "class Api:\n    async def start(self):\n        self.c = httpx.AsyncClient()\n",
        "def fetch():\n    return httpx.get('x')\ndef main():\n    fetch()\n",
        "def fetch():\n    return httpx.get('x')\nscheduler.add_job(fetch)\n",
        ("class Api:\n    def __init__(self, c): ...\ndef make():\n    c = httpx.Client()\n"
        "    return Api(c)\ndef get():\n    global api\n    api = make()\n    return api\n"),
    ],
)  # fmt: skip
def test_what_is_made_once_or_by_workers_holds(text: str) -> None:
    assert reused(text) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (("async def get():\n    async with httpx.AsyncClient() as c:\n        yield c\n"
         "@router.get('/')\ndef f(c=Depends(get)): ...\n"), 5),
        (("class Api:\n    def __init__(self):\n        self.s = requests.Session()\n"
         "@router.get('/')\ndef f(c: Api = Depends()): ...\n"), 6),
        (("class Api:\n    def __init__(self):\n        self.s = requests.Session()\n"
         "@router.get('/')\ndef f():\n    return Api().s\n"), 6),
        ("@router.get('/')\ndef f():\n    return requests.get('x').text\n", 6),
        ("def make():\n    return httpx.Client()\n@router.get('/')\ndef f():\n    return make()\n",
         5),
    ],
)  # fmt: skip
def test_what_is_made_for_every_request_is_found(text: str, line: int) -> None:
    assert reused(text) == [line]


def test_a_helper_of_tasks_alone_may_make_its_client() -> None:
    helper = "import httpx\ndef load():\n    return httpx.get('x')\n"
    tasks = "from app.http import load\ndef refresh():\n    return load()\n"
    files = {"app/http.py": helper, "app/tasks/rates.py": tasks}
    assert lines(ask("http-client-reused", files)) == []
    route = "from app.http import load\n@router.get('/')\ndef f():\n    return load()\n"
    assert lines(ask("http-client-reused", {**files, "app/web.py": HEAD + route})) == [3]
