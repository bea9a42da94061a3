"""Traps of the checks on start-up and shutdown."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, ask_read, lines

APP = "from fastapi import FastAPI\napp = FastAPI()\n"


def events(text: str) -> list[int]:
    return lines(ask("lifespan-events", {"app/main.py": text}))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"{APP}@app.on_event('shutdown')\ndef stop(): ...\n", 4),
        (f"{APP}app.add_event_handler('startup', print)\n", 3),
        ("from fastapi import FastAPI\napp = FastAPI(\n    on_startup=[print],\n)\n", 3),
        (f"{APP}app.router.on_shutdown.append(print)\n", 3),
        ("from fastapi import FastAPI\nimport redis\nr = redis.Redis()\napp = FastAPI()\n", 4),
    ],
)
def test_hooks_and_resources_without_a_lifespan_are_found(text: str, line: int) -> None:
    assert events(text) == [line]


@pytest.mark.parametrize(
    "text",
    [
        APP,
        (
            f"import socketio\n{APP}sio = socketio.AsyncServer()\n"
            "@sio.on_event('startup')\ndef start(): ...\n"
        ),
        f"from sqlalchemy import create_engine\n{APP}engine = create_engine('x')\n",
        f"import httpx\n{APP}def call():\n    with httpx.Client() as c:\n        c.get('x')\n",
        (
            "from fastapi import FastAPI\nimport redis\nfrom .life import life\n"
            "r = redis.Redis()\napp = FastAPI(lifespan=life)\n"
        ),
    ],
)
def test_an_application_without_work_at_its_start_needs_no_lifespan(text: str) -> None:
    assert events(text) == []


LIFE = (
    "from contextlib import AsyncExitStack, asynccontextmanager\nfrom fastapi import FastAPI\n"
    "import httpx\nfrom app.db import close_engine, client\n"
    "@asynccontextmanager\nasync def lifespan(app: FastAPI):\n"
)
DB = (
    "import httpx\nfrom sqlalchemy import create_engine\n"
    "def make(url):\n    return create_engine(url)\n"
    "engine = make('x')\nclient = httpx.AsyncClient()\n"
    "async def close_engine():\n    engine.dispose()\n"
)


def shutdown(body: str, db: str = DB) -> list[int]:
    text = f"{LIFE}{body}app = FastAPI(lifespan=lifespan)\n"
    return lines(ask("graceful-shutdown", {"app/main.py": text, "app/db.py": db}))


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("    yield\n", [5, 6]),
        ("    yield\n    await close_engine()\n", [6]),
        ("    yield\n    await close_engine()\n    await client.aclose()\n", []),
        (
            ("    async with AsyncExitStack() as stack:\n"
            "        stack.push_async_callback(close_engine)\n"
            "        stack.push_async_callback(client.aclose)\n        yield\n"),
            [5],
        ),
        (
            ("    await close_engine()\n    async with client:\n"
            "        async with httpx.AsyncClient() as c:\n            app.state.c = c\n"
            "            yield\n"),
            [],
        ),
        (
            ("    app.state.http = httpx.AsyncClient()\n    yield\n"
            "    await app.state.http.aclose()\n    await client.aclose()\n"
                "    await close_engine()\n"),
            [],
        ),
    ],
)  # fmt: skip
def test_what_lives_long_has_to_be_closed_by_the_lifespan(body: str, found: list[int]) -> None:
    assert shutdown(body) == found


def test_a_background_task_of_the_lifespan_is_cancelled_at_its_end() -> None:
    head = "    import asyncio\n    task = asyncio.create_task(work())\n    yield\n"
    assert shutdown(head, "") == [8]
    assert shutdown(f"{head}    task.cancel()\n", "") == []


def test_tasks_of_a_list_are_cancelled_in_a_loop() -> None:
    head = "    import asyncio\n    tasks = (asyncio.create_task(work()),)\n    yield\n"
    assert shutdown(head, "") == [8]
    assert shutdown(f"{head}    for task in tasks:\n        task.cancel()\n", "") == []


def test_what_a_function_closes_and_forgets_is_closed() -> None:
    forgets = (
        "async def close_engine():\n    global engine\n    engine.dispose()\n    engine = None\n"
    )
    db = DB.partition("async def")[0].replace("client = httpx.AsyncClient()\n", "") + forgets
    assert shutdown("    yield\n    await close_engine()\n", db) == []


def test_resources_of_workers_and_other_frameworks_are_no_sites() -> None:
    engine = "from sqlalchemy import create_engine\nengine = create_engine('x')\n"
    assert lines(ask("graceful-shutdown", {"app/main.py": APP, "app/celery_app.py": engine})) == []
    assert ask("graceful-shutdown", {"app/db.py": engine}).state == "not-applicable"


@pytest.mark.parametrize(
    ("recipe", "found"),
    [
        ('CMD ["uvicorn", "app:app"]', []),
        ("CMD uvicorn app:app", [2]),
        ("CMD exec uvicorn app:app", []),
        ('CMD ["sh", "-c", "alembic upgrade head && uvicorn app:app"]', [2]),
        ('CMD ["sh", "-c", "alembic upgrade head && exec uvicorn app:app"]', []),
        ('ENTRYPOINT ["tini", "--"]\nCMD uvicorn app:app', []),
        ("ENTRYPOINT gunicorn app:app", [2]),
        ("CMD celery -A app worker", []),
        ("HEALTHCHECK CMD python -c 'pass'", []),
    ],
)
def test_a_server_has_to_be_started_so_that_signals_reach_it(recipe: str, found: list[int]) -> None:
    outcome = ask_read("graceful-shutdown", {"Dockerfile": f"FROM python:3.13\n{recipe}\n"})
    assert lines(outcome) == found
