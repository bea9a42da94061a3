"""The work of every check grows with the size of a file, not with its square.

Counted in Python's own steps (calls, resumed generators, turns of loops), which are the same on
every machine; a repository of one huge generated file would otherwise keep a worker busy for hours.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import CodeType

import pytest

from checks import rules, standard
from checks.check import CATALOGUE
from checks.judge import answer
from tests.checks.projects import project

SMALL = 60
HEAD = """import logging, os, httpx, requests, asyncio
from fastapi import APIRouter, Depends, Header, HTTPException
from pydantic import BaseModel, Field
from sqlalchemy import Column, Integer
from sqlalchemy.orm import Session, declarative_base, Mapped, mapped_column, relationship
logger = logging.getLogger(__name__)
router = APIRouter()
Base = declarative_base()
"""
MAIN = """from fastapi import FastAPI
from app.huge import router
app = FastAPI()
app.include_router(router)
"""


def shape(line: str, before: str = "") -> Callable[[int], str]:
    """A source that repeats a piece, with ``#`` for its number and ``~`` for the next one's."""
    return lambda count: (
        before
        + "".join(
            line.replace("#", str(number)).replace("~", str(number + 1)) for number in range(count)
        )
    )


SHAPES = {
    "routes": shape(
        "@router.get('/a#/{b}')\nasync def get_#(b, db: Session = Depends(get_db)):\n"
        "    print(b)\n    return db.query(M#).all()\n"
    ),
    "writing routes": shape(
        "@router.post('/a#', response_model=M#, status_code=201)\n"
        "async def make_#(body: M#, db: Session = Depends(get_db#)):\n    try:\n"
        "        db.add(body)\n        db.commit()\n    except Exception as error:\n"
        "        raise HTTPException(400, str(error))\n    return {'a': body}\n"
        "def get_db#():\n    yield Session()\n"
    ),
    "functions": shape(
        "def f#(a, b=None):\n    '''Do.\n\n    Args:\n        a: x\n    '''\n"
        "    logger.info('x %s', a)\n    password# = os.environ['A#']\n    return f~(a)\n"
    ),
    "log calls": shape(
        "    try:\n        a.b#()\n    except OSError as error:\n        logger.info(f'x {a}')\n"
        "        logger.warning('failed', extra={'email': a.email#})\n",
        "def create(a):\n",
    ),
    "log calls of one clause": shape(
        "        logger.info('a failed')\n        logger.warning(data)\n        raise\n",
        "def create(data: dict):\n    try:\n        a()\n    except OSError as error:\n",
    ),
    "loggers and metrics": shape(
        "class OrderService#:\n    def create(self, record):\n"
        "        log = logger.bind(a=#)\n        log.info('a')\n        C#.inc()\n"
        "C# = Counter('requests_#', 'x', ['a'])\n",
        "from prometheus_client import Counter\n",
    ),
    "schemas": shape(
        "class M#(BaseModel):\n    id: int\n    name: str = Field(..., max_length=3)\n"
        "    other: 'M~ | None' = None\n"
    ),
    "models": shape(
        "class T#(Base):\n    __tablename__ = 't#'\n    id = Column(Integer, primary_key=True)\n"
        "    x: Mapped[int] = mapped_column()\n    ts = relationship('T~')\n"
    ),
    "clauses of one try": shape(
        "    except E# as error:\n        logger.error('x')\n"
        "        raise ValueError('a') from error\n",
        "def f():\n    try:\n        pass\n",
    ),
    "tries": shape(
        "    try:\n        x = open('a')\n    except Exception as error:\n"
        "        logger.error(f'a {error}')\n        return None\n",
        "def f():\n",
    ),
    "statements": shape(
        "    x# = a.b#\n    requests.get('http://x/#')\n"
        "    db.execute('SELECT * FROM t WHERE a = %s' % x#)\n    if x#:\n"
        "        for y in x#:\n            db.query(y).all()\n",
        "def f(a, db):\n",
    ),
    "awaits": shape(
        "    x# = await a.b#()\n    asyncio.create_task(f(a))\n"
        "    async with httpx.AsyncClient() as c#:\n        await c#.get('x')\n",
        "async def f(a, db):\n",
    ),
    "constants": shape(
        "X# = #\nl# = []\nc# = {'a': X#}\nY#: int = X#\nclient# = httpx.Client()\n"
        "S# = 'SELECT * FROM users WHERE id = #'\nU# = 'http://localhost:#/x'\n"
    ),
    "imports": shape("from a# import b# as c#\nimport d#.e\n"),
    "methods": shape(
        "    def m#(self, a):\n        self.a# = a\n        self.m~(a)\n        print(self.a#)\n",
        "class A:\n",
    ),
    "classes": shape(
        "class A#:\n    def __init__(self, a: A~):\n        self.a = a\n"
        "    def run(self):\n        return self.a.run()\n"
    ),
    "subclasses": shape("class B#(B):\n    def run(self): pass\n", "class B: pass\n"),
    "exceptions": shape("class E#(Exception):\n    pass\ndef r#():\n    raise E#('x')\n"),
    "calls": shape("    g(#)\n    print(#)\n    open('a')\n", "def g(a): pass\ndef f():\n"),
    "annotations": shape(
        "def f#(a: Optional[int], b: List[Dict[str, Any]]) -> Union[int, str]: return a\n"
        "T# = dict[str, Any]\n"
    ),
    "suppressions": shape(
        "x = 1  # noqa: E501\nprint(x)  # noqa: T201\ny: int = 'a'  # type: ignore\n".replace(
            "#", "\0"
        )
    ),
    "branches": shape(
        "    elif a == #:\n        return #\n", "def f(a):\n    if a == 0:\n        return 1\n"
    ),
    "entries": shape("    'a#': {'b': #},\n", "X = {\n"),
    "routers": shape(
        "r# = APIRouter(prefix='/r#', dependencies=[Depends(d#)])\nrouter.include_router(r#)\n"
        "@r#.get('/')\ndef h#(): return 1\ndef d#(x = Header()):\n    raise HTTPException(401)\n"
    ),
    "decorators": shape("@d#\n@e#(1)\n"),
    "parameters": shape("    a#: int = #,\n", "def f(\n"),
    "nested functions": shape("    def g#(a):\n        return g~(a)\n", "def f():\n"),
    "loops": shape(
        "    for x# in a:\n        db.add(x#)\n        db.commit()\n        y = y + [x#]\n",
        "def f(a, db):\n",
    ),
    "contexts": shape(
        "    with open('a') as f#:\n        f#.read()\n    g# = open('x')\n", "def f(a):\n"
    ),
    "globals": shape("g# = None\ndef f#():\n    global g#\n    g# = #\n    l.append(g#)\n"),
    "error answers": shape(
        "class E#(Exception): pass\nasync def h#(request: Request, exc: E#):\n"
        "    return JSONResponse({'a': #}, 400)\ndef r#():\n    raise E#(1)\n"
        "@router.get('/#')\ndef q#():\n    r#()\n    r~()\n    raise HTTPException(404, 'a')\n",
        "from fastapi import Request\nfrom fastapi.responses import JSONResponse\n",
    ),
    "calls in one try": shape(
        "        r#()\n        httpx.get('x')\n        sleep(a)\n", "def f(a):\n    try:\n"
    ),
}
ENDS = {
    "calls in one try": "    except ValueError: pass\n",
    "entries": "}\n",
    "decorators": "def f(a): pass\n",
    "parameters": "): pass\n",
}


class Steps:
    """Counts the steps of the interpreter between :meth:`begin` and :meth:`end`."""

    def __init__(self) -> None:
        self.count = 0

    def begin(self) -> None:
        self.count = 0
        events = sys.monitoring.events
        sys.monitoring.set_events(4, events.PY_START | events.PY_RESUME | events.JUMP)

    def end(self) -> int:
        sys.monitoring.set_events(4, 0)
        return self.count

    def step(self, _code: CodeType, *_: object) -> None:
        self.count += 1


@pytest.fixture
def steps() -> Iterator[Steps]:
    counter, events = Steps(), sys.monitoring.events
    sys.monitoring.use_tool_id(4, "growth")
    for event in (events.PY_START, events.PY_RESUME, events.JUMP):
        sys.monitoring.register_callback(4, event, counter.step)
    yield counter
    sys.monitoring.set_events(4, 0)
    sys.monitoring.free_tool_id(4)


def source(name: str, count: int) -> str:
    return HEAD + SHAPES[name](count).replace("\0", "#") + ENDS.get(name, "")


def costs(name: str, count: int, steps: Steps) -> dict[str, int]:
    """Steps of each check, in the order of the standards, over one file of a shape."""
    asked = project(
        {
            "pyproject.toml": '[project]\nname = "x"\ndependencies = ["fastapi", "sqlalchemy"]\n',
            "app/__init__.py": "",
            "app/main.py": MAIN,
            "app/huge.py": source(name, count),
        }
    )
    assert asked.by_path["app/huge.py"].parsed
    clauses = [clause for each in standard.shipped() for clause in each.clauses]
    params = {each.key: each.params for clause in clauses for each in clause.checks}
    found: dict[str, int] = {}
    for key, limits in params.items():
        if key[0] in CATALOGUE:
            steps.begin()
            outcome = answer(CATALOGUE[key[0]], asked, limits)
            found[key[0]] = found.get(key[0], 0) + steps.end()
            assert outcome.state != "unknown", (key[0], outcome.reason)
    return found


@pytest.mark.parametrize("name", SHAPES)
def test_twice_the_file_is_twice_the_work(name: str, steps: Steps) -> None:
    rules.load()
    once, twice = costs(name, SMALL, steps), costs(name, 2 * SMALL, steps)
    assert {
        check: (once[check], twice[check])
        for check in once
        if twice[check] > 2.5 * once[check] + 2000
    } == {}
