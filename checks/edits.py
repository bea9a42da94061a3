"""Which line of a text became which line of the next one, told from what stands in them.

Lines that both texts have in one order stand still. Between them lie passages that differ: a line
in there was edited into the one that has most of its words, or it is gone.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

import msgspec

_WORD = re.compile(r"\w+")
SAME_LINE = 0.6
"""Share of the shorter line's words that both have when one was edited into the other."""
_LEAST_WORDS = 2
MOST_PAIRS = 400_000
"""Pairs of equal words, one in a line of before and one in a line of now, that one text may cost.

A passage that needs more than is left of them is not followed: its lines are gone and new."""
_DEEPEST = 50
"""How often a part is parted again: code is done after a few times, and the rest has an end."""


class Edit(msgspec.Struct, frozen=True):
    """What was done to a text; lines count from 1.

    Attributes:
        became: The line of now that a line of before was edited into.
        gone: Lines of before that stand there no longer, edited ones among them.
        come: Lines of now that did not stand there.
        pairs: Pairs of equal words that were compared.
    """

    became: Mapping[int, int]
    gone: frozenset[int]
    come: frozenset[int]
    pairs: int = 0


def words(text: str) -> Counter[str]:
    """How often each word stands in a text."""
    return Counter(_WORD.findall(text))


def alike(one: Counter[str], other: Counter[str]) -> float:
    """Share of what is counted that both have, 0 to 1; two that are empty are alike."""
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 1.0


def edit(before: Sequence[str], now: Sequence[str], room: int = MOST_PAIRS) -> Edit:
    """What was done to a text, by its lines without indentation.

    Args:
        before: The text as it was.
        now: The text as it is.
        room: Pairs of equal words that may be compared; passages take from it in their order.
    """
    became: dict[int, int] = {}
    gone: set[int] = set()
    come: set[int] = set()
    left = room
    for old, new in passages(before, now):
        gone.update(old)
        come.update(new)
        if old and new:
            passage = _Passage(before, now, old, new)
            if passage.pairs <= left:
                left -= passage.pairs
                became.update(passage.edited())
    return Edit(
        {old + 1: new + 1 for old, new in became.items()},
        frozenset(index + 1 for index in gone),
        frozenset(index + 1 for index in come),
        room - left,
    )


class Shared[K]:
    """Texts that a further one is compared with, by what is counted in each.

    Only what stands in both is looked at, so that a comparison costs no more than it tells.
    """

    def __init__(self, texts: Mapping[K, Counter[str]]) -> None:
        self._totals = {name: found.total() for name, found in texts.items()}
        self._where = defaultdict[str, list[tuple[K, int]]](list)
        for name, found in texts.items():
            for word, count in found.items():
                self._where[word].append((name, count))

    def cost(self, mine: Counter[str]) -> int:
        """Pairs of equal words, one in a text and one in another, that comparing it looks at."""
        return sum(len(self._where.get(word, ())) for word in mine)

    def total(self, name: K) -> int:
        """How many words a text has."""
        return self._totals[name]

    def common(self, mine: Counter[str]) -> Mapping[K, int]:
        """How many words each text shares with another one, where it is any."""
        shared: Counter[K] = Counter()
        for word, count in mine.items():
            for name, there in self._where.get(word, ()):
                shared[name] += min(count, there)
        return shared


class _Passage:
    """The words of two ranges of lines, those of now by where they stand.

    Attributes:
        pairs: Pairs of equal words, which are what comparing the lines costs.
    """

    def __init__(self, before: Sequence[str], now: Sequence[str], old: range, new: range) -> None:
        self._old, self._new = old, new
        self._here = {index: words(before[index]) for index in old}
        self._there = Shared({index: words(now[index]) for index in new})
        self.pairs = sum(map(self._there.cost, self._here.values()))

    def edited(self) -> Iterator[tuple[int, int]]:
        """Lines with the line that each became, one to one, the most alike first.

        Where a passage has as many lines as before, one word in common is enough at the same place.
        """
        old, new = self._old, self._new
        scored = []
        for index, mine in self._here.items():
            total = mine.total()
            for target, shared in self._there.common(mine).items():
                other = self._there.total(target)
                away = abs((index - old.start) - (target - new.start))
                replaced = not away and len(old) == len(new)
                if replaced or (shared >= _LEAST_WORDS and shared >= SAME_LINE * min(total, other)):
                    scored.append((-2 * shared / (total + other), away, index, target))
        taken: set[int] = set()
        free = set(new)
        for _, _, index, target in sorted(scored):
            if index not in taken and target in free:
                taken.add(index)
                free.remove(target)
                yield index, target


def passages(before: Sequence[str], now: Sequence[str]) -> Iterator[tuple[range, range]]:
    """The passages in which two texts differ, in their order, as ranges of indices.

    What stands still is told by lines that stand once in both, so a line that is everywhere holds
    nothing together that does not belong together. What is parted for too long is one passage.
    """
    waiting = [(0, len(before), 0, len(now), _DEEPEST)]
    while waiting:
        low, high, left, right, deeper = waiting.pop()
        while low < high and left < right and before[low] == now[left]:
            low, left = low + 1, left + 1
        while low < high and left < right and before[high - 1] == now[right - 1]:
            high, right = high - 1, right - 1
        old, new = range(low, high), range(left, right)
        standing = _standing(before, now, old, new) if deeper else []
        if not standing and (low < high or left < right):
            yield old, new
        parts = []
        for end, stop in (*standing, (high, right)) if standing else ():
            parts.append((low, end, left, stop, deeper - 1))
            low, left = end + 1, stop + 1
        waiting += reversed(parts)


def _standing(
    before: Sequence[str], now: Sequence[str], old: range, new: range
) -> list[tuple[int, int]]:
    """Lines that stand once in both of two ranges, as many as keep one order."""
    here, there = Counter(before[index] for index in old), Counter(now[index] for index in new)
    where = {now[index]: index for index in new if now[index] and there[now[index]] == 1}
    both = [
        (index, where[before[index]])
        for index in old
        if here[before[index]] == 1 and before[index] in where
    ]
    # The longest run of targets that rises: the least end of each length, and who has it.
    ends: list[int] = []
    last: list[int] = []
    before_that: list[int] = []
    for number, (_, target) in enumerate(both):
        length = bisect_left(ends, target)
        ends[length : length + 1] = [target]
        last[length : length + 1] = [number]
        before_that.append(last[length - 1] if length else -1)
    run = []
    number = last[-1] if last else -1
    while number >= 0:
        run.append(both[number])
        number = before_that[number]
    return run[::-1]
