"""First changes out of the formatter's diff."""

from __future__ import annotations

import pytest

from checks.facts.formatdiff import first_changes


def diff(old: list[str], new: list[str], *, start: int = 7) -> str:
    body = [" x = 1", *(f"-{line}" for line in old), *(f"+{line}" for line in new), " y = 2"]
    return "\n".join(
        ["--- ./f000001.py", "+++ ./f000001.py", f"@@ -{start},3 +{start},3 @@", *body]
    )


def test_the_line_is_the_first_that_changes() -> None:
    assert first_changes(diff(["a = [ 1 ]"], ["a = [1]"])) == {"./f000001.py": 8}
    assert first_changes(diff([], [""])) == {"./f000001.py": 8}


def test_each_file_has_its_own_line() -> None:
    two = diff(["a = [ 1 ]"], ["a = [1]"]).replace("f000001", "f000002")
    both = f"{diff(['b=1'], ['b = 1'], start=1)}\n{two}"
    assert first_changes(both) == {"./f000001.py": 2, "./f000002.py": 8}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (['a = "x" "z"'], ['a = "xz"']),
        (["    'x'", "    'z'"], ["    'xz'"]),
        (["""a = f"{ x['b'] }\""""], ['a = f"{x["b"]}"']),
    ],
)
def test_what_black_leaves_alone_is_no_difference(old: list[str], new: list[str]) -> None:
    assert first_changes(diff(old, new)) == {}


@pytest.mark.parametrize(
    ("old", "new"), [(["a = 'b'"], ['a = "b"']), (["a=''"], ['a = ""']), (["", ""], [""])]
)
def test_quotes_blank_lines_and_spaces_are(old: list[str], new: list[str]) -> None:
    assert first_changes(diff(old, new))
