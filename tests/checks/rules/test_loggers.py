"""Loggers of modules: which ones are the module's own."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines


def foreign(code: str, path: str = "app/orders.py", **params: object) -> list[int]:
    """Lines of ``module-logger-by-name`` in one module."""
    return lines(ask("module-logger-by-name", {path: code}, **params))


@pytest.mark.parametrize(
    "logger",
    [
        "logger = logging.getLogger(__name__)",
        "logger: logging.Logger = logging.getLogger(__name__)",
        "logger = logging.getLogger(name=__name__)",
        "audit = logging.getLogger(__name__)\nlogger = audit",
    ],
)
def test_a_logger_of_the_module_by_its_name_is_its_own(logger: str) -> None:
    assert foreign(f"import logging\n\n{logger}\n\n\ndef f():\n    logger.info('a')\n") == []


def test_the_finding_stands_where_the_logger_is_made_or_first_used() -> None:
    literal = (
        "import logging\n\nlogger = logging.getLogger('app')\n\n\ndef f():\n    logger.info('a')\n"
    )
    body = "logger = logging.getLogger(__name__)\n    logger.info('a')\n"
    inside = f"import logging\n\n\ndef f():\n    {body}"
    assert foreign(literal) == [3]
    assert foreign(inside) == [5]
    assert foreign("from loguru import logger\n\n\ndef f():\n    logger.info('a')\n") == [5]


def test_calls_of_the_root_logger_are_found_beside_an_own_logger() -> None:
    code = """import logging

logger = logging.getLogger(__name__)


def f():
    logger.info("a")
    logging.info("b")
"""
    assert foreign(code) == [8]


def test_a_bound_logger_is_followed_to_the_module() -> None:
    code = """import structlog

logger = structlog.get_logger(__name__)
orders = logger.bind(area="orders")


def f(order):
    log = logger.bind(order=order)
    log.info("a")
    logger.bind(order=order).info("b")
    orders.info("c")
"""
    assert foreign(code, factory="structlog.get_logger") == []


def test_a_logger_that_is_passed_in_and_the_configuration_are_not_judged() -> None:
    assert foreign("def f(logger):\n    logger.info('a')\n") == []
    code = "import logging\n\nlogging.basicConfig()\nlogging.info('a')\n"
    assert foreign(code) == []
    assert foreign("import logging\n\nlogging.info('a')\n", path="app/main.py") == []
