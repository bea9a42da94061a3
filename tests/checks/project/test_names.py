"""What names mean: imports, aliases, re-exports, scopes."""

from __future__ import annotations

import pytest

from tests.checks.projects import parsed, project


def meaning(
    files: dict[str, str], expression: str, path: str = "app/a.py", within: str = ""
) -> str:
    """Canonical name of a dotted expression as seen in a file, or in one of its functions."""
    file = parsed(files).by_path[path]
    function = next((each for each in file.functions if each.fact.qualname == within), None)
    return file.resolve(expression, function)


@pytest.mark.parametrize(
    ("line", "expression", "name"),
    [
        ("import fastapi as f", "f.APIRouter", "fastapi.APIRouter"),
        ("from fastapi import APIRouter as R", "R", "fastapi.APIRouter"),
        ("import os.path", "os.environ.get", "os.environ.get"),
        ("import a.b.c as d", "d.e", "a.b.c.e"),
        ("from fastapi.routing import APIRouter", "APIRouter", "fastapi.APIRouter"),
        ("from starlette.status import HTTP_200_OK", "HTTP_200_OK", "fastapi.status.HTTP_200_OK"),
        ("from typing_extensions import Annotated", "Annotated", "typing.Annotated"),
        ("from sqlmodel import Session", "Session", "sqlalchemy.orm.Session"),
        ("R = S\nfrom fastapi import APIRouter as S", "R", "fastapi.APIRouter"),
        ("", "ValueError", "builtins.ValueError"),
        ("ValueError = 1", "ValueError", "app.a.ValueError"),
        ("", "unknown.thing", "unknown.thing"),
    ],
)
def test_names_are_followed_to_where_they_are_documented(
    line: str, expression: str, name: str
) -> None:
    assert meaning({"app/a.py": f"{line}\n"}, expression) == name


FIRST_PARTY = {
    "app/__init__.py": "from app.core import Thing as Exported\n",
    "app/core/__init__.py": "from .things import *\nfrom .things import Thing\n",
    "app/core/things.py": "class Thing: ...\n\n\ndef make(): ...\n\n\nalias = Thing\n",
}


@pytest.mark.parametrize(
    ("line", "expression"),
    [
        ("from app import Exported", "Exported"),
        ("import app", "app.Exported"),
        ("import app.core.things as t", "t.Thing"),
        ("from .core import Thing", "Thing"),
        ("from .core.things import alias", "alias"),
        ("from .core import *", "Thing"),
        ("from . import core", "core.things.Thing"),
    ],
)
def test_first_party_names_lead_to_their_definition_through_packages(
    line: str, expression: str
) -> None:
    assert meaning({**FIRST_PARTY, "app/a.py": f"{line}\n"}, expression) == "app.core.things.Thing"


def test_a_package_below_src_and_in_a_subproject_is_found() -> None:
    for root in ("src", "backend", "services/shop/src"):
        files = {
            f"{root}/shop/__init__.py": "",
            f"{root}/shop/b.py": "class B: ...\n",
            f"{root}/shop/a.py": "from shop.b import B\n",
        }
        name = f"{root.replace('/', '.')}.shop.b.B"
        assert meaning(files, "B", f"{root}/shop/a.py") == name


@pytest.mark.parametrize("init", [{}, {"app/__init__.py": ""}])
def test_a_declared_library_is_not_taken_for_a_file_of_its_name(init: dict[str, str]) -> None:
    files = {"app/redis.py": "class Redis: ...\n", "app/a.py": "from redis import Redis\n", **init}
    declared = {**files, "requirements.txt": "redis==5.0\n"}
    found = [project(each).by_path["app/a.py"].resolve("Redis") for each in (declared, files)]
    assert found == ["redis.Redis", "app.redis.Redis"]


def test_a_declared_sibling_of_a_workspace_is_first_party() -> None:
    files = {
        "api/pyproject.toml": "[project]\nname = 'api'\ndependencies = ['shared']\n",
        "api/api/__init__.py": "",
        "api/api/a.py": "from shared.b import B\n",
        "packages/shared/src/shared/__init__.py": "",
        "packages/shared/src/shared/b.py": "class B: ...\n",
    }
    name = project(files).by_path["api/api/a.py"].resolve("B")
    assert name == "packages.shared.src.shared.b.B"


def test_cycles_of_imports_and_aliases_come_to_an_end() -> None:
    files = {
        "app/a.py": "from app.b import x\nfrom app.b import *\ny = z\nz = y\n",
        "app/b.py": "from app.a import x\nfrom app.a import *\n",
    }
    assert meaning(files, "x")
    assert meaning(files, "y")
    assert meaning(files, "nothing") == "nothing"


def test_locals_hide_module_names_and_parameters_are_their_own() -> None:
    code = """import json as lib


def f(lib): ...


def g():
    import yaml as lib
    def inner():
        return lib


def h(): ...
"""
    assert meaning({"app/a.py": code}, "lib.load", within="f") == "app.a.f.lib.load"
    assert meaning({"app/a.py": code}, "lib.load", within="g.inner") == "yaml.load"
    assert meaning({"app/a.py": code}, "lib.load", within="h") == "json.load"


def test_the_first_value_that_is_not_none_binds_a_module_variable() -> None:
    code = "x = None\nx = Thing\nx = Other\n\n\nclass Thing: ...\n\n\nclass Other: ...\n"
    assert meaning({"app/a.py": code}, "x") == "app.a.Thing"


def test_calls_and_subscripts_resolve_to_what_they_are_made_of() -> None:
    code = "from fastapi import Depends as D\nx = D(f)\ny = Page[User]\n"
    file = parsed({"app/a.py": code}).by_path["app/a.py"]
    values = [file.resolve(each.value) for each in file.facts.assigns]
    assert values == ["fastapi.Depends", "Page"]


def test_definitions_are_found_by_their_canonical_name() -> None:
    code = "class Base:\n    def go(self): ...\n\n\nclass Child(Base): ...\n\n\nX = 1\n"
    names = parsed({"app/a.py": code}).names
    found = names.class_named("app.a.Child")
    assert found is not None
    assert found.key == "app.a.Child"
    method = names.function_named("app.a.Child.go")
    assert method is not None
    assert method.key == "app.a.Base.go"
    assigned = names.assignment_named("app.a.X")
    assert assigned is not None
    assert assigned[1].line == 8
    assert names.class_named("app.a.Nothing") is None
    assert names.function_named("fastapi.Depends") is None
    assert names.assignment_named("") is None


def members(files: dict[str, str]) -> list[str]:
    """What the first value of ``app/a.py`` holds, followed."""
    read = parsed(files)
    file = read.by_path["app/a.py"]
    value = file.facts.assigns[0].value
    assert value is not None
    return [f.resolve(expr, where) for f, expr, where in read.names.members(file, value, None)]


def test_members_of_a_display_are_followed_through_constants_of_other_files() -> None:
    found = members(
        {
            "app/errors.py": "NETWORK = (TimeoutError, OSError)\nMORE = NETWORK + (KeyError,)\n",
            "app/a.py": "ALL = (ValueError, *MORE)\nfrom app.errors import MORE\n",
        }
    )
    names = ["ValueError", "TimeoutError", "OSError", "KeyError"]
    assert found == [f"builtins.{name}" for name in names]


def test_members_that_name_each_other_come_to_an_end() -> None:
    assert len(members({"app/a.py": "A = (1, *B)\nB = (2, *A)\n"})) < 201
