"""Requirements files."""

from __future__ import annotations

import pytest

from checks.facts.doctree import Include, Requirement
from checks.facts.requirements import read_requirements


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Django==5.1", Requirement("django", "==5.1", 1)),
        ("zope.interface >= 1.0, < 2  # why", Requirement("zope-interface", ">=1.0,<2", 1)),
        ("uvicorn[standard, x]", Requirement("uvicorn", "", 1, ("standard", "x"))),
        (
            'pywin32==1 ; sys_platform == "win32"',
            Requirement("pywin32", "==1", 1, marker='sys_platform == "win32"'),
        ),
        ("x (>=1)", Requirement("x", ">=1", 1)),
        (
            "lib @ git+https://example.com/lib.git@v1#egg=lib ; python_version < '4'",
            Requirement(
                "lib",
                "",
                1,
                marker="python_version < '4'",
                url="git+https://example.com/lib.git@v1#egg=lib",
            ),
        ),
        (
            "git+https://example.com/a.git#egg=A_b",
            Requirement("a-b", "", 1, url="git+https://example.com/a.git#egg=A_b"),
        ),
        ("-e .", Requirement("", "", 1, url=".", editable=True)),
        ("./local", Requirement("", "", 1, url="./local")),
        ("x==1 --hash=sha256:aa --hash=sha256:bb", Requirement("x", "==1", 1, hashes=2)),
        ("-- what", None),
        ("--index-url https://example.com", None),
        ("# comment", None),
    ],
)
def test_a_line_is_read_as_pip_reads_it(line: str, expected: Requirement | None) -> None:
    assert read_requirements([line])[0] == ((expected,) if expected else ())


def test_continuations_are_joined_and_includes_told_apart() -> None:
    text = "a==1 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\n-r base.txt\n-c pins.txt\nb\n"
    requirements, includes = read_requirements(text.splitlines())
    assert requirements == (Requirement("a", "==1", 1, hashes=2), Requirement("b", "", 6))
    assert includes == (Include("base.txt", 4), Include("pins.txt", 5, constraint=True))
