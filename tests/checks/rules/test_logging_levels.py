"""Levels of log calls: what the text says, and the clause around it."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = """import logging

from fastapi import HTTPException

logger = logging.getLogger(__name__)


"""


def misfits(code: str, **params: object) -> list[int]:
    """Lines of ``log-level-appropriate`` below the head, counted from the first of ``code``."""
    found = lines(ask("log-level-appropriate", {"app/a.py": HEAD + code}, **params))
    return [line - HEAD.count("\n") for line in found]


@pytest.mark.parametrize(
    "text",
    ["error rate", "no errors", "error handler registered", "0 failed", "validation errors",
     "retry after failure", "%d failed", "3 succeeded, %s failed", "skipped due to payment failure",
     "Failed to load, using defaults", "error", "marked as failed",
     "Connection failed, retrying"],
)  # fmt: skip
def test_failure_words_that_tell_of_no_failure(text: str) -> None:
    assert misfits(f"logger.info({text!r}, 1)\n") == []


@pytest.mark.parametrize(
    "text",
    ["mail delivery failed", "order.failed", "payment_failed", "Connection error: %s",
     "Login failed for user %s", "The worker crashed!", "upload failure (%s)"],
)  # fmt: skip
def test_failure_words_that_end_the_text(text: str) -> None:
    assert misfits(f"logger.info({text!r}, 1)\nlogger.debug({text!r})\n") == [1, 2]
    assert misfits(f"logger.error({text!r}, 1)\n") == []


def test_an_error_tells_of_a_failure_or_handles_one() -> None:
    code = """def f(order, error, done):
    logger.error("user %s logged in", order)
    logger.critical("started")
    logger.error("%s", order)
    logger.error(order)
    logger.error("could not connect")
    logger.error("order.rejected", extra={"cause": done.exception()}, exc_info=done.exception())
    logger.error("\\u8fde\\u63a5")
    logger.log(order, "started")
    try:
        order()
    except KeyError:
        logger.error("order gone")


def handle(request, exc: RuntimeError):
    logger.error("on %s", request)
"""
    assert misfits(code.replace("order, error, done", "order, done")) == [2, 3]
    assert misfits(code.replace("order, error, done", "order, done"), levels=["info"]) == []


def test_what_an_except_clause_swallows_is_told_aloud() -> None:
    code = """def f(job):
    try:
        job()
    except KeyError:
        logger.info("lookup failed")
    except RuntimeError:
        logger.debug("trying again", exc_info=True)
    except OSError:
        logger.info("next")
        logger.exception("job failed")
    except ArithmeticError:
        logger.info("cleaning up")
        raise
"""
    assert misfits(code) == [7]


def test_a_warning_before_raising_again_or_answering_500() -> None:
    code = """def f(job, last):
    try:
        job()
    except KeyError:
        logger.warning("a")
        raise
    except RuntimeError as exc:
        logger.warn("b")
        raise HTTPException(status_code=500) from exc
    except OSError as exc:
        if last:
            raise
        logger.warning("c")
    except ArithmeticError as exc:
        logger.warning("d")
        raise HTTPException(404) from exc
    except TypeError:
        if last:
            logger.warning("e")
            return None
        raise


def health(job):
    try:
        job()
    except RuntimeError:
        logger.warning("f")
        raise
"""
    assert misfits(code) == [5, 8]


def test_business_events_are_no_detail() -> None:
    code = """logger.debug("order.created")
logger.debug("Order %s shipped", 1)
logger.debug("Engine created")
logger.info("order.created")
logger.debug("created order")
"""
    assert misfits(code) == [1, 2]
