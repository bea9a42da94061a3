"""Fixtures that hand real parts to tests: a database server, a broker, a browser."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import django
import psycopg
import pytest
import redis
from hypothesis import HealthCheck, settings
from psycopg import sql

from dashboard.config import Config
from tests import services

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# Before Django's settings are read: nothing that the person has set for their own instance, in
# the shell or in a .env file, reaches the tests; they have a database and a home of their own.
Config.model_config["env_file"] = None
for _name in Config.model_fields:
    os.environ.pop(_name.upper(), None)
RUN = services.begin()
os.environ["DJANGO_SETTINGS_MODULE"] = "dashboard.settings"
django.setup()
# A loaded machine is no fault of what is tested: time is measured by benchmarks.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_unconfigure() -> None:
    """Leave no server behind."""
    services.end()


@pytest.fixture(scope="session")
def postgresql() -> str:
    """Address of a running PostgreSQL, ending in a slash: append the name of a database."""
    return RUN.postgresql()


@pytest.fixture
def new_database(postgresql: str) -> Iterator[Callable[[], str]]:
    """Return a function that makes an empty PostgreSQL database and returns its URL.

    For tests that start servers and workers as processes; tests of models and views use
    pytest-django's ``db``, which is PostgreSQL as well.
    """
    names: list[str] = []

    def make() -> str:
        name = f"fresh_{uuid.uuid4().hex}"
        with psycopg.connect(postgresql + "postgres", autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        names.append(name)
        return postgresql + name

    yield make
    with psycopg.connect(postgresql + "postgres", autocommit=True) as connection:
        for name in names:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            connection.execute(drop)


@pytest.fixture
def redis_url() -> str:
    """URL of a running Redis, append-only and never evicting: this worker's database, emptied."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    url = RUN.redis(int(worker.removeprefix("gw")) % 64)
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    request: pytest.FixtureRequest, django_db_modify_db_settings_parallel_suffix: None
) -> None:
    """Start PostgreSQL before the first test that touches the database, not earlier."""
    if services.on_postgresql():
        request.getfixturevalue("postgresql")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return a headless Chromium, the one the distribution ships."""
    from playwright.sync_api import sync_playwright

    # Playwright runs an event loop in this thread, in which Django refuses its own database calls.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    names = ("chromium", "chromium-browser", "google-chrome")
    chromium = next(filter(None, map(shutil.which, names)), None)
    if chromium is None:
        raise services.ServiceError("Chromium is not installed: `make test` installs it on Debian")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        yield running
        running.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Return an empty page without cookies that fails the test when a script raises on it."""
    faults: list[str] = []
    context = browser.new_context()
    opened = context.new_page()
    opened.on("pageerror", lambda error: faults.append(str(error)))
    yield opened
    context.close()
    assert not faults, f"scripts failed on the page: {faults}"
