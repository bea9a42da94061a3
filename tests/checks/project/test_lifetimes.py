"""What runs once, and what runs for every request."""

from __future__ import annotations

import pytest

from tests.checks.projects import parsed

HEAD = "from fastapi import APIRouter, Depends, FastAPI\nrouter = APIRouter()\ndef work(): ...\n"


def runs_per_request(text: str, path: str = "app/web.py") -> bool:
    """Whether ``work`` runs for every request."""
    project = parsed({path: HEAD + text})
    return project.lifetimes.per_request(project.by_path[path].functions[0])


@pytest.mark.parametrize(
    "text",
    [
        "@router.get('/')\ndef f():\n    work()\n",
        "@router.get('/')\ndef f(x=Depends(work)): ...\n",
        (
            "def step():\n    work()\ndef provide():\n    step()\n"
            "@router.get('/')\ndef f(x=Depends(provide)): ...\n"
        ),
        "@router.get('/')\ndef f(tasks):\n    tasks.add_task(work)\n",
        "@router.get('/')\ndef f():\n    def inner():\n        work()\n    inner()\n",
        "",
    ],
)
def test_what_a_request_leads_to_runs_per_request(text: str) -> None:
    assert runs_per_request(text)


@pytest.mark.parametrize(
    "text",
    [
        "work()\n",
        "async def lifespan(app):\n    work()\n    yield\napp = FastAPI(lifespan=lifespan)\n",
        "app = FastAPI(on_startup=[work])\n",
        "def create_app():\n    work()\n    return FastAPI()\n",
        "@app.on_event('startup')\ndef start():\n    work()\n",
        "@celery.task\ndef job():\n    work()\n",
        "@scheduler.scheduled_job('cron')\ndef job():\n    work()\n",
        "scheduler.add_job(work)\n",
        "class WorkerSettings:\n    functions = [work]\n",
        (
            "from functools import lru_cache\n@lru_cache\ndef get():\n    return work()\n"
            "@router.get('/')\ndef f(x=Depends(get)): ...\n"
        ),
    ],
)
def test_what_runs_at_start_in_jobs_or_cached_does_not(text: str) -> None:
    assert not runs_per_request(text)


def test_what_nobody_calls_is_told_by_its_place() -> None:
    assert not runs_per_request("", path="app/tasks/rates.py")


def test_functions_that_call_one_another_end() -> None:
    assert not runs_per_request("def a():\n    b()\n    work()\ndef b():\n    a()\n")
