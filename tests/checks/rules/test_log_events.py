"""Names of log events: what is one, and of which loggers."""

from __future__ import annotations

from tests.checks.projects import ask, lines

HEAD = """import logging
from enum import StrEnum

import structlog

logger = structlog.get_logger(__name__)
plain = logging.getLogger(__name__)
CLOSED = "order.closed"
PROSE = "Order was closed"


class Event(StrEnum):
    CLOSED = "order.closed"


"""


def misnamed(code: str) -> list[int]:
    """Lines of ``log-event-name-format`` below the head, counted from the first of ``code``."""
    found = lines(ask("log-event-name-format", {"app/a.py": HEAD + code}))
    return [line - HEAD.count("\n") for line in found]


def test_constants_are_followed_and_computed_names_are_found() -> None:
    code = """def f(order):
    logger.info(CLOSED)
    logger.info(PROSE)
    logger.info(Event.CLOSED)
    logger.info(f"order.{order}")
    logger.exception("order.failed")
    logger.exception("It failed")
    logger.bind(order=order).info("order closed")
"""
    assert misnamed(code) == [3, 5, 7, 8]


def test_the_level_of_log_is_no_name_and_prose_of_the_standard_library_is_normal() -> None:
    code = """def f(order):
    logger.log(logging.INFO, "order.closed")
    logger.log(logging.INFO, "Order closed")
    plain.info("Order closed")
"""
    assert misnamed(code) == [3]


def test_of_a_wrapper_its_calls_are_judged() -> None:
    code = """def record(event, **fields):
    logger.info(event, **fields)


def f(order):
    record("order.closed", order=order)
    record("Order closed", order=order)
"""
    assert misnamed(code) == [7]
