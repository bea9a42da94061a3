"""The parts that tests are given are real, and nothing of them is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
import redis
from django.db import connection

from tests import services

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_postgresql_answers_and_refuses_what_sqlite_would_take(
    new_database: Callable[[], str],
) -> None:
    with psycopg.connect(new_database()) as database:
        row = database.execute("SELECT version()").fetchone()
        assert row is not None
        assert row[0].startswith("PostgreSQL")
        with pytest.raises(psycopg.DataError):
            database.execute("SELECT %s::text", ["a\x00b"])


def test_each_new_database_is_empty_and_its_own(new_database: Callable[[], str]) -> None:
    first, second = new_database(), new_database()
    with psycopg.connect(first) as database:
        database.execute("CREATE TABLE mark (id int)")
    with psycopg.connect(second) as database:
        row = database.execute("SELECT to_regclass('mark')").fetchone()
    assert row == (None,)


def test_redis_keeps_messages_on_disk_and_never_evicts(redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    assert client.config_get("appendonly") == {"appendonly": "yes"}
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    client.close()


def test_servers_listen_on_loopback_only(postgresql: str, redis_url: str) -> None:
    assert f"@{services.LOOPBACK}:" in postgresql
    client = redis.Redis.from_url(redis_url)
    assert client.config_get("bind") == {"bind": services.LOOPBACK}
    client.close()
    with psycopg.connect(postgresql + "postgres") as database:
        assert database.execute("SHOW listen_addresses").fetchone() == (services.LOOPBACK,)


@pytest.mark.django_db
def test_models_are_tested_on_postgresql() -> None:
    assert connection.vendor == ("postgresql" if services.on_postgresql() else "sqlite")


@pytest.mark.browser
def test_chromium_renders_a_page_and_runs_its_script(page: Page) -> None:
    page.set_content("<h1></h1><script>document.querySelector('h1').textContent = 6 * 7</script>")
    assert page.inner_text("h1") == "42"


RUN_AND_DIE = """
import os, sys
from tests import services
run = services.begin()
print(run.directory, run.redis(), (run.directory / "redis.pid").read_text(), flush=True)
sys.stdin.read()
"""


def test_servers_end_with_a_run_that_is_killed() -> None:
    environment = {name: value for name, value in os.environ.items() if name != services.DIRECTORY}
    run = subprocess.Popen(
        [sys.executable, "-c", RUN_AND_DIE],
        cwd=services.ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert run.stdin is not None
    assert run.stdout is not None
    directory, url, pid = run.stdout.readline().decode().split()
    assert redis.Redis.from_url(url).ping()

    run.send_signal(signal.SIGKILL)
    run.communicate()

    deadline = time.monotonic() + services.PATIENCE
    while Path(directory).exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(directory).exists()
    assert not services.running(int(pid))
