"""Tasks and coroutines that are lost, and those that only look so."""

from __future__ import annotations

from tests.checks.projects import ask_read, lines


def lost(code: str) -> list[int]:
    """Lines of ``fire-and-forget-tasks`` in one module."""
    return lines(ask_read("fire-and-forget-tasks", {"app/jobs.py": code}))


def test_a_coroutine_that_is_only_called_is_lost_and_one_handed_on_is_not() -> None:
    code = """import asyncio


async def job() -> None:
    await asyncio.sleep(0)


class Mailer:
    async def send(self) -> None:
        await job()


async def start(mailer: Mailer):
    job()
    mailer.send()
    await asyncio.gather(job(), mailer.send())
    await asyncio.wait_for(job(), 3)
    return job()
"""
    assert lost(code) == [14, 15]


def test_a_coroutine_function_behind_a_decorator_may_be_called() -> None:
    code = """from worker import task


@task
async def job() -> None:
    pass


def start() -> None:
    job()
"""
    assert lost(code) == []


def test_a_task_group_keeps_its_tasks() -> None:
    code = """import asyncio


async def start(job):
    async with asyncio.TaskGroup() as group:
        group.create_task(job())
"""
    assert lost(code) == []


def test_a_thread_that_runs_a_coroutine_is_lost_and_another_is_not() -> None:
    code = """import asyncio
import threading


async def job() -> None:
    await asyncio.sleep(0)


def run() -> None:
    asyncio.run(job())


def count() -> None:
    print(1)


def start() -> None:
    threading.Thread(target=run).start()
    threading.Thread(target=asyncio.run, args=(job(),)).start()
    threading.Thread(target=lambda: asyncio.run(job())).start()
    threading.Thread(target=count).start()
"""
    assert lost(code) == [18, 19, 20]
