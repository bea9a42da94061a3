"""Which functions a call reaches."""

from __future__ import annotations

from checks.project.project import Project
from tests.checks.projects import parsed as project


def reached(read: Project, name: str, levels: int) -> dict[str, int]:
    """Functions that one reaches, by qualified name, with their level."""
    function = read.names.function_named(name)
    assert function is not None
    found = read.calls.reachable(function, levels)
    return {each.fact.qualname: level for each, level in found.items()}


def test_calls_are_followed_as_many_levels_as_asked() -> None:
    read = project(
        {"a.py": "def one(): two()\ndef two(): three()\ndef three(): one()\n"},
    )
    assert reached(read, "a.one", 1) == {"one": 0, "two": 1}
    assert reached(read, "a.one", 5) == {"one": 0, "two": 1, "three": 2}


def test_methods_are_followed_through_depends_and_attributes() -> None:
    read = project(
        {
            "app/__init__.py": "",
            "app/repo.py": "class Repo:\n    def get(self): ...\n",
            "app/service.py": "from app.repo import Repo\nclass Service:\n"
            "    def __init__(self, repo: Repo):\n        self.repo = repo\n"
            "    def read(self): return self.repo.get()\n"
            "def get_service() -> Service: ...\n",
            "app/api.py": "from typing import Annotated\nfrom fastapi import Depends\n"
            "from app.service import Service, get_service\n"
            "ServiceDep = Annotated[Service, Depends(get_service)]\n"
            "def handler(service: ServiceDep): return service.read()\n",
        }
    )
    assert reached(read, "app.api.handler", 2) == {
        "handler": 0,
        "Service.read": 1,
        "Repo.get": 2,
    }


def test_a_protocol_leads_to_its_only_implementation() -> None:
    files = {
        "a.py": "from typing import Protocol\nclass Store(Protocol):\n    def get(self): ...\n"
        "class Table:\n    def get(self): self.open()\n    def open(self): ...\n"
        "def use(store: Store): store.get()\n"
    }
    assert reached(project(files), "a.use", 1) == {"use": 0, "Table.get": 1}
    files["b.py"] = "class Other:\n    def get(self): ...\n"
    assert reached(project(files), "a.use", 1) == {"use": 0, "Store.get": 1}


def test_super_leads_to_the_base_and_a_class_to_its_init() -> None:
    read = project(
        {
            "a.py": "class Base:\n    def run(self): ...\nclass Sub(Base):\n"
            "    def __init__(self): ...\n    def run(self): super().run()\n"
            "def make(): Sub().run()\n"
        }
    )
    assert reached(read, "a.make", 2) == {
        "make": 0,
        "Sub.__init__": 1,
        "Sub.run": 1,
        "Base.run": 2,
    }


def test_callers_of_a_function_are_found_in_other_files() -> None:
    read = project({"a.py": "def one(x): ...\n", "b.py": "from a import one as o\no(1)\no(2)\n"})
    function = read.names.function_named("a.one")
    assert function is not None
    assert [call.line for call in read.calls.callers(function)] == [2, 3]


def test_an_instance_in_a_parameter_or_a_local_variable_is_called_by_its_dunder_call() -> None:
    files = {
        "a.py": "class Sign:\n    def __call__(self): return 1\n"
        "def use(sign: Sign): return sign()\n"
        "def make():\n    sign = Sign()\n    return sign()\n"
        "def other(sign): return sign()\n"
    }
    assert reached(project(files), "a.use", 1) == {"use": 0, "Sign.__call__": 1}
    assert reached(project(files), "a.make", 1) == {"make": 0, "Sign.__call__": 1}
    assert reached(project(files), "a.other", 1) == {"other": 0}
