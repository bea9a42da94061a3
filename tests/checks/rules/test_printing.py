"""Output: traps of the definition."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask_read, lines


def printed(code: str, path: str = "app/a.py") -> tuple[int, list[int]]:
    """Sites and lines of ``no-print`` in one module."""
    outcome = ask_read("no-print", {path: code})
    return outcome.sites, lines(outcome)


def test_every_print_of_a_file_is_a_place_of_one_site() -> None:
    code = "from pprint import pprint\n\n\ndef f(x):\n    print(x)\n    pprint(x)\n"
    assert printed(code) == (1, [5, 6])


@pytest.mark.parametrize(
    "code",
    [
        "def f(x, stream):\n    print(x, file=stream)\n",
        "def f(x, out):\n    print(\n        x,\n        file=out.stream,\n    )\n",
        "def f(console):\n    console.print('x')\n",
        'def f():\n    """\n    >>> print(1)\n    """\n',
    ],
)
def test_what_is_no_print_of_the_service(code: str) -> None:
    assert printed(code) == (1, [])


def test_a_print_to_standard_error_is_one() -> None:
    assert printed("import sys\nprint('x', file=sys.stderr)\n") == (1, [2])


def test_a_main_guard_and_a_management_command_may_print() -> None:
    guarded = "def f():\n    print(1)\n\n\nif __name__ == '__main__':\n    print(2)\n"
    files = {"app/a.py": guarded, "app/b.py": "import app.a\n"}
    assert lines(ask_read("no-print", files)) == [2]
    assert printed("print(1)\n", "shop/management/commands/load.py") == (1, [])


@pytest.mark.parametrize("path", ["scripts/a.py", "tests/a.py", "noxfile.py", "build/a.py"])
def test_other_files_are_no_sites(path: str) -> None:
    assert printed("print(1)\n", path)[0] == 0
