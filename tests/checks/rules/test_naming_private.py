"""Private names: traps of the definition."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, ask_read


def found(code: str, other: str = "", **params: object) -> list[str]:
    files = {"app/cart.py": code, "app/shop.py": f"from app.cart import *\n{other}"}
    outcome = ask("private-underscore-prefix", files, **params)
    return [f"{each.path[4:-3]}:{each.line}" for each in outcome.observations]


CART = """class Cart:
    def total(self):
        return self.add_up()
    def add_up(self):
        return 1
"""


@pytest.mark.parametrize(
    "other",
    [
        "def run(cart: Cart):\n    cart.add_up()",
        "def run(thing):\n    thing.add_up()",
        "def run(cart: Cart):\n    register(cart.add_up)",
        "class Big(Cart):\n    def two(self):\n        return 2 * self.add_up()",
        "class Big(Cart):\n    def add_up(self):\n        return 2",
        "Cart.add_up(Cart())",
    ],
)
def test_a_method_that_somebody_else_uses_is_public(other: str) -> None:
    assert found(CART, f"{other}\n") == []


def test_a_method_of_the_same_name_elsewhere_does_not_make_it_public() -> None:
    other = "class Other:\n    def add_up(self): ...\ndef run(o: Other):\n    o.add_up()\n"
    assert found(CART, other) == ["cart:4"]


@pytest.mark.parametrize(
    "change",
    [
        ("    def add_up", "    @hook\n    def add_up"),
        ("class Cart:", "__all__ = ['Cart']\nclass Cart:"),
        ("class Cart:", "from typing import Protocol\nclass Cart(Protocol):"),
        ("class Cart:", "class Base:\n    def add_up(self): ...\nclass Cart(Base):"),
        ("return self.add_up()", "return call(self.add_up, self.add_up())"),
    ],
)
def test_interfaces_hooks_and_callbacks_keep_their_names(change: tuple[str, str]) -> None:
    assert found(CART.replace(*change)) == []


def test_tests_use_methods_too_and_a_library_offers_them_all() -> None:
    files = {"app/cart.py": CART, "tests/test_cart.py": "def test_a(cart):\n    cart.add_up()\n"}
    assert not ask("private-underscore-prefix", files).observations
    library = {"pyproject.toml": "[project]\nname = 'cart'\n", "cart.py": CART}
    assert ask_read("private-underscore-prefix", library).state == "not-applicable"


def test_a_mangled_name_is_one_underscore_too_much_unless_a_base_has_the_other() -> None:
    mangled = "class A:\n    def __init__(self):\n        self.__x = 1\n    def __add(self): ...\n"
    assert found(mangled) == ["cart:3", "cart:4"]
    heir = "class A:\n    def __init__(self):\n        self._x = 1\nclass B(A):\n"
    assert found(f"{heir}    def __init__(self):\n        self.__x = 1\n") == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("def f(cart): return cart._items", True),
        ("def f(self): return self.session._flush()", True),
        ("def f(row): return row._mapping, row._asdict(), row._value_", False),
        (
            "class A:\n    def f(self): return self._x, super()._x, type(self)._x",
            0,
        ),
        ("class A:\n    def f(this): return this._x", False),
        ("class A:\n    _x = 1\n    def __eq__(self, other): return other._x", False),
        ("class A:\n    def f(self):\n        def g(): return self._x\n        return g", False),
    ],
)
def test_others_leave_private_names_alone(line: str, expected: bool) -> None:
    assert bool(found(f"{line}\n", check_methods=False)) is bool(expected)


@pytest.mark.parametrize(
    "use",
    [
        "def test_a(mocker):\n    mocker.patch('cart.Cart.add_up')\n",
        "from unittest.mock import patch\n@patch.object(object, 'add_up')\ndef test_a(_): ...\n",
        (
            "from lagom import Injected\nfrom app.cart import Cart\n"
            "def use(cart: Injected[Cart]):\n    cart.add_up()\n"
        ),
    ],
)
def test_a_method_is_used_by_its_name_in_text_and_through_a_generic_of_a_library(use: str) -> None:
    files = {"app/cart.py": CART, "tests/test_cart.py": use}

    assert not ask("private-underscore-prefix", files).observations


def test_what_a_library_s_object_holds_is_no_object_of_ours() -> None:
    code = "from openai import OpenAI\ndef ask(client: OpenAI):\n    client.chat.add_up()\n"
    unknown = "def ask(client):\n    client.chat.add_up()\n"

    for text, expected in ((code, 1), (unknown, 0)):
        outcome = ask("private-underscore-prefix", {"app/cart.py": CART, "app/ask.py": text})
        assert len(outcome.observations) == expected
