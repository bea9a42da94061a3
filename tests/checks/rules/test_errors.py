"""What is caught, and what happens to it: traps of the definitions."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, ask_read, lines

LOGGER = "import logging\n\nlogger = logging.getLogger(__name__)\n\n\n"


def broad(code: str) -> list[int]:
    """Lines where ``no-broad-except`` finds something in one module."""
    return lines(ask("no-broad-except", {"app/a.py": LOGGER + code}))


@pytest.mark.parametrize("test", ["True", "1", "self.running", "not self.stopping.is_set()"])
def test_the_loop_of_a_worker_may_log_without_traceback(test: str) -> None:
    code = f"""def run(self):
    while {test}:
        try:
            work()
        except Exception as exc:
            logger.error("work failed: %s", exc)
"""
    assert broad(code) == []


@pytest.mark.parametrize("test", ["items", "attempts < 3", "not queue.empty()"])
def test_a_loop_that_ends_by_itself_is_no_loop_of_a_worker(test: str) -> None:
    code = f"""def run(self):
    while {test}:
        try:
            work()
        except Exception as exc:
            logger.error("work failed: %s", exc)
"""
    assert broad(code) == [10]


def test_a_clause_that_leaves_the_endless_loop_swallows_the_error() -> None:
    code = """def pages():
    while True:
        try:
            fetch()
        except Exception as exc:
            logger.error("fetch failed: %s", exc)
            break
"""
    assert broad(code) == [10]


def test_a_loop_over_items_inside_the_endless_loop_is_judged() -> None:
    code = """def run():
    while True:
        for item in items():
            try:
                item()
            except Exception as exc:
                logger.error("item failed: %s", exc)
"""
    assert broad(code) == [11]


def test_a_printed_traceback_is_not_logged() -> None:
    code = """import traceback

def run():
    try:
        work()
    except Exception:
        traceback.print_exc()
"""
    assert broad(code) == [11]


def test_a_formatted_traceback_in_the_message_is_logged() -> None:
    code = """import traceback

def run():
    try:
        work()
    except Exception:
        logger.error("failed: %s", traceback.format_exc())
"""
    assert broad(code) == []


def test_an_exception_handler_registered_by_a_call_may_log_without_traceback() -> None:
    files = {
        "app/handlers.py": LOGGER
        + """async def on_error(request, exc):
    try:
        tell()
    except Exception as fault:
        logger.error("telling failed: %s", fault)
""",
        "app/main.py": """from fastapi import FastAPI

from app.handlers import on_error

app = FastAPI()
app.add_exception_handler(ValueError, on_error)
""",
    }
    assert lines(ask("no-broad-except", files)) == []
    del files["app/main.py"]
    assert lines(ask("no-broad-except", files)) == [9]


def test_a_middleware_function_may_log_without_traceback() -> None:
    code = """async def measure(request, call_next):
    try:
        return await call_next(request)
    except Exception as exc:
        logger.error("failed: %s", exc)
"""
    assert broad(code) == []


def chained(code: str) -> tuple[int, list[int]]:
    """Sites and lines of ``exception-chaining`` in one module."""
    outcome = ask_read("exception-chaining", {"app/a.py": code})
    return outcome.sites, lines(outcome)


def test_an_exception_made_before_the_clause_is_a_new_one() -> None:
    code = """def user(token):
    unauthorised = HTTPException(401)
    try:
        return decode(token)
    except ValueError:
        raise unauthorised
"""
    assert chained(code) == (1, [6])


@pytest.mark.parametrize(
    "text",
    [
        "raise exc",
        "raise outer",
        "raise kept",
        "raise given",
        "raise exc.with_traceback(None)",
        "raise self.retry(exc=exc)",
    ],
)
def test_an_exception_at_hand_is_raised_again_and_is_no_site(text: str) -> None:
    code = f"""def work(self, given):
    try:
        one()
    except ValueError as outer:
        kept = outer
        try:
            two()
        except KeyError as exc:
            {text}
"""
    assert chained(code) == (0, [])


def test_a_new_exception_with_a_traceback_still_needs_a_cause() -> None:
    code = """def work(tb):
    try:
        one()
    except ValueError:
        raise RuntimeError("x").with_traceback(tb)
"""
    assert chained(code) == (1, [5])


def test_a_raise_in_a_function_inside_the_clause_is_no_site() -> None:
    code = """def work():
    try:
        one()
    except ValueError:
        def fail():
            raise RuntimeError("x")
        return fail
"""
    assert chained(code) == (0, [])
