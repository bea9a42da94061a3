"""Which layer logs: what is a business event, and what a service leaves in the log."""

from __future__ import annotations

from tests.checks.projects import ask, lines

ROUTES = """import structlog
from fastapi import FastAPI, Request

app = FastAPI()
log = structlog.get_logger(__name__)


@app.get("/orders")
async def orders(level: int) -> list[str]:
    log.log(level, "listed")
    log.warning("orders are slow")
    try:
        return []
    except KeyError:
        log.info("order.missing")
        return []


@app.post("/orders")
async def create() -> None:
    structlog.contextvars.bind_contextvars(user=1)
    log.error("order.failed")
    log.info("created")


@app.middleware("http")
async def timed(request: Request, call_next):
    log.info("request.done")
    return await call_next(request)
"""
SERVICE = """import structlog

from app.events import events, log_event, logged

logger = structlog.get_logger(__name__)


class OrderService:
"""


def silent(code: str, **params: object) -> list[int]:
    """Lines of ``services-log-events`` below the head, counted from the first of ``code``."""
    body = "".join(f"    {line}\n" if line else "\n" for line in code.splitlines())
    files = {
        "app/services/orders.py": SERVICE + body,
        "app/events.py": """import functools
import logging

logger = logging.getLogger(__name__)


def logged(function):
    @functools.wraps(function)
    async def inner(*args):
        logger.info("called %s", function.__name__)
        return await function(*args)

    return inner


def log_event(name):
    logger.info(name)


class Events:
    def publish(self, name):
        self.handlers.append(name)


events = Events()
""",
    }
    found = lines(ask("services-log-events", files, **params))
    return [line - SERVICE.count("\n") for line in found]


def test_a_route_may_warn_and_may_log_what_it_catches() -> None:
    outcome = ask("layer-logging", {"app/main.py": ROUTES}, layer="routes")
    assert (outcome.sites, lines(outcome)) == (2, [22])


def test_every_function_of_a_repository_is_asked() -> None:
    code = """import logging


def make_log():
    return logging.getLogger(__name__)


class UserRepository:
    def one(self):
        logging.getLogger(__name__).debug("read")

    def two(self):
        create_engine(echo=True)


class Other:
    def three(self):
        logging.getLogger(__name__).debug("read")
"""
    outcome = ask("layer-logging", {"app/storage.py": code})
    assert (outcome.sites, lines(outcome)) == (2, [10])


def test_without_a_logger_no_layer_is_asked() -> None:
    outcome = ask("layer-logging", {"app/repositories/a.py": "def f():\n    return 1\n"})
    assert outcome.state == "not-applicable"


def test_changes_are_told_by_name_by_commit_and_by_the_repository() -> None:
    code = """def create(self): ...
def get_all(self):
    return self.repo.all()
def close(self, repo, order):
    repo.delete(order)
def get(self, repo):
    return repo.create_view()
def settle(self, session):
    session.commit()
def address(self):
    return self.street
def _create(self):
    return 1
def removed(self):
    return 1
"""
    assert silent(code) == [4, 8]


def test_a_service_logs_itself_or_through_others() -> None:
    code = """def create(self):
    logger.warning("made")
@logged
async def create_two(self):
    return 2
def add(self):
    events.publish("order.added")
def delete(self):
    log_event("order.deleted")
def remove(self):
    return self.delete()
def cancel(self):
    self.audit.info("cancelled")
def update(self):
    return self.get()
"""
    assert silent(code) == [14]
    assert 1 in silent(code, level="info")
    assert 8 not in silent(code, level="info")


def test_a_constructor_under_another_name_changes_nothing() -> None:
    made = "@classmethod\ndef create(cls, rows) -> {}:\n    return cls(rows)\n"
    assert silent(made.format("'OrderService'")) == []
    assert silent(made.format("Order")) == [2]
    kept = (
        "@classmethod\ndef create(cls, db) -> 'OrderService':\n    db.commit()\n    return cls()\n"
    )
    assert silent(kept) == [2]
