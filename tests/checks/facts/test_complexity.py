"""Our complexity against radon's, over code that nobody here has written."""

from __future__ import annotations

import ast
import sysconfig
from pathlib import Path

import pytest
from radon.visitors import Class, ComplexityVisitor, Function

from checks.facts.syntax import extract

LIBRARY = Path(sysconfig.get_path("stdlib"))
MODULES = (
    "argparse ast base64 bdb calendar cgitb cmd codecs colorsys configparser contextlib copy csv "
    "dataclasses difflib dis doctest enum fileinput fnmatch fractions ftplib functools getopt "
    "gettext glob heapq imaplib inspect ipaddress json/decoder json/encoder logging/config "
    "mailbox mimetypes netrc numbers optparse pathlib/_local pdb pickle pickletools platform "
    "plistlib poplib pprint profile pydoc random re/_parser sched selectors shelve shlex shutil "
    "smtplib socket statistics string tarfile tempfile textwrap threading timeit tokenize "
    "traceback types typing unittest/mock urllib/parse uuid weakref zipfile/__init__"
).split()
PRESENT = [name for name in MODULES if (LIBRARY / f"{name}.py").is_file()]


def of_radon(text: str) -> dict[tuple[int, str], int]:
    """Complexity of every function by line and name, closures by themselves."""
    found: dict[tuple[int, str], int] = {}
    blocks: list[Class | Function] = list(ComplexityVisitor.from_code(text).blocks)
    for block in blocks:
        if isinstance(block, Class):
            blocks += [*block.methods, *block.inner_classes]
        else:
            found[block.lineno, block.name] = block.complexity
            blocks += block.closures
    return found


def test_there_are_modules_to_compare() -> None:
    assert len(PRESENT) > 48


@pytest.mark.parametrize("name", PRESENT)
def test_complexity_agrees_with_radon(name: str) -> None:
    text = (LIBRARY / f"{name}.py").read_text(encoding="utf-8")
    theirs = of_radon(text)
    starts = {
        node.lineno: min([node.lineno, *(each.lineno for each in node.decorator_list)])
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }
    for ours in extract(text.encode()).functions:
        expected = theirs.get((starts[ours.line], ours.name), theirs.get((ours.line, ours.name)))
        if expected is not None:
            assert (ours.qualname, ours.complexity) == (ours.qualname, expected)


@pytest.mark.parametrize(
    ("body", "complexity"),
    [
        ("pass", 1),
        ("if a and b or c: pass", 4),
        ("for x in y: pass\n    else: pass", 3),
        ("try: pass\n    except A: pass\n    except B: pass", 3),
        ("return [x for x in y if x if z]", 4),
        ("return a if b else c", 2),
        ("assert a and b", 2),
        ("def g():\n        if a: pass", 1),
    ],
)
def test_cheap_counts_of_single_constructs(body: str, complexity: int) -> None:
    found = extract(f"def f(a, b):\n    {body}\n".encode())
    assert found.functions[0].complexity == complexity
