"""What configures logging: dicts, files, calls, loguru and structlog."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask_read

LOGS = "import logging\n\nlogging.getLogger(__name__).info('started')\n"


def missing(element: str, code: str, files: dict[str, str] | None = None, **params: object) -> bool:
    """Whether an element is missing from the configuration in app/core/logging.py."""
    paths: dict[str, str | bytes] = {"app/main.py": LOGS, "app/core/logging.py": code}
    paths |= files or {}
    outcome = ask_read("logging-config-elements", paths, elements=[element], **params)
    assert outcome.sites == 1, outcome.reason
    return bool(outcome.observations)


ROTATING = """import logging
from logging.handlers import RotatingFileHandler

BACKUPS = 5
handler = RotatingFileHandler("logs/app.log", maxBytes={size}, backupCount=BACKUPS)
"""


@pytest.mark.parametrize("size", ["10 * 1024 * 1024", "10_000_000", "10485760", "settings.size"])
def test_ten_megabytes_are_written_in_many_ways(size: str) -> None:
    assert not missing("rotating-handler", ROTATING.format(size=size))


def test_other_sizes_and_numbers_of_backups_are_found() -> None:
    assert missing("rotating-handler", ROTATING.format(size="1024"))
    assert missing("rotating-handler", ROTATING.format(size="10485760"), backups=7)
    assert missing("rotating-handler", "import logging\n\nlogging.FileHandler('app.log')\n")
    assert not missing(
        "rotating-handler",
        "from loguru import logger\n\nlogger.add('a.log', rotation='10 MB', retention=5)\n",
    )


DICT = """import logging.config

CONFIG = {
    "version": 1,
    "formatters": {
        "long": {"format": "{asctime} {name} {levelname} {funcName} {lineno}", "style": "{"},
        "json": {"()": "pythonjsonlogger.jsonlogger.JsonFormatter"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "long"},
        "error": {
            "class": "logging.FileHandler",
            "filename": LOGS / "error.log",
            "level": "ERROR",
            "formatter": "json",
        },
    },
    "loggers": {"sqlalchemy.engine": {"level": "INFO"}},
}
logging.config.dictConfig(CONFIG)
"""


@pytest.mark.parametrize(
    "element",
    ["console-formatter", "file-formatter", "json-formatter", "record-fields", "location"],
)
def test_a_dict_provides_elements(element: str) -> None:
    assert not missing(element, DICT)


def test_a_dict_lacks_elements() -> None:
    assert missing("app-log", DICT)
    assert missing("redaction", DICT)
    assert missing("level-by-environment", DICT)


def test_files_are_read_with_anchors_and_references() -> None:
    yaml = """version: 1
formatters: {plain: {format: "%(message)s"}}
handlers:
  app: &file
    class: logging.handlers.RotatingFileHandler
    formatter: plain
    filename: logs/app.log
    maxBytes: 10485760
    backupCount: 5
  error:
    <<: *file
    filename: logs/error.log
    level: ERROR
"""
    files = {"logging_config.yaml": yaml}
    for element in ("app-log", "error-log", "rotating-handler", "file-formatter", "location"):
        assert not missing(element, "", files), element
    assert missing("record-fields", "", files)


@pytest.mark.parametrize(
    "code",
    [
        (
            "import logging\nfrom app.config import settings\n\n"
            "logging.basicConfig(level=settings.log_level)\n"
        ),
        (
            "import logging\nimport os\n\nlevel = os.getenv('LOG_LEVEL', 'INFO')\n"
            "chosen = level.upper()\nlogging.getLogger().setLevel(chosen)\n"
        ),
        (
            "import logging\n\n\ndef setup(debug):\n"
            "    logging.basicConfig(level='DEBUG' if debug else 'INFO')\n"
        ),
    ],
)
def test_levels_that_vary(code: str) -> None:
    assert not missing("level-by-environment", code)
    assert missing("level-by-environment", "import logging\n\nlogging.basicConfig(level='INFO')\n")


def test_a_level_is_followed_into_the_function_that_gives_it() -> None:
    code = """import logging
import os


def level():
    return {value}


logging.basicConfig(level=level())
"""
    assert not missing("level-by-environment", code.format(value="os.getenv('LEVEL')"))
    assert missing("level-by-environment", code.format(value="'INFO'"))


def test_engines_are_heard_by_echo_or_by_level() -> None:
    head = "import logging\n\nfrom sqlalchemy import create_engine\n\n"
    for line in (
        "engine = create_engine('x', echo=settings.debug)\n",
        "logging.getLogger('sqlalchemy.engine').setLevel(logging.INFO)\n",
    ):
        assert not missing("sqlalchemy-debug", head + line)
    assert missing("sqlalchemy-debug", head + "engine = create_engine('x', echo=False)\n")
    quiet = "logging.getLogger('sqlalchemy.engine').setLevel(logging.WARNING)\n"
    assert missing("sqlalchemy-debug", head + quiet)


def test_processors_and_filters_mask_secrets() -> None:
    processor = """def drop(logger, method, event_dict):
    for key in ("password", "token"):
        event_dict.pop(key, None)
    return event_dict
"""
    assert not missing("redaction", processor)
    assert missing("redaction", processor.replace('"password", "token"', '"a", "b"'))


def test_own_json_formatters_and_renderers() -> None:
    own = """import json
import logging


class Lines(logging.Formatter):
    def format(self, record):
        return json.dumps({"message": record.getMessage()})
"""
    assert not missing("json-formatter", own)
    assert missing("json-formatter", own.replace("json.dumps", "str"))
    assert not missing(
        "json-formatter", "from loguru import logger\n\nlogger.add('a', serialize=True)\n"
    )


def test_without_log_calls_nothing_is_asked() -> None:
    outcome = ask_read("logging-config-elements", {"app/main.py": "print(1)\n"})
    assert outcome.state == "not-applicable"
