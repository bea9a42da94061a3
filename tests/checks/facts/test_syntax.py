"""Tables of one Python blob: what is in them, and what hostile blobs do."""

from __future__ import annotations

import random
import textwrap
from pathlib import Path

import pytest

from checks.facts import tree
from checks.facts.syntax import extract
from checks.facts.tree import Block, CallRef, Const, Function, Name, PyFacts


def facts(text: str) -> PyFacts:
    """Facts of a text, read without an error."""
    found = extract(textwrap.dedent(text).lstrip("\n").encode())
    assert not found.error
    return found


def function(text: str, name: str = "f") -> Function:
    """The function of this name."""
    return next(each for each in facts(text).functions if each.name == name)


def blocks(text: str) -> list[tuple[str, int, int]]:
    """Kind, first and last line of every block in order of line."""
    found = [(each.kind, each.line, each.end_line) for each in facts(text).blocks]
    return sorted(found, key=lambda each: (each[1], each[2]))


# Tables ------------------------------------------------------------------------------------------


def test_functions_know_their_place_and_their_signature() -> None:
    found = facts(
        '''
        class A:
            @staticmethod
            async def f(a, /, b: int, *rest, c: str = "x", **more) -> "list[int]":
                """Doc."""
                def inner(): ...
                yield 1
        '''
    )
    method, inner = found.functions
    assert (method.qualname, method.line, method.column, method.end_line) == ("A.f", 3, 5, 6)
    assert (method.is_async, method.generator, method.cls, method.parent) == (True, True, 0, -1)
    kinds = [(each.name, each.kind) for each in method.params]
    assert kinds == [("a", "pos"), ("b", "arg"), ("rest", "vararg"), ("c", "kw"), ("more", "kwarg")]
    assert method.params[3].default == Const("str", "x")
    assert method.returns == tree.Item(Name("list"), Name("int"))
    assert [each.value for each in method.decorators] == [Name("staticmethod")]
    assert (method.docstring, inner.qualname, inner.parent, inner.shape) == (
        "Doc.", "A.f.inner", 0, "stub",
    )  # fmt: skip


def test_calls_are_in_order_of_their_start_with_receiver_and_arguments() -> None:
    found = facts(
        """
        async def f(db):
            x = await db.session.execute(select(User), flush=True)
            get()["a"].strip().format(*x, **y)
        """
    )
    assert [each.last for each in found.calls] == ["execute", "select", "format", "strip", "get"]
    execute, select = found.calls[0], found.calls[1]
    assert (execute.func, execute.awaited) == (Name("db.session.execute"), True)
    assert execute.args == (CallRef(1),)
    assert execute.keyword("flush") == Const("bool", True)
    assert (select.awaited, select.function, select.line) == (False, 0, 2)
    assert found.calls[2].keywords[0].name == ""


def test_imports_tell_what_they_bind() -> None:
    found = facts(
        """
        import a.b, c as d
        from ..e import f as g, h
        from i import *
        if TYPE_CHECKING:
            from j import k
        """
    )
    rows = [(each.module, each.level, each.name, each.alias) for each in found.imports]
    assert rows == [
        ("a.b", 0, "", ""),
        ("c", 0, "", "d"),
        ("e", 2, "f", "g"),
        ("e", 2, "h", "h"),
        ("i", 0, "*", "*"),
        ("j", 0, "k", "k"),
    ]
    assert [each.type_checking for each in found.imports] == [False] * 5 + [True]


def test_blocks_have_their_header_their_region_and_their_peer() -> None:
    text = """
    try:
        a()
    except (A, B) as exc:
        b()
    else:
        c()
    finally:
        d()
    for x in y:
        pass
    else:
        e()
    """
    assert blocks(text) == [
        ("try", 1, 2), ("except", 3, 4), ("tryelse", 6, 6), ("finally", 8, 8),
        ("for", 9, 10), ("loopelse", 12, 12),
    ]  # fmt: skip
    found = facts(text)
    handler = next(each for each in found.blocks if each.kind == "except")
    assert (handler.name, found.blocks[handler.peer].kind) == ("exc", "try")
    assert handler.exprs == (tree.Seq("tuple", (Name("A"), Name("B"))),)
    inside = {call.last: found.blocks[call.block].kind for call in found.calls}
    assert inside == {
        "a": "try", "b": "except", "c": "tryelse", "d": "finally", "e": "loopelse",
    }  # fmt: skip


def test_the_header_of_a_loop_is_outside_its_body() -> None:
    found = facts("for x in f():\n    g(x)\nwhile h():\n    i()\n[j(x) for x in k()]\n")
    kinds = {c.last: found.blocks[c.block].kind if c.block >= 0 else "" for c in found.calls}
    assert kinds == {"f": "", "g": "for", "h": "", "i": "while", "j": "comp", "k": ""}


def test_with_binds_its_targets_and_match_its_cases() -> None:
    found = facts(
        """
        with a() as b, c():
            pass
        match x:
            case 1 | a.b if y:
                pass
            case _:
                pass
        """
    )
    kinds: dict[str, list[Block]] = {}
    for each in found.blocks:
        kinds.setdefault(each.kind, []).append(each)
    assert kinds["with"][0].targets == (Name("b"), None)
    assert [each.exprs for each in kinds["case"]] == [(Name("y"),), ()]
    assert [each.targets for each in kinds["case"]] == [(Const("int", 1), Name("a.b")), ()]
    assert all(found.blocks[each.peer].kind == "match" for each in kinds["case"])


def test_raises_assignments_and_statements_are_told_apart() -> None:
    found = facts(
        """
        def f():
            global g
            a: int = 1
            a += 2
            if (b := c):
                raise X("y") from None
            yield a
            return b
        type T[U] = list[U]
        """
    )
    assert [each.op for each in found.assigns] == ["", "Add", ":=", "type[]"]
    assert found.assigns[0].annotation == Name("int")
    raised = found.raises[0]
    assert (raised.exc, raised.cause) == (CallRef(0), Const("NoneType"))
    assert [each.kind for each in found.statements] == ["global", "yield", "expr", "return"]
    assert found.statements[0].names == ("g",)


def test_expressions_keep_names_texts_and_operators() -> None:
    found = facts('x = [a.b.c, f"{a} is {b!r}", 1 + 2 + x, "%s" % y, a if b else c, {**d, "k": 1}]')
    value = found.assigns[0].value
    assert isinstance(value, tree.Seq)
    chain, text, add, mod, choice, mapping = value.items
    assert chain == Name("a.b.c")
    assert text == tree.Fmt((Name("a"), Const("str", " is "), Name("b")))
    assert add == tree.Bin("Add", (Const("int", 1), Const("int", 2), Name("x")))
    assert isinstance(mod, tree.Bin)
    assert mod.op == "Mod"
    assert choice == tree.Op("IfExp", (Name("b"), Name("a"), Name("c")))
    assert mapping == tree.Map((None, Const("str", "k")), (Name("d"), Const("int", 1)))


def test_reads_of_the_environment_have_their_own_line() -> None:
    found = facts(
        """
        import os
        from os import environ as env
        x = f(
            os.environ["A"],
            "B" in env,
            os.environ["C"][0],
            other["D"],
        )
        os.environ["E"] = "1"
        del env["F"]
        """
    )
    keys = [(each.line, tree.text_of(each.key)) for each in found.lookups]
    assert keys == [(4, "A"), (5, "B"), (6, "C")]


@pytest.mark.parametrize(
    ("body", "shape"),
    [
        ("...", "stub"),
        ("pass", "stub"),
        ("'''Doc.'''", "stub"),
        ("raise NotImplementedError", "stub"),
        ("raise NotImplementedError('x')", "stub"),
        ("'''Doc.'''; return {'a': 1}", "literal"),
        ("return f()", ""),
        ("a = 1; return a", ""),
    ],
)
def test_shapes_of_bodies(body: str, shape: str) -> None:
    assert function(f"def f(): {body}\n").shape == shape


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("A = 1\nB = {'a': [1, -2, 'x' 'y']}\n", True),
        ("import a\nA: int = 1\n", True),
        ("A = f(1)\n", False),
        ("A = [f(1)]\n", False),
        ("A = {x: 1 for x in y}\n", False),
        ("def f(): ...\n", False),
        ("", False),
    ],
)
def test_a_module_of_literals_is_data(text: str, data: bool) -> None:
    assert facts(text).data_only is data


def test_the_main_guard_and_the_first_lines_are_seen() -> None:
    found = facts(
        "# Code GENERATED by x. Do not edit.\nif '__main__' == __name__:\n    f()\n    g()\n"
    )
    assert found.generated
    assert found.main_guard == (2, 4)
    assert not extract(b"\n" * 5 + b"x = 1  # generated by\n").generated


def test_lines_of_code_leave_out_blanks_and_comments_but_not_texts() -> None:
    found = facts(
        '"""Doc."""\n\n# note\nx = """\n# text\n"""\ny = (\n    "a"\n    # note\n    "b")\n'
    )
    assert (found.lines, found.code_lines) == (10, 7)


# Hostile and odd blobs ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"def f(:\n", "line 1"),
        (b"\xff\xfe\x00x", "UTF-16"),
        (b"x = 1\x00\n", "NUL"),
        (b"print 'python 2'\n", "line 1"),
        (b"x = " + b"(" * 300 + b")" * 300, "parentheses"),
        (b"x = " + b"-" * 200_000 + b"1\n", "nested too deeply"),
    ],
)
def test_what_does_not_parse_says_why_and_has_no_tables(data: bytes, reason: str) -> None:
    found = extract(data)
    assert reason in found.error
    assert found.error_line >= 1
    assert not found.functions


@pytest.mark.parametrize("empty", [b"", b"\n", b"\xef\xbb\xbf", b"# only\n"])
def test_an_empty_file_has_empty_tables(empty: bytes) -> None:
    found = extract(empty)
    assert (found.error, found.statements_count) == ("", 0)


def test_a_long_sum_is_one_flat_row() -> None:
    found = facts("x = 1" + "+1" * 5_000 + "\n")
    value = found.assigns[0].value
    assert isinstance(value, tree.Bin)
    assert len(value.items) == 5_001


def test_a_thousand_elif_are_a_thousand_blocks() -> None:
    branches = "".join(f"    elif x == {n}:\n        f({n})\n" for n in range(1_000))
    found = facts(f"def f(x):\n    if x:\n        pass\n{branches}    else:\n        g()\n")
    assert sum(each.kind == "if" for each in found.blocks) == 1_001
    assert len(found.calls) == 1_001
    assert found.functions[0].complexity == 1_002


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"{' ' * n}if x:\n" for n in range(90)) + " " * 90 + "f()\n",
        "x = " + "f(" * 150 + ")" * 150 + "\n",
        "x = " + "[" * 150 + "]" * 150 + "\n",
        "x = a" + ".b()" * 3_000 + "\n",
        "x = a" + "[0]" * 3_000 + "\n",
        "x = a" + ".b" * 3_000 + "\n",
        "x = " + "a if b else " * 2_000 + "c\n",
        "x = " + " and ".join(["a"] * 5_000) + "\n",
        "x = " + " < ".join(["a"] * 5_000) + "\n",
        "x = " + "not " * 1_000 + "a\n",
        "x = " + "lambda: " * 100 + "a\n",
        "x = f'{" + "a + " * 500 + "b}'\n",
        "class A" + "(" + ", ".join(f"B{n}" for n in range(2_000)) + "): ...\n",
        "def f(" + ", ".join(f"a{n}=g({n})" for n in range(250)) + "): ...\n",
        "".join(f"{'    ' * n}def f{n}():\n" for n in range(90)) + "    " * 90 + "pass\n",
        "try: pass\n" + "".join(f"except E{n}: pass\n" for n in range(2_000)),
        "match x:\n" + "".join(f"    case {n}: pass\n" for n in range(2_000)),
    ],
)  # fmt: skip
def test_deep_and_wide_code_is_read_without_recursion_errors(text: str) -> None:
    found = extract(text.encode())
    assert found.error == "" or "nested too deeply" in found.error
    assert tree.DECODER.decode(tree.ENCODER.encode(found)) == found


def test_an_except_without_parentheses_of_python_3_14_is_read() -> None:
    text = """
    def f():
        try:
            g()
        except A, B:
            return 1
        except C.D, E, F:  # note
            return 2
    """
    found = extract(textwrap.dedent(text).encode())
    clauses = [each for each in found.blocks if each.kind == "except"]
    assert found.note == "read with the except syntax of Python 3.14"
    assert [each.exprs[0] for each in clauses] == [
        tree.Seq("tuple", (Name("A"), Name("B"))),
        tree.Seq("tuple", (Name("C.D"), Name("E"), Name("F"))),
    ]
    assert extract(b"try: f()\nexcept A, B as exc: g()\n").error


def test_hundreds_of_such_clauses_are_repaired_at_once() -> None:
    text = "".join(f"try:\n    f()\nexcept A{n}, B{n}:\n    pass\n" for n in range(500))
    found = extract(text.encode())
    assert sum(each.kind == "except" for each in found.blocks) == 500


def test_huge_numbers_lone_surrogates_and_long_texts_can_be_stored() -> None:
    found = facts(f"a = {'9' * 4000}\nb = '\\ud800'\nc = '{'x' * 9_000}'\nd = b'x'\ne = 1j\n")
    assert tree.DECODER.decode(tree.ENCODER.encode(found)) == found
    values = [each.value for each in found.assigns]
    assert values[0] == Const("int")
    assert values[1] == Const("str", "?")


def test_random_edits_of_real_code_never_break_the_extractor() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    chance = random.Random(7)
    for _ in range(60):
        start = chance.randrange(len(source))
        cut = source[:start] + chance.choice("():[]{}'\"\\\n\t#=,") + source[start + 5 :]
        found = extract(cut.encode("utf-8", "surrogatepass"))
        assert found.error or found.lines


def test_strings_that_are_statements_are_known_by_the_lines_of_their_words() -> None:
    found = facts(
        '''
        """Module."""


        class A:
            """

            Words.
            """

            x = 1
            "Below."
        '''
    )
    assert found.texts == ((1, 1, 1), (5, 7, 8), (11, 11, 11))
