"""Context of log calls: what counts as a field, and what gives it to all."""

from __future__ import annotations

from tests.checks.projects import ask, lines

STANDARD = """import logging

logger = logging.getLogger(__name__)


"""
STRUCTURED = """import structlog

logger = structlog.get_logger(__name__)


"""


def bare(code: str, files: dict[str, str] | None = None, **params: object) -> list[int]:
    """Lines of ``log-call-context`` in a file."""
    return lines(ask("log-call-context", {"app/a.py": code, **(files or {})}, **params))


def test_fields_arguments_and_tracebacks_are_told_apart() -> None:
    code = """def f(order):
    logger.info("a %s", order)
    logger.info("a", extra={"order": 1})
    logger.info(f"a {order}")
    logger.error("a", exc_info=True, stacklevel=2)
    logger.exception("a")
    logger.debug("a")
    logger.log(order, "a")
    logger.log(logging.INFO, "a")
    logger.warning("a %s" % order)
    logger.error(*order)
"""
    assert [line - 5 for line in bare(STANDARD + code)] == [4, 5, 9, 10]
    assert [line - 5 for line in bare(STANDARD + code, levels=["debug"])] == [7]


def test_a_bound_logger_has_context() -> None:
    code = """class A:
    def __init__(self, name):
        self.log = logger.bind(name=name)

    def f(self):
        self.log.info("a")
        log = logger.bind(x=1)
        log.info("b")
        logger.bind(x=1).info("c")
        logger.bind().info("d")


def g(order):
    structlog.contextvars.bind_contextvars(order=order)
    logger.info("e")
"""
    assert [line - 5 for line in bare(STRUCTURED + code)] == [10]


def test_processors_and_filters_give_context_to_the_records_of_their_library() -> None:
    code = STRUCTURED + "def f():\n    logger.info('a')\n"
    other = STANDARD + "def f():\n    logger.info('a')\n"
    merged = "import structlog\n\nP = [structlog.contextvars.merge_contextvars]\n"
    bound = merged + "\n\ndef g():\n    structlog.contextvars.bind_contextvars(a=1)\n"
    assert bare(code, {"app/log.py": merged, "app/b.py": other}) == [7, 7]
    assert bare(code, {"app/log.py": bound, "app/b.py": other}) == [7]
    filtered = """import contextvars
import logging

current = contextvars.ContextVar("current")


class Ids(logging.Filter):
    def filter(self, record):
        record.current = current.get()
        return True
"""
    assert bare(other, {"app/ids.py": filtered}) == []
    assert bare(other, {"app/ids.py": filtered.replace("current.get()", "1")}) == [7]


def test_start_up_needs_no_context() -> None:
    main = (
        STANDARD
        + """from fastapi import FastAPI


async def lifespan(app):
    logger.info("started")
    connect()
    yield


def connect():
    logger.info("connected")


app = FastAPI(lifespan=lifespan)
logger.info("made")


@app.get("/")
def root():
    logger.info("root")
"""
    )
    assert [line - 5 for line in bare(main)] == [20]


def test_the_style_is_that_of_the_library() -> None:
    code = """def f(order):
    logger.info("a", extra={"order": order})
    logger.info("a", order=order)
    logger.info("a", order)
"""
    head = STANDARD.count("\n")
    found = bare(STANDARD + code, require=False, style="extra")
    assert [line - head for line in found] == [3]
    found = bare(STRUCTURED + code, require=False, style="kwargs")
    assert [line - head for line in found] == [2]
    assert bare(STRUCTURED + code, require=False, style="extra") == []


def test_a_wrapper_is_asked_where_it_is_called() -> None:
    code = """def note(message):
    logger.info(message)


note("a")
"""
    assert [line - 5 for line in bare(STANDARD + code)] == [5]
