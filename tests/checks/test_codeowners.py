"""Who owns a path, in the forms that hosting services read."""

from __future__ import annotations

import pytest

from checks.codeowners import CodeOwners, read
from checks.memorysource import MemorySource

TEXT = """
# everything
*           @all            # and why
*.py        @py  dev@example.org
/docs/      @writers
docs/*      @editors
apps/       @apps
/build/**/gen @gen
src/**/api/ @api
/secret\\ file @keeper
/free.txt
!negated    @nobody
[Database][2] @dba @dbb
/db/
/db/views/  @views
^[Optional]
/opt/
"""


@pytest.mark.parametrize(
    ("path", "owners"),
    [
        ("README", "@all"),
        ("x/y/main.py", "@py dev@example.org"),
        ("docs/a/b.md", "@writers"),
        ("docs/b.md", "@editors"),
        ("deep/docs/b.md", "@all"),
        ("x/apps/y/z.txt", "@apps"),
        ("build/gen/a", "@gen"),
        ("build/x/y/gen", "@gen"),
        ("src/a/b/api/c.py", "@api"),
        ("secret file", "@keeper"),
        ("free.txt", ""),
        ("negated", "@all"),
        ("db/tables.sql", "@dba @dbb"),
        ("db/views/one.sql", "@views"),
        ("opt/a", ""),
    ],
)
def test_the_last_line_that_matches_counts(path: str, owners: str) -> None:
    assert " ".join(CodeOwners(TEXT).of(path)) == owners


def test_the_places_are_looked_at_in_the_order_of_the_hosting_services() -> None:
    files = {"CODEOWNERS": "* @root", "docs/CODEOWNERS": "* @docs"}
    assert read(MemorySource.of(files, time=0)).of("a") == ("@root",)
    files[".github/CODEOWNERS"] = "* @hub"
    assert read(MemorySource.of(files, time=0)).of("a") == ("@hub",)
    assert read(MemorySource.of({"a": ""}, time=0)).of("a") == ()


def test_a_hostile_pattern_takes_no_time_and_owns_what_it_says() -> None:
    owners = CodeOwners(f"{'**/' * 30}{'*a' * 200}*b @x\n{'/x' * 5000} @y\n[a-z] @z\n[[[ @w")

    assert owners.of("/".join(["a" * 200] * 5)) == ()
    assert owners.of("/".join(["a" * 500 + "b"] * 5)) == ("@x",)
