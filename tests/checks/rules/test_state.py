"""Traps of the check of state at module level."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask

HEAD = "from cachetools import TTLCache\nseen = {}\ncache = TTLCache(9, 9)\nhandlers = {}\n"


@pytest.mark.parametrize(
    "text",
    [
        "def run(key):\n    seen[key] = 1\n",
        "def run(key):\n    seen['a'][key] = 1\n",
        "def run(key):\n    del seen[key]\n",
        "def run(key):\n    seen.update(key)\n",
        "def run(key):\n    cache[key] = 1\n",
        "count = 0\ndef run():\n    global count\n    count += 1\n",
    ],
)
def test_a_change_by_a_function_is_found(text: str) -> None:
    assert len(ask("no-mutable-global-state", {"app/x.py": HEAD + text}).observations) == 1


@pytest.mark.parametrize(
    "text",
    [
        "seen['a'] = 1\n",
        "def run(seen):\n    seen['a'] = 1\n",
        "def run():\n    seen = {}\n    seen['a'] = 1\n",
        "def run(app):\n    app.seen = 1\n",
        "def run():\n    return seen.get('a')\n",
        "def handles(f):\n    handlers[f.__name__] = f\n    return f\n@handles\ndef one(): ...\n",
        "def fill():\n    handlers['a'] = 1\nfill()\n",
        "class A:\n    def __init_subclass__(cls):\n        handlers[cls] = 1\n",
        "def run():\n    global seen\n    return seen\n",
    ],
)
def test_set_up_and_reading_are_no_change(text: str) -> None:
    outcome = ask("no-mutable-global-state", {"app/x.py": HEAD + text})

    assert (outcome.sites, outcome.observations) == (3, ())


def test_a_change_by_another_module_is_found_there() -> None:
    files = {
        "app/x.py": HEAD,
        "app/y.py": "from app import x\ndef run():\n    x.seen['a'] = 1\n",
    }

    (found,) = ask("no-mutable-global-state", files).observations

    assert (found.path, found.line) == ("app/y.py", 3)
