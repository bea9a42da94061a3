"""Loggers and messages: traps of the definitions."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

STANDARD = "import logging\n\nlogger = logging.getLogger(__name__)\n"


def foreign(files: dict[str, str], *allowed: str) -> list[tuple[str, int]]:
    """Places where ``logger-library`` finds something."""
    outcome = ask("logger-library", files, allowed=list(allowed or ("structlog",)))
    return [(each.path, each.line) for each in outcome.observations]


@pytest.mark.parametrize(
    "code",
    [
        'logging.getLogger("uvicorn").setLevel(logging.WARNING)',
        'logging.getLogger("uvicorn").propagate = False',
        'logging.getLogger("uvicorn").handlers = []',
        'logging.getLogger("uvicorn").handlers.clear()',
        'access = logging.getLogger("uvicorn.access")\naccess.disabled = True',
        'access = logging.getLogger("uvicorn.access")\naccess.addFilter(object())',
    ],
)
def test_a_logger_that_is_only_set_up_is_no_use_of_its_library(code: str) -> None:
    assert foreign({"app/a.py": f"import logging\n\n{code}\n"}) == []


def test_a_logger_that_is_set_up_and_used_is_judged() -> None:
    code = STANDARD + "logger.setLevel(10)\nlogger.info('x')\n"
    assert foreign({"app/a.py": code}) == [("app/a.py", 3)]


def test_an_imported_logger_object_is_judged_though_no_call_is_made_on_it() -> None:
    code = "from loguru import logger\n\n\n@logger.catch\ndef run():\n    return 1\n"
    assert foreign({"app/a.py": code}) == [("app/a.py", 1)]
    files = {
        "app/log.py": "import structlog\n\nlog = structlog.get_logger()\n",
        "app/b.py": "from app.log import log\n",
    }
    assert foreign(files) == []
    assert foreign(files, "logging") == [("app/b.py", 1), ("app/log.py", 3)]


@pytest.mark.parametrize(
    "origin", ["celery.utils.log import get_task_logger", "prefect import get_run_logger"]
)
def test_a_logger_of_a_library_is_one_of_the_standard_library(origin: str) -> None:
    maker = origin.rpartition(" ")[2]
    code = f"from {origin}\n\nlogger = {maker}('x')\nlogger.info('x')\n"
    assert foreign({"app/a.py": code}) == [("app/a.py", 3)]
    assert foreign({"app/a.py": code}, "logging") == []


def test_a_handler_that_hands_records_over_is_no_use_of_a_library() -> None:
    code = """import logging

from loguru import logger


class InterceptHandler(logging.Handler):
    def emit(self, record):
        level = logger.level(record.levelname).name
        logger.opt(exception=record.exc_info).log(level, record.getMessage())


logging.basicConfig(handlers=[InterceptHandler()])
"""
    assert foreign({"app/log.py": code}) == []
    assert foreign({"app/log.py": code.partition("\n\n\nlogging.")[0]}) == []


def test_a_package_that_hands_a_logger_on_does_not_obtain_it() -> None:
    module = "import structlog\n\nlog = structlog.get_logger()\n"
    files = {"app/log/__init__.py": "from app.log.made import log\n", "app/log/made.py": module}
    assert foreign(files, "logging") == [("app/log/made.py", 3)]


def interpolated(code: str, logger: str = STANDARD) -> list[int]:
    """Lines of ``no-interpolated-log-messages`` below the three lines of a logger."""
    return [
        line - 3 for line in lines(ask("no-interpolated-log-messages", {"a.py": logger + code}))
    ]


@pytest.mark.parametrize(
    "message",
    ['f"{x}"', '"%s" % x', '"a" + x', "prefix + x", "MESSAGE % x", '"{}".format(x)', "T.format(x)"],
)
def test_a_message_built_from_values_is_found(message: str) -> None:
    assert interpolated(f"logger.info({message})\n") == [1]


@pytest.mark.parametrize(
    "message", ['f"plain"', '"a" "b"', '"a" + "b"', '"a" + f"b"', "message", "str(x)", '"%s", x']
)
def test_a_constant_message_and_one_built_before_are_not_found(message: str) -> None:
    assert interpolated(f"logger.info({message})\n") == []


def test_the_message_of_log_is_its_second_argument() -> None:
    assert interpolated('logger.log(level, f"{x}")\nlogger.log(f"{x}", "plain")\n') == [1]


def test_of_a_wrapper_the_argument_that_becomes_the_message_is_judged() -> None:
    wrapper = (
        "def tell(kind, message):\n    logger.info(message, extra={'kind': kind})\n\n\n"
        "def failed(reason):\n    logger.info('failed', extra={'reason': reason})\n\n\n"
    )
    calls = 'tell("x", f"{y}")\ntell(f"{x}", "y")\ntell(kind="x", message=f"{y}")\nfailed(f"{z}")\n'
    assert interpolated(wrapper + calls) == [9, 11]


def test_a_function_that_changes_an_object_is_no_wrapper() -> None:
    code = """class Sessions:
    def forget(self, key):
        kept = self.kept.pop(key)
        logger.info("gone", extra={"kept": kept, "key": key})


Sessions().forget(f"{x}")
"""
    assert ask("no-interpolated-log-messages", {"a.py": STANDARD + code}).sites == 1


def test_a_library_whose_loggers_await_makes_those_of_structlog() -> None:
    making = "from rotating import get_logger\n\nlogger = get_logger()\n\n\n"
    files = {
        "app/a.py": f"{making}async def run():\n    await logger.ainfo('x')\n",
        "app/b.py": f"{making}def run():\n    logger.info('x')\n",
        "app/c.py": "from other import get_logger\n\nlogger = get_logger()\nlogger.info('x')\n",
        "app/d.py": STANDARD + "logger.info('x')\n",
    }
    assert foreign(files) == [("app/c.py", 3), ("app/d.py", 3)]
    assert foreign(files, "logging") == [("app/a.py", 3), ("app/b.py", 3)]
