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
TEST_HEAD = """import pytest
from uuid import uuid4
from fastapi.testclient import TestClient
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

TESTS = {
    "requesting tests": shape(
        "def test_get_#(client, db_#):\n    url = f'/a{#}/{db_#}'\n"
        "    answer = client.get(url)\n    assert answer.status_code == 200\n"
        "    gone = client.delete('/a~/1')\n    assert gone.status_code == 404\n"
        "@pytest.fixture\ndef db_#(db_0):\n    yield #\n",
        "from app.main import app\n@pytest.fixture\ndef client():\n    return TestClient(app)\n",
    ),
    "waiting tests": shape(
        "async def test_wait_#():\n    before = datetime.now()\n    time.sleep(#)\n"
        "    SEEN.append(before)\n    assert run_#() == before\n    assert SEEN == [#]\n"
        "    def inner():\n        time.sleep(0)\ndef run_#():\n    return datetime.now()\n",
        "import time\nfrom datetime import datetime\nSEEN = []\n",
    ),
    "methods of a test class": shape(
        "    def test_add_#(self, mocker):\n        self.users = []\n        user_# = f#(#)\n"
        "        with pytest.raises(ValueError):\n            f~(user_#)\n"
        "        mocker.patch('app.huge.f#').assert_called_once()\n"
        "    def test_now_#(self, users):\n        assert uuid4() == f#(#)\n"
        "    @pytest.fixture(autouse=True)\n    def users_#(self): pass\n",
        "from app.huge import *\nclass TestAll:\n    def setup_method(self): pass\n",
    ),
    "assertions of one test": shape(
        "    made_# = f#(#)\n    with pytest.raises(ValueError):\n        f~(made_#)\n"
        "    assert made_#.a == # and SEEN\n    SEEN.append(#)\n    open('a#', 'w')\n"
        "    time.sleep(#)\n    session.add(made_#)\n    client.post('/a#', json=made_#)\n",
        "import time\nfrom app.huge import *\nSEEN = []\n"
        "def test_all(client, session):\n    at = uuid4()\n",
    ),
    "functions in one test": shape(
        "    def inner_#():\n        time.sleep(#)\n        assert inner_~() == SEEN\n",
        "import time\nSEEN = []\ndef test_all():\n",
    ),
    "parametrized tests": shape(
        "@pytest.mark.parametrize('path, wanted', [('/a#', 200), ('/b', 404)])\n"
        "def test_path_#(path, wanted, client):\n    for _ in range(3):\n"
        "        assert client.get(path).status_code == wanted\n",
        "from app.main import app\npytestmark = pytest.mark.slow\n"
        "@pytest.fixture(autouse=True)\ndef client():\n    return TestClient(app)\n",
    ),
    "helpers of tests": shape(
        "def check_#(client, path):\n    found = client.get(path + '/#')\n"
        "    assert found.json() == make_~()\ndef make_#():\n    return User(uuid4())\n"
        "def test_it_#(client):\n    check_#(client, '/a#')\n    check(client, URL#)\n"
        "URL# = '/a#'\n@pytest.fixture(autouse=#)\ndef value_#(): pass\n",
        "from app.main import app\ndef check(client, path):\n    client.get(path)\n",
    ),
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


def files_of(name: str, count: int) -> dict[str, str]:
    """A project with one file of a shape, of the application or of its tests."""
    of_tests = name in TESTS
    files = {
        "pyproject.toml": '[project]\nname = "x"\ndependencies = ["fastapi", "sqlalchemy"]\n',
        "app/__init__.py": "",
        "app/main.py": MAIN,
        "app/huge.py": source("functions" if of_tests else name, 5 if of_tests else count),
    }
    if of_tests:
        files["app/huge.py"] += SHAPES["routes"](5)
        files["tests/test_huge.py"] = TEST_HEAD + TESTS[name](count)
        files["tests/test_other.py"] = "import app\ndef test_it():\n    assert app\n"
    return files


def costs(name: str, count: int, steps: Steps) -> dict[str, int]:
    """Steps of each check, in the order of the standards, over one file of a shape."""
    files = files_of(name, count)
    asked = project(files)
    assert all(asked.by_path[path].parsed for path in files if path.endswith(".py"))
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


@pytest.mark.parametrize("name", [*SHAPES, *TESTS])
def test_twice_the_file_is_twice_the_work(name: str, steps: Steps) -> None:
    rules.load()
    once, twice = costs(name, SMALL, steps), costs(name, 2 * SMALL, steps)
    assert {
        check: (once[check], twice[check])
        for check in once
        if twice[check] > 2.5 * once[check] + 2000
    } == {}
