"""What kind of value an expression is."""

from __future__ import annotations

import pytest

from checks.facts import tree
from checks.project.project import Project
from checks.project.subjects import Function
from tests.checks.projects import parsed


def kind(code: str, expression: str, **others: str) -> str:
    """Type of a dotted expression inside the last function of ``app/a.py``."""
    read, function = last_function(code, **others)
    return read.values.type_of(function.file, tree.Name(expression), function)


def callees(code: str, **others: str) -> list[str]:
    """Canonical names of the calls in the last function of ``app/a.py``."""
    return [call.name for call in last_function(code, **others)[1].calls]


def last_function(code: str, **others: str) -> tuple[Project, Function]:
    """The project, and the last function of ``app/a.py``."""
    files = {"app/a.py": code, **{f"app/{name}.py": text for name, text in others.items()}}
    read = parsed(files)
    return read, read.by_path["app/a.py"].functions[-1]


HEAD = """from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated, Optional, Self, Union

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine


class Thing:
    other: "Other"

    def make(self) -> Self: ...


class Other: ...


maker = async_sessionmaker(create_async_engine("x"))


async def get_session() -> AsyncGenerator[AsyncSession, None]:
    async with maker() as session:
        yield session


SessionDep = Annotated[AsyncSession, Depends(get_session)]
SESSION = "sqlalchemy.ext.asyncio.AsyncSession"


"""
SESSION = "sqlalchemy.ext.asyncio.AsyncSession"


@pytest.mark.parametrize(
    ("parameter", "name"),
    [
        ("x: Thing", "app.a.Thing"),
        ("x: 'Thing'", "app.a.Thing"),
        ("x: Thing | None", "app.a.Thing"),
        ("x: Optional[Thing]", "app.a.Thing"),
        ("x: Union[Thing, None]", "app.a.Thing"),
        ("x: Annotated[Thing, 1]", "app.a.Thing"),
        ("x: Thing | Other", ""),
        ("x: list[Thing]", "builtins.list"),
        ("x: SessionDep", SESSION),
        ("x=Depends(get_session)", SESSION),
        ("x", ""),
        ("x=1", ""),
    ],
)
def test_a_parameter_is_what_its_annotation_or_its_provider_says(parameter: str, name: str) -> None:
    assert kind(f"{HEAD}def f({parameter}): ...\n", "x") == name


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("x = Thing()", "app.a.Thing"),
        ("x = Thing().make()", "app.a.Thing"),
        ("x = given or Thing()", "app.a.Thing"),
        ("x = Thing() if given else None", "app.a.Thing"),
        ("x = await maker()", SESSION),
        ("x: Other = given", "app.a.Other"),
        ("x = 'text'", "builtins.str"),
        ("x = [1]", "builtins.list"),
        ("x = given", ""),
        ("x = unknown()", ""),
        ("x, y = Thing(), 1", ""),
        ("with Thing() as x: ...", "app.a.Thing"),
        ("async with maker() as x: ...", SESSION),
        ("async with maker.begin() as x: ...", SESSION),
        ("if (x := Thing()): ...", "app.a.Thing"),
        ("try: ...\n    except ValueError as x: ...", "builtins.ValueError"),
    ],
)
def test_a_variable_is_what_it_is_made_of(line: str, name: str) -> None:
    assert kind(f"{HEAD}async def f(given):\n    {line}\n", "x") == name


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ("def __init__(self, x: Thing): self.thing = x", "app.a.Thing"),
        ("def __init__(self): self.thing: Thing = load()", "app.a.Thing"),
        ("thing: Thing", "app.a.Thing"),
        ("@property\n    def thing(self) -> Thing: ...", "app.a.Thing"),
        ("def __init__(self): self.thing = None", ""),
    ],
)
def test_an_attribute_is_known_by_its_assignment_also_in_a_base(body: str, name: str) -> None:
    code = f"{HEAD}class Base:\n    {body}\n\n\nclass A(Base):\n    def f(self): ...\n"
    assert kind(code, "self.thing") == name
    assert kind(code, "self.thing.other") == ("app.a.Other" if name else "")


def test_a_static_method_has_no_self() -> None:
    assert kind("class A:\n    @staticmethod\n    def f(x): ...\n", "x") == ""
    assert kind("class A:\n    @classmethod\n    def f(x): ...\n", "x") == "app.a.A"


def test_calls_are_named_by_the_class_of_their_receiver() -> None:
    code = f"""{HEAD}from app.repo import Repo


class Service:
    def __init__(self, repo: Repo, session: SessionDep):
        self.repo = repo
        self.session = session

    async def f(self):
        self.repo.get(1)
        await self.session.execute()
        Thing().make().make()
        unknown.call()
        print("x")
"""
    assert callees(code, repo="class Repo:\n    def get(self, key): ...\n") == [
        "app.repo.Repo.get",
        f"{SESSION}.execute",
        "app.a.Thing.make",
        "app.a.Thing.make",
        "app.a.Thing",
        "unknown.call",
        "builtins.print",
    ]


def test_objects_of_other_modules_are_typed_where_they_are_made() -> None:
    code = "from app.clients import client\n\n\ndef f():\n    client.get('x')\n"
    clients = "import httpx\n\nclient = httpx.AsyncClient()\n"
    assert callees(code, clients=clients) == ["httpx.AsyncClient.get"]


def test_a_function_without_annotation_is_what_it_returns() -> None:
    code = "from redis import Redis\n\n\ndef make():\n    return Redis()\n\n\n"
    code += "def f():\n    x = make()\n"
    assert kind(code, "x") == "redis.Redis"


@pytest.mark.parametrize("maker", ["getLogger", "get_logger", "get_task_logger"])
def test_a_logger_of_an_unread_library_is_a_standard_one(maker: str) -> None:
    code = f"from somewhere import {maker}\n\n\ndef f():\n    x = {maker}('x')\n"
    assert kind(code, "x") == "logging.Logger"
    own = f"def {maker}(name):\n    return 1\n\n\ndef f():\n    x = {maker}('x')\n"
    assert kind(own, "x") == "builtins.int"


def test_values_that_depend_on_each_other_come_to_an_end() -> None:
    code = "a = b\nb = a\n\n\ndef g(): return h()\n\n\ndef h(): return g()\n\n\n"
    code += "def f():\n    x = g()\n    y = a\n"
    assert kind(code, "x") == ""
    assert kind(code, "y") == ""


def test_several_values_at_once_are_typed_one_by_one() -> None:
    code = "import asyncio\nfrom redis import Redis\n\n\ndef make():\n    return 1, Redis()\n\n\n"
    code += "a, b = make()\n\n\nasync def f():\n    x, y = make()\n"
    code += "    r, w = await asyncio.open_connection()\n"
    assert [kind(code, name) for name in "abxyrw"] == [
        "builtins.int",
        "redis.Redis",
        "builtins.int",
        "redis.Redis",
        "asyncio.StreamReader",
        "asyncio.StreamWriter",
    ]


def test_an_injected_parameter_is_what_the_container_gives() -> None:
    """FromDishka wraps the class that is injected."""
    code = (
        "from dishka.integrations.fastapi import FromDishka\n\n\n"
        "class Clock: ...\n\n\n"
        "def show(clock: FromDishka[Clock]):\n    return clock\n"
    )
    assert kind(code, "clock") == "app.a.Clock"


def test_types_do_not_depend_on_what_is_asked_first() -> None:
    """A name at the end of a long chain is no other when the chain is asked for before it."""
    steps = 30
    chain = "".join(f"    v{n + 1} = v{n}.step()\n" for n in range(steps))
    code = (
        "class Thing:\n    def step(self) -> 'Thing': ...\n\n\nthing = Thing()\n\n\n"
        f"def run():\n    v0 = thing\n{chain}    return v{steps}\n"
    )
    backwards, function = last_function(code)
    names = [f"v{n}" for n in range(steps, -1, -1)]
    found = [backwards.values.type_of(function.file, tree.Name(each), function) for each in names]
    assert found == ["app.a.Thing"] * (steps + 1)
