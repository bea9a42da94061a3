"""Where files and symbols went, told from the text of two commits."""

from __future__ import annotations

import pytest

from checks import ground as ground_module
from checks.ground import MOST_PAIRS_OF_ALL, Between, Side, known_rules, sites
from checks.kinship import MOST_SAID
from checks.matching import Place, Spot, match
from checks.memorysource import MemorySource
from checks.model import Finding
from checks.outline import outline

BODY = "    first = load()\n    second = first + 1\n    return store(second)\n"


def side(**files: str) -> Side:
    named = {name.replace("__", "/") + ".py": text for name, text in files.items()}
    return Side(MemorySource.of(named, time=0))


def between(before: Side, now: Side) -> Between:
    return Between(before, now)


def test_blocks_are_named_by_what_they_lie_in() -> None:
    method = "    def b(\n        self,\n    ) -> int:\n"
    body = BODY.replace("    ", "        ")
    text = f"class A:\n{method}{body}\nasync def c():\n    pass\n"
    found = outline(text.encode())

    assert list(found.blocks) == ["A", "A.b", "c"]
    assert found.blocks["c"] == {"pass": 1}
    assert found.blocks["A.b"]["second"] == 2
    assert found.lines["first = load()"] == 1


def test_a_file_with_most_of_its_lines_under_a_new_path_was_moved() -> None:
    ground = between(
        side(app__a="def f():\n" + BODY, app__b="x = 1\n"),
        side(lib__a="def f():\n" + BODY + "\n\nVALUE = 1\n", app__b="x = 1\n", new="y = 2\n"),
    )

    assert ground.moved(["app/a.py"], ["lib/a.py", "new.py"]) == {"app/a.py": "lib/a.py"}
    assert ground.moved(["app/a.py"], ["new.py"]) == {}


@pytest.mark.parametrize(("name", "moved"), [("test_refresh_endpoint", True), ("test_a", False)])
def test_a_file_with_a_telling_name_may_be_rewritten_more(name: str, moved: bool) -> None:
    before = "import x\n\n\ndef test_one():\n    one()\n    two()\n    three()\n"
    now = before.replace("one()", "first()").replace("two()", "second()") + "    four()\n"
    ground = between(side(**{f"unit__{name}": before}), side(**{f"api__{name}": now}))

    assert bool(ground.moved([f"unit/{name}.py"], [f"api/{name}.py"])) is moved


def test_one_file_alone_under_a_telling_name_was_moved_however_rewritten() -> None:
    name = "test_refresh_endpoint"
    paths = [f"unit/{name}.py"], [f"api/{name}.py"]
    gone = side(**{f"unit__{name}": "one()\ntwo()\n"})

    came = {f"api__{name}": "three()\n"}
    assert between(gone, side(**came)).moved(*paths) == {paths[0][0]: paths[1][0]}
    # Two came that may be meant, one of them without any finding; or the name tells little.
    two = side(**came, **{f"web__{name}": "y = 1\n"})
    assert between(gone, two).moved(*paths) == {}
    short = between(side(unit__test_a="one()\n"), side(api__test_a="two()\n"))
    assert short.moved(["unit/test_a.py"], ["api/test_a.py"]) == {}


def test_a_file_that_is_still_there_was_not_moved() -> None:
    ground = between(side(a="def f():\n" + BODY), side(a="x = 1\n", b="def f():\n" + BODY))

    assert ground.moved(["a.py"], ["b.py"]) == {}


def test_files_that_were_moved_share_one_room_with_what_is_told_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = [f"def f{n}():\n    first{n} = 1\n    last{n} = 2\n" for n in range(3)]
    old = side(**{f"app__m{n}": text for n, text in enumerate(texts)}, k="def g():\n" + BODY)
    new = side(
        **{f"lib__m{n}": text + "more = 3\n" for n, text in enumerate(texts)},
        k="def run():\n" + BODY,
    )
    paths = [[f"{folder}/m{n}.py" for n in range(3)] for folder in ("app", "lib")]
    names = [Place("k.py", "g")], [Place("k.py", "run")]

    monkeypatch.setattr(ground_module, "MOST_PAIRS_OF_ALL", 6)
    ground = between(old, new)
    assert ground.moved(*paths) == dict(zip(paths[0][:2], paths[1][:2], strict=True))
    assert ground.renamed(*names) == {}
    monkeypatch.undo()
    ground = between(old, new)
    assert ground.moved(*paths) == dict(zip(*paths, strict=True))
    assert ground.renamed(*names) == {names[0][0]: names[1][0]}


def test_lines_that_stand_in_many_files_do_not_make_two_of_them_one() -> None:
    header = "".join(f"# Line {n} of the licence.\n" for n in range(9))
    one = side(app__a=f"{header}one()\n", app__b=f"{header}first()\nlast()\n")
    many = {f"lib__n{n}": f"{header}other{n}()\n" for n in range(MOST_SAID)}
    now = side(**many, lib__c=f"{header}first()\nlast()\nmore()\n")
    came = [f"lib/n{n}.py" for n in range(MOST_SAID)] + ["lib/c.py"]

    assert between(one, now).moved(["app/a.py", "app/b.py"], came) == {"app/b.py": "lib/c.py"}


def test_files_with_one_content_go_to_what_is_called_the_same() -> None:
    text = "def f():\n" + BODY
    ground = between(side(app__a=text, app__b=text), side(lib__b=text, lib__c=text))

    found = ground.moved(["app/a.py", "app/b.py"], ["lib/b.py", "lib/c.py"])
    assert found == {"app/b.py": "lib/b.py", "app/a.py": "lib/c.py"}


@pytest.mark.parametrize(
    ("before", "now", "old", "new"),
    [
        ({"a": f"def f():\n{BODY}"}, {"a": f"def run():\n{BODY}"}, ("a.py", "f"), ("a.py", "run")),
        (
            {"a": f"x = 1\ndef f():\n{BODY}"},
            {"a": "x = 1\n", "b": f"def f():\n{BODY}"},
            ("a.py", "f"),
            ("b.py", "f"),
        ),
        (
            {"a": "x = 1\ndef test_a_token_is_refused():\n    one()\n"},
            {"a": "x = 1\n", "b": "def test_a_token_is_refused(two, three):\n    four()\n"},
            ("a.py", "test_a_token_is_refused"),
            ("b.py", "test_a_token_is_refused"),
        ),
        (
            {"a": f"def make(a, b):\n    return Store(a).put(b)\n\ndef g():\n{BODY}"},
            {
                "a": f"def g():\n{BODY}\nclass View:\n    def make(self, a: int, b: int) -> Row:\n"
                "        check(a)\n        return Store(self.base, a).put(b)\n"
            },
            ("a.py", "make"),
            ("a.py", "View.make"),
        ),
        (
            {"a": f"class A:\n    x: int\n    y: int\n\ndef g():\n{BODY}"},
            {"a": f"def g():\n{BODY}", "b": "class A:\n    x: int\n    y: int\n"},
            ("a.py", "A.x"),
            ("b.py", "A.x"),
        ),
    ],
)
def test_a_symbol_that_is_gone_is_found_where_it_came(
    before: dict[str, str], now: dict[str, str], old: tuple[str, str], new: tuple[str, str]
) -> None:
    ground = between(side(**before), side(**now))

    assert ground.renamed([Place(*old)], [Place(*new)]) == {Place(*old): Place(*new)}


@pytest.mark.parametrize(
    ("before", "now"),
    [
        # Both were there before: one was mended, the other got worse.
        (
            {"a": f"def f():\n{BODY}\ndef g():\n{BODY}"},
            {"a": f"def f():\n    pass\ndef g():\n{BODY}"},
        ),
        # Nothing alike but the file.
        ({"a": f"def f():\n{BODY}"}, {"a": "def g():\n    return 1\n"}),
    ],
)
def test_a_symbol_that_was_mended_is_no_other(before: dict[str, str], now: dict[str, str]) -> None:
    ground = between(side(**before), side(**now))

    assert ground.renamed([Place("a.py", "f")], [Place("a.py", "g")]) == {}


def finding(path: str, line: int, symbol: str, fingerprint: str) -> Finding:
    return Finding(
        check="no-print",
        clauses=("X-1",),
        path=path,
        line=line,
        end_line=line,
        column=1,
        symbol=symbol,
        message="printed",
        measured="",
        limit="",
        fingerprint=fingerprint,
        suppressed=False,
        uncertain=False,
        gain={},
    )


def test_a_finding_follows_its_function_into_another_file() -> None:
    old, new = side(a=f"x = 1\ndef f():\n{BODY}"), side(a="x = 1\n", b=f"\n\ndef f():\n{BODY}")
    anchors = {("no-print", "1"): "print", ("no-print", "2"): "print"}
    before = sites([finding("a.py", 3, "a:f", "1")], anchors, old)
    now = sites([finding("b.py", 4, "b:f", "2")], anchors, new)

    assert before[0].text == now[0].text != ""
    assert match(before, now, Between(old, new)) == {0: 0}


def test_a_known_line_is_not_read_again() -> None:
    here = side(a="print(1)\n")
    [seen] = sites([finding("a.py", 1, "a", "1")], {}, here, lambda *_: "remembered")

    assert (seen.text, seen.anchor, seen.blob) == ("remembered", "printed", here.blob("a.py"))


def test_the_built_checks_say_which_of_them_are_about_the_project() -> None:
    wide = known_rules().wide

    assert "required-dependency" in wide
    assert "no-print" not in wide


def test_the_catalogue_says_which_checks_name_one_place_of_their_subject() -> None:
    subjects = known_rules().subjects

    assert subjects["routes-no-db-access"] == "symbol"
    assert subjects["routes-only-endpoints"] == "file"
    assert subjects["alembic-configured"] == "project"
    # Several places of a function, several sites of a file, one finding for each limit.
    assert not {"blocking-call-in-async", "no-print", "app-middleware"} & subjects.keys()


LOGGED = (
    "def f(a):\n    first = load(a)\n"
    '    log.warn("%s is gone", a)\n    last = mend(first)\n    return store(last)\n'
)


def test_a_line_that_was_edited_is_found_below_what_was_put_in_front() -> None:
    now = "import x\n\n\n" + LOGGED.replace("warn(", "warning(")
    ground = between(side(a=LOGGED), side(a=now))

    assert ground.lines([Spot("a.py", 3)], [Spot("a.py", 6)], {}) == {
        Spot("a.py", 3): Spot("a.py", 6)
    }


def test_a_line_that_was_edited_is_found_in_the_file_that_was_moved() -> None:
    ground = between(side(a=LOGGED), side(b=LOGGED.replace("warn(", "warning(")))

    assert ground.lines([Spot("a.py", 3)], [], {"a.py": "b.py"}) == {
        Spot("a.py", 3): Spot("b.py", 3)
    }


def test_a_line_that_was_mended_goes_where_it_went_whatever_else_is_found() -> None:
    now = LOGGED.replace('"%s is gone", a', '"gone", who=a').replace("(first)", "(first, log.warn)")
    ground = between(side(a=LOGGED), side(a=now))

    assert ground.lines([Spot("a.py", 3)], [Spot("a.py", 4)], {}) == {
        Spot("a.py", 3): Spot("a.py", 3)
    }


def test_a_line_that_was_carried_into_another_file_is_known_by_its_neighbours() -> None:
    body = LOGGED.partition("\n")[2]
    carried = "class F:\n    def run(self, a):\n" + body.replace("    ", "        ")
    apart = 'def g():\n    log.warn("%s is gone", a)\n    done()\n'
    before, now = side(a=LOGGED, b="y = 2\n"), side(a="y = 1\n", b="y = 2\n" + carried, c=apart)

    spots = [Spot("b.py", 5), Spot("c.py", 2)]
    assert between(before, now).lines([Spot("a.py", 3)], spots, {}) == {
        Spot("a.py", 3): Spot("b.py", 5)
    }


def test_a_line_that_still_stands_was_not_carried() -> None:
    ground = between(side(a=LOGGED), side(a=LOGGED, b=LOGGED))

    assert ground.lines([Spot("a.py", 3)], [Spot("b.py", 3)], {}) == {}


def test_a_line_that_stood_there_before_did_not_come() -> None:
    ground = between(side(a=LOGGED, b=LOGGED), side(a="x = 1\n", b=LOGGED))

    assert ground.lines([Spot("a.py", 3)], [Spot("b.py", 3)], {}) == {}


def test_all_files_share_one_room_in_the_order_of_their_paths() -> None:
    names = [f"f{n:02}" for n in range(30)]
    texts = ["".join(f"{word}{n} = same\n" for n in range(300)) for word in ("before", "now")]
    ground = between(*(side(**dict.fromkeys(names, text)) for text in texts))
    first = [Spot(f"{name}.py", 1) for name in names]

    room = MOST_PAIRS_OF_ALL // (300 * 300)
    assert ground.lines(first, [], {}) == {spot: spot for spot in first[:room]}
