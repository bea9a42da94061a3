"""Which function or class that came is which one that went, told from their names and words."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from checks.edits import Shared
from checks.matching import Place

MOST_SAID = 50
"""Files that came which have one line; what stands in more of them tells nothing of any.

Where more symbols of one name or one file came, a word of so many finds none that is like another.
"""
MOST_SYMBOLS = 5_000
"""Symbols of one name or one file, gone and come, that are compared where words differ."""
SAME_NAME, SAME_WORD, OTHER_NAME = 0.3, 0.5, 0.7
"""Share of words of a block that is called the same, called the same in another class, called anew.

In another class of its file, or when the name is telling, a block is held to the first of these;
and so is a file that goes to another folder under a telling name."""
TELLING = 15
"""Characters from which a name tells that a symbol was moved, however rewritten.

So it does of a file where one alone went and one alone came under that name."""
_LEAST_WORDS = 6
_NEVER = 2.0
"""More than anything is alike."""


class Kin:
    """Which symbol of before is which of now: called the same, then by its own name, then anew.

    What says the same is found by that. Only what is left of one name or one file is compared.

    Args:
        before: The symbols that are gone with their words, in their order.
        now: Those that came, in their order.
        spend: Takes what a comparison costs from what is left, if there is enough.
    """

    def __init__(
        self,
        before: Mapping[Place, Counter[str]],
        now: Mapping[Place, Counter[str]],
        spend: Callable[[int], bool],
    ) -> None:
        self._before, self._now, self._spend = before, now, spend
        self._found: dict[Place, Place] = {}
        self._taken: set[Place] = set()

    def pairs(self) -> dict[Place, Place]:
        """The symbols one to one, the nearest first."""
        # Each step leaves to the next what has no name and no words in common with what is left,
        # so a later step needs to pass over only what an earlier one held to be no kin.
        for old, new in self._groups(lambda place: place.name):
            self._equal(old, new)
            telling = len(_word(old[0])) >= TELLING
            self._alike(old, new, lambda *_, least=0.0 if telling else SAME_NAME: least)
            if telling:
                self._in_order(old, new)
        for old, new in self._groups(_word):
            self._equal(old, new)
            self._alike(old, new, _least_of_word)
        for old, new in self._groups(lambda place: place.path):
            self._equal(old, new, _LEAST_WORDS)
            self._alike(old, new, _least_of_other, _LEAST_WORDS)
        return self._found

    def _groups(self, key: Callable[[Place], str]) -> Iterator[tuple[list[Place], list[Place]]]:
        """What is left of both commits, by what the key says, where both have some."""
        here, there = defaultdict[str, list[Place]](list), defaultdict[str, list[Place]](list)
        for place in self._left(self._before):
            here[key(place)].append(place)
        for place in self._free(self._now):
            there[key(place)].append(place)
        return ((old, there[name]) for name, old in here.items() if name in there)

    def _left(self, old: Iterable[Place]) -> list[Place]:
        return [place for place in old if place not in self._found]

    def _free(self, new: Iterable[Place]) -> list[Place]:
        return [place for place in new if place not in self._taken]

    def _pair(self, old: Place, new: Place) -> None:
        self._found[old] = new
        self._taken.add(new)

    def _equal(self, old: Iterable[Place], new: Sequence[Place], least: int = 0) -> None:
        """Pair what has the same words, in their order."""
        waiting = defaultdict[frozenset[tuple[str, int]], list[Place]](list)
        for place in reversed(new):
            waiting[frozenset(self._now[place].items())].append(place)
        for place in old:
            mine = self._before[place]
            equals = waiting.get(frozenset(mine.items()))
            if equals and mine.total() >= least and self._spend(1):
                self._pair(place, equals.pop())

    def _in_order(self, old: Iterable[Place], new: Iterable[Place]) -> None:
        for place, target in zip(self._left(old), self._free(new), strict=False):
            if self._spend(1):
                self._pair(place, target)

    def _alike(
        self,
        old: Iterable[Place],
        new: Iterable[Place],
        least: Callable[[Place, Place], float],
        words: int = 0,
    ) -> None:
        """Pair what shares enough of its words, the most alike first."""
        old, new = self._left(old)[:MOST_SYMBOLS], self._free(new)[:MOST_SYMBOLS]
        if not old or not new:
            return
        scored = sorted(
            (-score, place, target)
            for place, target, shared, score in self._likeness(old, new)
            if shared >= words and score >= least(place, target)
        )
        for place, target in best((place, target) for _, place, target in scored).items():
            self._pair(place, target)

    def _likeness(
        self, old: Iterable[Place], new: Sequence[Place]
    ) -> Iterator[tuple[Place, Place, int, float]]:
        """How many words symbols share, and which share of theirs; where it is a rare one."""
        said = Counter(word for place in new for word in self._now[place])
        common = {word for word, count in said.items() if count > MOST_SAID}
        there = Shared({place: without(common, self._now[place]) for place in new})
        totals = {place: self._now[place].total() for place in new}
        for place in old:
            mine = self._before[place]
            rare, often, total = without(common, mine), mine.keys() & common, mine.total()
            if not self._spend(there.cost(rare)):
                continue
            near = there.common(rare)
            if self._spend(len(near) * len(often)):
                for target, shared in near.items():
                    other = self._now[target]
                    both = shared + sum(min(mine[word], other[word]) for word in often)
                    yield place, target, both, 2 * both / (total + totals[target])


def _least_of_word(old: Place, new: Place) -> float:
    """The likeness from which symbols with the same own name are one."""
    word = _word(old)
    if old.name == new.name:
        return _NEVER
    telling = len(word) >= TELLING or old.path == new.path
    return SAME_NAME if telling and not word.startswith("__") else SAME_WORD


def _least_of_other(old: Place, new: Place) -> float:
    """The likeness from which symbols of one file with other names are one."""
    return _NEVER if _word(old) == _word(new) else OTHER_NAME


def best[T](pairs: Iterable[tuple[T, T]]) -> dict[T, T]:
    """The pairs one to one, the first that names either side counts."""
    chosen: dict[T, T] = {}
    taken: set[T] = set()
    for old, new in pairs:
        if old not in chosen and new not in taken:
            chosen[old] = new
            taken.add(new)
    return chosen


def without(common: set[str], counted: Counter[str]) -> Counter[str]:
    """What is counted, but for what is common."""
    return Counter({text: count for text, count in counted.items() if text not in common})


def _word(place: Place) -> str:
    return place.name.rpartition(".")[2]
