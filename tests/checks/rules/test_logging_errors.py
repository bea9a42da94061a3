"""What a caught exception leaves in the log: traps of the definition."""

from __future__ import annotations

import pytest

from checks.model import Outcome
from tests.checks.projects import ask, lines

HEAD = "import logging\n\nlogger = logging.getLogger(__name__)\n\n\n"


def judged(body: str, caught: str = "RuntimeError as exc", head: str = "", **params: object) -> str:
    """``skip``, ``holds`` or ``fails`` of one clause with this body."""
    indented = "\n".join(f"        {line}" for line in body.splitlines())
    code = f"{HEAD}{head}\ndef run(self):\n    try:\n        work()\n    except {caught}:\n"
    code += f"{indented}\n"
    outcome: Outcome = ask("except-logs-traceback", {"app/a.py": code}, **params)
    if not outcome.sites:
        return "skip"
    return "fails" if outcome.observations else "holds"


@pytest.mark.parametrize(
    "caught",
    [
        "email_validator.EmailNotValidError",
        "jwt.ExpiredSignatureError",
        "elasticsearch.NotFoundError",
        "json.JSONDecodeError",
        "(KeyError, ValueError)",
        "binascii.Error",
    ],
)
def test_an_expected_class_may_be_logged_as_a_warning(caught: str) -> None:
    imports = "import binascii, elasticsearch, email_validator, json, jwt\n"
    assert judged("logger.warning('x')", f"{caught} as exc", imports) == "holds"
    assert judged("logger.error('x')", f"{caught} as exc", imports) == "fails"
    assert judged("return None", caught, imports) == "holds"


@pytest.mark.parametrize(
    "caught", ["sqlite3.Error", "ConnectionError", "httpx.HTTPError", "Exception"]
)
def test_a_failure_from_outside_must_be_logged(caught: str) -> None:
    assert judged("return None", caught, "import httpx, sqlite3\n") == "fails"


def test_other_unexpected_classes_need_no_log_but_a_traceback_when_they_have_one() -> None:
    assert judged("return None") == "holds"
    assert judged("logger.info('x')") == "fails"


def test_classes_in_a_constant_are_those_of_its_tuple() -> None:
    head = "FAILURES = (ConnectionError, OSError)\nALL = (KeyError, *FAILURES)\n"
    assert judged("return None", "ALL", head) == "fails"
    assert judged("return None", "ALL", "ALL = (KeyError, ValueError)\n") == "holds"


def test_of_classes_in_a_parameter_nothing_is_known() -> None:
    code = (
        HEAD
        + """def retry(errors):
    try:
        work()
    except errors as exc:
        logger.warning("again: %s", exc)
"""
    )
    assert lines(ask("except-logs-traceback", {"app/a.py": code})) == []


@pytest.mark.parametrize(
    "body",
    [
        "return exc",
        "self.error = exc",
        "return Failure(exc)",
        "self.failures.append((1, exc))",
        "future.set_exception(exc)",
        "sys.exit(1)",
        "logger.error('x')\nself.retry(exc=exc)",
        "fail(exc)",
        "return give_up()",
    ],
)
def test_an_exception_that_goes_on_is_no_site(body: str) -> None:
    head = """import sys
from typing import NoReturn


def fail(exc):
    logger.error("x")
    raise ValueError("x") from exc


def give_up() -> NoReturn:
    sys.exit(1)

"""
    assert judged(body, "Exception as exc", head) == "skip"


@pytest.mark.parametrize(
    "body", ["return str(exc)", "text = f'{exc}'", "if x:\n    sys.exit(1)", "job.fail(str(exc))"]
)
def test_only_the_text_goes_on_or_only_sometimes(body: str) -> None:
    assert judged(body, "Exception as exc", "import sys\n") == "fails"


def test_a_traceback_in_a_variable_is_logged() -> None:
    body = "text = traceback.format_exc()\nlogger.error(text)"
    assert judged(body, "Exception", "import traceback\n") == "holds"


def test_a_helper_is_followed_one_level() -> None:
    head = """def tell(exc):
    logger.error("x", exc_info=exc)


def note(exc):
    logger.error("x")


def other():
    try:
        work()
    except ValueError:
        logger.exception("other")

"""
    assert judged("tell(exc)", head=head) == "holds"
    assert judged("note(exc)", head=head) == "fails"
    assert judged("other()", "Exception as exc", head) == "fails"


def test_the_logs_of_a_nested_clause_are_its_own() -> None:
    body = "try:\n    undo()\nexcept KeyError:\n    logger.exception('undo')"
    assert judged(body, "Exception") == "fails"


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        ("logger.exception('x')", "holds"),
        ("logger.error('x')\nlogger.exception('y')", "holds"),
        ("logger.warning('x')", "holds"),
        ("logger.error('x')", "fails"),
        ("logger.error('x', exc_info=True)", "fails"),
        ("logger.warning('x', exc_info=True)", "fails"),
    ],
)
def test_the_traceback_is_logged_by_exception_in_that_style(body: str, verdict: str) -> None:
    assert judged(body, style="exception-method") == verdict
