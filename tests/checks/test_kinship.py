"""Which symbol is which, and what it costs to tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest

from checks import ground as ground_module
from checks.edits import words
from checks.ground import Between, Side
from checks.kinship import MOST_SAID, Kin
from checks.matching import Place
from checks.memorysource import MemorySource


class Purse:
    """Room that says what was taken from it."""

    def __init__(self, room: int = 10**9) -> None:
        self.room = room
        self.asked: list[int] = []

    def spend(self, pairs: int) -> bool:
        self.asked.append(pairs)
        if pairs > self.room:
            return False
        self.room -= pairs
        return True


def named(texts: Iterable[tuple[str, str]], path: str = "a.py") -> dict[Place, Counter[str]]:
    return {Place(path, name): words(text) for name, text in texts}


def straight(count: int, old: str, new: str, path: str = "a.py") -> dict[Place, Place]:
    """The first of before is the first of now, and so on."""
    return {
        Place("a.py", old.format(number)): Place(path, new.format(number))
        for number in range(count)
    }


def file(name: str, text: str, count: int) -> Side:
    return Side(MemorySource.of({name: "".join(map(text.format, range(count)))}, time=0))


def test_what_says_the_same_is_found_without_comparing_all_with_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    count = 200
    text = "class {}{{0}}:\n    def run(self):\n        return self.load({{0}}) + value{{0}}\n"
    expected = straight(count, "C{}.run", "D{}.run")
    monkeypatch.setattr(ground_module, "MOST_PAIRS_OF_ALL", 2 * count)
    ground = Between(file("a.py", text.format("C"), count), file("a.py", text.format("D"), count))

    assert ground.renamed(expected, expected.values()) == expected


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [("f{}", "g{}", "a.py"), ("C{}.run", "D{}.run", "b.py"), ("f{}", "f{}", "b.py")],
)
def test_what_was_edited_is_found_by_its_rare_words(old: str, new: str, path: str) -> None:
    count = 4 * MOST_SAID
    before = named((old.format(n), f"zero one two three four five{n} six{n}") for n in range(count))
    now = named((new.format(n), f"zero one two three four five{n} new") for n in range(count))
    now = {Place(path, place.name): said for place, said in now.items()}
    purse = Purse()

    assert Kin(before, now, purse.spend).pairs() == straight(count, old, new, path)
    # Each is held to one other, by the word that only both have and by those that all have.
    assert sum(purse.asked) < 10 * count


def test_symbols_that_share_only_what_all_say_are_not_compared() -> None:
    count = 4 * MOST_SAID
    before = named((f"f{n}", "one two three four five six seven") for n in range(count))
    now = named((f"g{n}", f"one two three four five six new{n}") for n in range(count))
    purse = Purse()

    assert Kin(before, now, purse.spend).pairs() == {}
    assert sum(purse.asked) == 0
    few = dict(list(now.items())[:MOST_SAID])
    assert len(Kin(before, few, purse.spend).pairs()) == MOST_SAID


def test_nothing_is_told_when_the_room_is_gone() -> None:
    before = named([("f", "one two three four five six"), ("test_of_a_long_name", "one")])
    now = named([("g", "one two three four five six"), ("test_of_a_long_name", "two")], "a.py")
    now |= {Place("b.py", "f"): words("one two three four five new")}

    assert Kin(before, now, Purse(0).spend).pairs() == {}
    assert Kin(before, now, Purse().spend).pairs() == {
        Place("a.py", "f"): Place("b.py", "f"),
        Place("a.py", "test_of_a_long_name"): Place("a.py", "test_of_a_long_name"),
    }


def test_a_telling_name_is_enough_and_the_most_alike_goes_first() -> None:
    name = "test_a_token_is_refused"
    before = named([(name, "one two")]) | named([(name, "three four")], "b.py")
    now = named([(name, "four five")], "c.py") | named([(name, "six")], "d.py")

    assert Kin(before, now, Purse().spend).pairs() == {
        Place("b.py", name): Place("c.py", name),
        Place("a.py", name): Place("d.py", name),
    }
    short = {Place(place.path, "run"): said for place, said in now.items()}
    assert Kin(named([("run", "one two")]), short, Purse().spend).pairs() == {}
