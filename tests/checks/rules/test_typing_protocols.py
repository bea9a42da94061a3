"""Traps of the check of duck typing."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask

CHECK = "protocol-for-duck-typing"
ABC = """from abc import ABC, abstractmethod
class Store(ABC):
    @abstractmethod
    def read(self) -> str:
        "Read it."
"""
USE = "from app.store import Store\ndef run(store: Store | None) -> None: ...\n"


def probes(code: str, kind: str = "") -> int:
    text = f"from typing import Any\ndef run(thing{kind}):\n    return {code}\n"
    return len(ask(CHECK, {"app/a.py": text}).observations)


@pytest.mark.parametrize("kind", ["", ": Any", ": object", ": Any | None"])
@pytest.mark.parametrize(
    "code",
    ["hasattr(thing, 'a')", "getattr(thing, 'a', None)", "callable(getattr(thing, 'a'))"],
)
def test_a_probe_of_an_untyped_parameter_is_found(code: str, kind: str) -> None:
    assert probes(code, kind) == 1


@pytest.mark.parametrize(
    "code",
    ["getattr(thing, 'a')", "hasattr(thing, name)", "hasattr(thing.state, 'a')",
     "hasattr(other, 'a')", "isinstance(thing, Closable)"],
)  # fmt: skip
def test_other_look_ups_are_no_probes(code: str) -> None:
    assert probes(code) == 0


def test_a_typed_parameter_is_a_site_that_holds() -> None:
    code = "def run(thing: Thing):\n    return hasattr(thing, 'a') or hasattr(thing, 'b')\n"
    outcome = ask(CHECK, {"app/a.py": code})
    assert (outcome.sites, outcome.observations) == (1, ())


@pytest.mark.parametrize("name", ["settings", "module", "request", "enum_type"])
def test_modules_settings_and_requests_may_be_asked(name: str) -> None:
    code = f"def run({name}):\n    return getattr({name}, 'a', None)\n"
    assert ask(CHECK, {"app/a.py": code}).state == "not-applicable"


def test_the_object_itself_and_what_the_language_passes_are_no_ducks() -> None:
    code = (
        "class A:\n    def run(self):\n        return hasattr(self, 'a')\n"
        "    def __eq__(self, other: object):\n        return getattr(other, 'a', None) == 1\n"
    )
    assert ask(CHECK, {"app/a.py": code}).state == "not-applicable"


def test_one_function_is_one_site() -> None:
    code = (
        "def run(a, b: int):\n    hasattr(b, 'x')\n    return hasattr(a, 'x') or hasattr(a, 'y')\n"
    )
    outcome = ask(CHECK, {"app/a.py": code})
    assert (outcome.sites, [each.line for each in outcome.observations]) == (1, [3])


def test_a_class_of_promises_that_another_module_takes_is_found() -> None:
    outcome = ask(CHECK, {"app/store.py": ABC, "app/use.py": USE})
    assert [(each.path, each.line) for each in outcome.observations] == [("app/store.py", 2)]


@pytest.mark.parametrize(
    "files",
    [
        {"app/store.py": ABC},
        {"app/store.py": ABC + "def run(store: Store): ...\n"},
        {"app/store.py": ABC + "    def both(self): return self.read()\n", "app/use.py": USE},
        {"app/store.py": ABC + "    size: int = 1\n", "app/use.py": USE},
        {"app/store.py": ABC + "Store.register(dict)\n", "app/use.py": USE},
        {
            "app/store.py": ABC.replace("class Store(ABC)", "class Store(Base)").replace(
                "class", "class Base(ABC):\n    def save(self): ...\nclass", 1
            ),
            "app/use.py": USE,
        },
        {"app/store.py": ABC.replace("ABC)", "Protocol)"), "app/use.py": USE},
    ],
)
def test_other_classes_are_left_alone(files: dict[str, str]) -> None:
    assert ask(CHECK, files).observations == ()
