"""Loggers and log calls."""

from __future__ import annotations

import pytest

from checks.project.logs import LogCall
from tests.checks.projects import parsed


def logged(code: str, **others: str) -> list[LogCall]:
    """The log calls of ``app/a.py``, in order."""
    files = {"app/a.py": code, **{f"app/{name}.py": text for name, text in others.items()}}
    read = parsed(files)
    return list(read.logs.calls(read.by_path["app/a.py"]).values())


def libraries(code: str, **others: str) -> list[str]:
    """Their libraries."""
    return [each.library for each in logged(code, **others)]


@pytest.mark.parametrize(
    ("code", "library"),
    [
        ("import logging\nlog = logging.getLogger('x')\nlog.info('x')\n", "logging"),
        ("import logging\nlogging.warning('x')\n", "logging"),
        ("import logging as lg\nlg.getLogger().info('x')\n", "logging"),
        ("import structlog\nlog = structlog.get_logger()\nlog.info('x')\n", "structlog"),
        ("import structlog\nlog = structlog.get_logger().bind(a=1)\nlog.info('x')\n", "structlog"),
        ("from structlog.stdlib import get_logger\nget_logger().info('x')\n", "structlog"),
        ("from loguru import logger\nlogger.info('x')\n", "loguru"),
        ("from loguru import logger as log\nlog.opt(depth=1).info('x')\n", "loguru"),
        (
            "from celery.utils.log import get_task_logger\nget_task_logger('x').info('x')\n",
            "logging",
        ),
        ("from uvicorn import logger\nlogger.info('x')\n", "logging"),
        ("class A:\n    def f(self): self.logger.info('x')\n", ""),
    ],
)
def test_the_library_of_a_logger_is_known_however_it_was_obtained(code: str, library: str) -> None:
    assert libraries(code) == [library]


@pytest.mark.parametrize(
    "code",
    [
        "import math\nmath.log(1)\n",
        "import numpy as np\nnp.log(1)\n",
        "import warnings\nwarnings.warn('x')\n",
        "response.success('x')\n",
        "def f(retry):\n    retry.outcome.exception()\n",
        "log = load()\nlog.info\n",
        "from app.b import log\nlog.info('x')\n",
    ],
)
def test_calls_that_are_named_like_logging_are_none(code: str) -> None:
    assert libraries(code, b="class Log:\n    def info(self, x): ...\n\n\nlog = Log()\n") == []


def test_loggers_of_other_modules_attributes_and_wrappers_are_followed() -> None:
    code = """from app.log import get_logger, log


class A:
    def __init__(self):
        self.log = get_logger("a")

    def f(self):
        self.log.info("x")
        log.info("x")
"""
    module = (
        "import logging\nimport structlog\n\nlog = logging.getLogger()\n\n\n"
        "def get_logger(name):\n    return structlog.get_logger(name)\n"
    )
    assert libraries(code, log=module) == ["structlog", "logging"]


@pytest.mark.parametrize(
    ("call", "level", "traceback"),
    [
        ("log.debug('x')", 10, False),
        ("log.exception('x')", 40, True),
        ("log.error('x', exc_info=True)", 40, True),
        ("log.error('x', exc_info=exc)", 40, True),
        ("log.error('x', exc_info=False)", 40, False),
        ("log.error('x', exc_info=None)", 40, False),
        ("log.warning('x', stack_info=True)", 30, True),
        ("log.log(logging.CRITICAL, 'x')", 50, False),
        ("log.log('ERROR', 'x')", 40, False),
        ("log.error(traceback.format_exc())", 40, True),
        ("log.error(f'x {traceback.format_exc()}')", 40, True),
        ("log.error(text)", 40, True),
        ("log.opt(exception=True).error('x')", 40, True),
        ("log.opt(exception=False).error('x')", 40, False),
        ("log.bind(a=1).opt(exception=exc).info('x')", 20, True),
    ],
)
def test_level_and_traceback_of_a_call(call: str, level: int, traceback: bool) -> None:
    code = f"""import logging
import traceback

from loguru import logger as log


def f(exc):
    text = traceback.format_exc()
    {call}
"""
    assert [(each.level, each.traceback) for each in logged(code)] == [(level, traceback)]


WRAPPERS = """import logging
from datetime import datetime

log = logging.getLogger(__name__)


def event(name, **fields):
    fields["at"] = datetime.now()
    log.error(name, extra=fields, exc_info=True)


def counted(name):
    log.info(name)
    counter.increase(name)


def constant():
    log.info("x")


def asked(name):
    if not name:
        raise ValueError(name)
    log.info(name)
"""


def test_a_function_that_only_logs_what_it_is_given_is_a_wrapper() -> None:
    code = "from app.log import event, counted, constant, asked\n\n\n"
    found = logged(code + "event('a')\ncounted('b')\nconstant()\nasked('c')\n", log=WRAPPERS)
    assert [(each.call.last, each.level, each.traceback) for each in found] == [("event", 40, True)]
    assert found[0].wrapper is not None


def test_the_logs_of_a_nested_clause_are_not_those_of_the_outer_one() -> None:
    code = """import logging


def f():
    try:
        a()
    except ValueError:
        logging.info("outer")
        try:
            b()
        except KeyError:
            logging.info("inner")
"""
    read = parsed({"app/a.py": code})
    outer, inner = read.by_path["app/a.py"].excepts
    lines = [[each.call.line for each in read.logs.inside(clause)] for clause in (outer, inner)]
    assert lines == [[8], [12]]


def test_only_a_tracker_captures_an_error() -> None:
    code = """import traceback


def f():
    try:
        a()
    except ValueError as exc:
        sentry_sdk.capture_exception(exc)
    try:
        b()
    except ValueError:
        traceback.print_exc()
"""
    read = parsed({"app/a.py": code})
    found = [read.logs.captures(clause) for clause in read.by_path["app/a.py"].excepts]
    assert found == [True, False]
