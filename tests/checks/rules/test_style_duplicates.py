"""Duplicate code: traps of the definition."""

from __future__ import annotations

from tests.checks.projects import ask, lines

RUN = """{0} = load(1)
{0}.sort()
if {0}:
    show({0}.name)
store({0}, "{0}")
log({0})
return {0}
"""


def function(name: str, body: str, head: str = "def") -> str:
    return f"{head} {name}(x):\n" + "".join(f"    {line}\n" for line in body.splitlines())


def flagged(*functions: str) -> list[int]:
    return lines(ask("duplicate-code", {"app/a.py": "".join(functions)}))


def test_local_names_and_literals_may_differ() -> None:
    assert flagged(function("f", RUN.format("a")), function("g", RUN.format("b"))) == [10]


def test_what_is_called_and_what_an_attribute_is_named_may_not() -> None:
    one = function("f", RUN.format("a"))
    assert flagged(one, function("g", RUN.format("a").replace("show", "hide"))) == []
    assert flagged(one, function("g", RUN.format("a").replace(".name", ".title"))) == []


def test_names_have_to_differ_in_the_same_way() -> None:
    mixed = RUN.format("b").replace("log(b)", "log(x)")
    assert flagged(function("f", RUN.format("a")), function("g", mixed)) == []


def test_five_statements_are_no_run() -> None:
    short = "\n".join(RUN.format("a").splitlines()[:5])
    assert flagged(function("f", short), function("g", short)) == []


def test_the_later_function_in_order_of_paths_is_found_once() -> None:
    code = function("f", RUN.format("a") * 2)
    outcome = ask("duplicate-code", {"app/b.py": code, "app/a.py": code})
    assert [(each.path, each.line) for each in outcome.observations] == [("app/b.py", 2)]
    assert outcome.sites == 2


def test_arguments_stored_by_a_constructor_are_no_run() -> None:
    stored = "".join(f"self.{name} = {name}\n" for name in "abcdefg")
    code = "".join(
        f"class {name}:\n    def __init__(self, a, b, c, d, e, f, g):\n"
        + "".join(f"        {line}\n" for line in stored.splitlines())
        for name in ("One", "Two")
    )
    assert ask("duplicate-code", {"app/a.py": code}).state == "not-applicable"


def test_a_run_within_one_function_is_left_to_its_author() -> None:
    assert flagged(function("f", RUN.format("a") * 2), function("g", "return 1")) == []
