"""Matching is one to one, blind to line shifts and to order, and follows what moved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.matching import Level, Place, Rules, Site, Spot, Subject, match


def site(fingerprint: str, path: str = "app/a.py", symbol: str = "app.a:f", **more: Any) -> Site:
    given = {"check": "no-print", "anchor": "print", "text": fingerprint} | more
    return Site(fingerprint=fingerprint, path=path, symbol=symbol, **given)


class Moved(Level):
    """Ground on which some files, symbols and lines went elsewhere."""

    def __init__(
        self,
        files: Mapping[str, str] | None = None,
        symbols: Mapping[Place, Place] | None = None,
        edited: Mapping[Spot, Spot] | None = None,
    ) -> None:
        self.files, self.symbols, self.edited = files or {}, symbols or {}, edited or {}

    def moved(self, gone: Iterable[str], come: Iterable[str]) -> Mapping[str, str]:
        lost, new = set(gone), set(come)
        return {old: path for old, path in self.files.items() if old in lost and path in new}

    def renamed(self, gone: Iterable[Place], come: Iterable[Place]) -> Mapping[Place, Place]:
        lost, new = set(gone), set(come)
        return {old: to for old, to in self.symbols.items() if old in lost and to in new}

    def lines(
        self, gone: Iterable[Spot], come: Iterable[Spot], moved: Mapping[str, str]
    ) -> Mapping[Spot, Spot]:
        lost = set(gone)
        return {old: to for old, to in self.edited.items() if old in lost}


_CHECKS = st.sampled_from(["no-print", "thin-routes"])
_WORDS = st.sampled_from(["", "x", "y"])
_SITES = st.lists(
    st.builds(
        Site,
        check=_CHECKS,
        fingerprint=st.integers(0, 12).map(str),
        path=st.sampled_from(["", "a.py", "b.py", "c.py"]),
        symbol=st.sampled_from(["", "a", "a:f", "a:g", "b:f"]),
        anchor=_WORDS,
        text=_WORDS,
        blob=st.sampled_from(["", "1", "2"]),
        line=st.integers(0, 9),
        column=st.integers(0, 2),
        clauses=st.sampled_from([(), ("X-1",), ("X-2",)]),
    ),
    max_size=9,
    unique_by=lambda each: (each.check, each.fingerprint),
)
_GROUND = st.builds(
    Moved,
    st.dictionaries(st.sampled_from(["a.py", "b.py"]), st.just("c.py"), max_size=1),
    st.dictionaries(
        st.builds(Place, st.just("a.py"), st.just("f")),
        st.builds(Place, st.just("b.py"), st.sampled_from(["f", "g"])),
        max_size=1,
    ),
    st.dictionaries(
        st.builds(Spot, st.just("a.py"), st.integers(1, 9)),
        st.builds(Spot, st.sampled_from(["a.py", "b.py"]), st.just(1)),
        max_size=1,
    ),
)
RULES = Rules(
    predecessors={"thin-routes": ("no-print",)},
    wide=frozenset({"no-print"}),
    subjects={"thin-routes": "symbol"},
)


def named(before: Sequence[Site], now: Sequence[Site], pairs: Mapping[int, int]) -> set[object]:
    return {
        ((before[a].check, before[a].fingerprint), (now[b].check, now[b].fingerprint))
        for a, b in pairs.items()
    }


@given(_SITES, _SITES, _GROUND)
def test_each_finding_has_one_partner_of_the_same_check_or_its_heir(
    before: list[Site], now: list[Site], ground: Moved
) -> None:
    pairs = match(before, now, ground, lambda: RULES)

    assert len(set(pairs.values())) == len(pairs)
    assert {(before[a].check, now[b].check) for a, b in pairs.items()} <= {
        ("no-print", "no-print"),
        ("thin-routes", "thin-routes"),
        ("no-print", "thin-routes"),
    }


@given(_SITES, _SITES, _GROUND, st.randoms(use_true_random=False))
def test_the_order_of_either_side_does_not_matter(
    before: list[Site], now: list[Site], ground: Moved, chance: object
) -> None:
    shuffled = list(before), list(now)
    for side in shuffled:
        chance.shuffle(side)  # type: ignore[attr-defined]

    first = named(before, now, match(before, now, ground, lambda: RULES))
    assert named(*shuffled, match(*shuffled, ground, lambda: RULES)) == first


@given(_SITES, _SITES, st.integers(1, 400))
def test_code_that_is_pushed_down_as_a_whole_matches_as_before(
    before: list[Site], now: list[Site], shift: int
) -> None:
    # What was moved with its content is told by the place in that content, so contents differ.
    before = [msgspec.structs.replace(each, blob="") for each in before]
    pushed = [msgspec.structs.replace(each, line=each.line + shift) for each in now]

    assert match(before, pushed) == match(before, now)


@given(_SITES)
def test_the_same_report_matches_itself(now: list[Site]) -> None:
    assert match(now, now) == {index: index for index in range(len(now))}


@given(_SITES, _SITES)
def test_what_has_the_same_fingerprint_and_line_is_never_apart(
    before: list[Site], now: list[Site]
) -> None:
    known = {(each.check, each.fingerprint) for each in before}
    again = [each for each in now if (each.check, each.fingerprint) in known]
    same = [each for each in before if each in again]

    pairs = named(before, now, match(before, now))

    assert pairs >= {((e.check, e.fingerprint), (e.check, e.fingerprint)) for e in same}


def test_of_equals_the_one_whose_line_is_gone_is_closed() -> None:
    before = [site("1", text="print(a)"), site("2", text="print(b)"), site("3", text="print(c)")]
    now = [site("1", text="print(b)"), site("2", text="print(c)")]

    assert match(before, now) == {1: 0, 2: 1}


def test_a_changed_line_at_the_same_place_is_the_same_finding() -> None:
    assert match([site("1", text="print(a)")], [site("1", text="print(a, b)")]) == {0: 0}


def test_the_same_content_under_another_path() -> None:
    before = [site("1", blob="x", line=3), site("2", blob="x", line=9)]
    now = [
        site("7", "lib/b.py", "lib.b:f", blob="x", line=9),
        site("8", "lib/b.py", "lib.b:f", blob="x", line=3),
    ]

    assert match(before, now) == {0: 1, 1: 0}


def test_a_file_that_was_renamed_and_changed() -> None:
    before = [site("1", "app/a.py", "app.a:f"), site("2", "app/a.py", "app.a:g")]
    now = [site("8", "lib/b.py", "lib.b:g"), site("9", "lib/b.py", "lib.b:f")]

    assert match(before, now, Moved({"app/a.py": "lib/b.py"})) == {0: 1, 1: 0}
    assert match(before, now) == {}


@pytest.mark.parametrize(("old", "new"), [("print", "print"), ("f", "run"), ("on f", "on run")])
def test_a_function_that_was_renamed(old: str, new: str) -> None:
    before = [site("1", anchor=old)]
    now = [site("9", symbol="app.a:run", anchor=new)]
    ground = Moved(symbols={Place("app/a.py", "f"): Place("app/a.py", "run")})

    assert match(before, now, ground) == {0: 0}
    assert match(before, now) == {}


def test_a_line_that_stands_still_in_a_renamed_function_may_be_called_otherwise() -> None:
    before = [site("1", anchor="POST /admin/role", text="def f():")]
    now = [site("9", symbol="app.a:run", anchor="POST /role", text="def f():")]
    ground = Moved(symbols={Place("app/a.py", "f"): Place("app/a.py", "run")})

    assert match(before, now, ground) == {0: 0}
    other = msgspec.structs.replace(now[0], text="def g():")
    assert match(before, [other], ground) == {}


def test_a_line_that_went_into_another_function_of_the_file() -> None:
    before = [site("1", text="print(a)")]

    assert match(before, [site("9", symbol="app.a:g", text="print(a)")]) == {0: 0}
    assert match(before, [site("9", symbol="app.a:g", text="print(b)")]) == {}
    assert match(before, [site("9", "app/b.py", "app.b:g", text="print(a)")]) == {}


EDITED = Moved(edited={Spot("app/a.py", 4): Spot("app/a.py", 7)})


def edited(**now: Any) -> dict[int, int]:
    """What becomes of a finding whose line was edited and shifted."""
    old = site("1", anchor="warn:%", line=4, clauses=("X-1",), message="Built by `%`")
    new: dict[str, Any] = {
        "anchor": "warning:%",
        "line": 7,
        "clauses": ("X-1",),
        "message": "Built by f",
    } | now
    return match([old], [site("9", **new)], EDITED)


def test_a_line_that_was_edited_within_its_symbol() -> None:
    assert edited() == {0: 0}
    # Two clauses ask for opposites: one is met, the other no longer.
    assert edited(clauses=("X-2",)) == {}
    assert edited(message="Nobody closes it") == {}
    # Another line of the same function, and the line where it does something else.
    assert edited(line=8) == {}
    assert edited(symbol="app.a:g") == {}


def test_a_line_that_was_carried_into_another_file() -> None:
    before = [site("1", line=4)]
    ground = Moved(edited={Spot("app/a.py", 4): Spot("lib/b.py", 9)})

    assert match(before, [site("9", "lib/b.py", "lib.b:run", text="1", line=9)], ground) == {0: 0}
    assert match(before, [site("9", "lib/b.py", "lib.b:run", text="2", line=9)], ground) == {}


def test_of_two_findings_on_an_edited_line_each_goes_to_what_is_called_the_same() -> None:
    before = [site("1", anchor="a", text="x", line=4), site("2", anchor="b", text="x", line=4)]
    now = [
        site("8", symbol="app.a:g", anchor="b", text="x", line=7),
        site("9", symbol="app.a:g", anchor="c", text="x", line=7),
    ]

    assert match(before, now, EDITED) == {1: 0, 0: 1}


def test_what_is_asked_of_the_project_is_the_same_wherever_it_points() -> None:
    before = [site("1", "Pipfile", "", anchor="structlog", text="x")]
    now = [site("9", "pyproject.toml", "", anchor="structlog", text="y")]
    wide = Rules(wide=frozenset({"no-print"}))

    assert match(before, now, None, lambda: wide) == {0: 0}
    assert match(before, now) == {}
    assert (
        match(before, [*now, site("10", "x.toml", "", anchor="structlog")], None, lambda: wide)
        == {}
    )


def subject(kind: Subject) -> Callable[[], Rules]:
    return lambda: Rules(subjects={"no-print": kind})


def test_what_names_one_place_of_a_symbol_stays_when_it_names_the_next_one() -> None:
    before = [site("1", anchor="get", text="x", line=3)]
    now = [site("9", anchor="all", text="y", line=5)]

    assert match(before, now, None, subject("symbol")) == {0: 0}
    assert match(before, now) == {}
    # Another function, and one of which both clauses and place are others.
    elsewhere = msgspec.structs.replace(now[0], symbol="app.a:g")
    assert match(before, [elsewhere], None, subject("symbol")) == {}
    other = msgspec.structs.replace(now[0], clauses=("X-2",))
    assert match(before, [other], None, subject("symbol")) == {}
    # Two of one name cannot be told apart.
    assert match(before, [*now, site("8", anchor="b")], None, subject("symbol")) == {}


def test_what_names_one_place_of_a_symbol_follows_the_symbol() -> None:
    before = [site("1", anchor="get", text="x")]
    ground = Moved(symbols={Place("app/a.py", "f"): Place("lib/b.py", "run")})
    now = [site("9", "lib/b.py", "lib.b:run", anchor="all", text="y")]

    assert match(before, now, ground, subject("symbol")) == {0: 0}
    assert match(before, now, ground) == {}


def test_what_names_one_place_of_a_file_or_of_the_project_may_name_another() -> None:
    before = [site("1", anchor="get", text="x")]
    inside = [site("9", symbol="app.a:g", anchor="all", text="y")]
    outside = [site("9", "lib/b.py", "lib.b:g", anchor="all", text="y")]

    assert match(before, inside, None, subject("file")) == {0: 0}
    assert match(before, outside, None, subject("file")) == {}
    moved = Moved({"app/a.py": "lib/b.py"})
    assert match(before, outside, moved, subject("file")) == {0: 0}
    assert match(before, outside, None, subject("project")) == {0: 0}


def test_what_is_asked_of_the_project_may_point_elsewhere_in_its_file() -> None:
    wide = Rules(wide=frozenset({"no-print"}))
    before = [site("1", symbol="app.a:create_app", anchor="gzip", text="x")]
    now = [site("9", symbol="app.a", anchor="gzip", text="y")]

    assert match(before, now, None, lambda: wide) == {0: 0}
    assert match(before, now) == {}
    two = [*now, site("10", symbol="app.a:run", anchor="gzip", text="z")]
    assert match(before, two, None, lambda: wide) == {}
    # What is about no file is told apart by its symbol: a commit is not the next one.
    commits = [site(name, "", f"commit:{name}", anchor="tests", text="") for name in "12"]
    assert match(commits[:1], commits[1:], None, lambda: wide) == {}


def test_a_renamed_check_takes_over_what_its_predecessor_found() -> None:
    before = [site("1", check="print-calls"), site("2", check="print-calls", symbol="app.a:g")]
    now = [site("8", text="1", anchor="call"), site("9", text="2", symbol="app.a:g")]
    rules = Rules(predecessors={"no-print": ("print-calls",)})

    assert match(before, now, None, lambda: rules) == {0: 0, 1: 1}
    assert match(before, now) == {}


def test_a_split_check_hands_each_finding_to_the_part_that_found_it() -> None:
    before = [site("1", check="output"), site("2", check="output", symbol="app.a:g")]
    now = [
        site("8", check="no-print", text="1"),
        site("9", check="no-pprint", text="2", symbol="app.a:g"),
    ]
    rules = Rules(predecessors={"no-print": ("output",), "no-pprint": ("output",)})

    assert match(before, now, None, lambda: rules) == {0: 0, 1: 1}
