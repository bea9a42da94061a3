"""Which line of a text became which line of the next one, told from what stands in them.

Lines that both texts have in one order stand still. Between them lie passages that differ: a line
in there was edited into the one that has most of its words, or it is gone.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import msgspec

_WORD = re.compile(r"\w+")
SAME_LINE = 0.6
"""Share of the shorter line's words that both have when one was edited into the other."""
_LEAST_WORDS = 2
MOST_PAIRS = 100_000
"""Pairs of lines compared in one passage; what was rewritten at greater length is new."""


class Edit(msgspec.Struct, frozen=True):
    """What was done to a text; lines count from 1.

    Attributes:
        became: The line of now that a line of before was edited into.
        gone: Lines of before that stand there no longer, edited ones among them.
        come: Lines of now that did not stand there.
    """

    became: Mapping[int, int]
    gone: frozenset[int]
    come: frozenset[int]


def words(text: str) -> Counter[str]:
    """How often each word stands in a text."""
    return Counter(_WORD.findall(text))


def alike(one: Counter[str], other: Counter[str]) -> float:
    """Share of what is counted that both have, 0 to 1; two that are empty are alike."""
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 1.0


def edit(before: Sequence[str], now: Sequence[str]) -> Edit:
    """What was done to a text, by its lines without indentation."""
    became: dict[int, int] = {}
    gone: set[int] = set()
    come: set[int] = set()
    for old, new in passages(before, now):
        gone.update(old)
        come.update(new)
        if len(old) * len(new) <= MOST_PAIRS:
            became.update(_edited(before, now, old, new))
    return Edit(
        {old + 1: new + 1 for old, new in became.items()},
        frozenset(index + 1 for index in gone),
        frozenset(index + 1 for index in come),
    )


def _edited(
    before: Sequence[str], now: Sequence[str], old: range, new: range
) -> Iterator[tuple[int, int]]:
    """Lines of a passage with the line that each became, one to one, the most alike first.

    Where a passage has as many lines as before, one word in common is enough at the same place.
    """
    there = {index: found for index in new if (found := words(now[index]))}
    scored = []
    for index in old:
        mine = words(before[index])
        for target, other in there.items():
            shared = (mine & other).total()
            least = min(mine.total(), other.total())
            away = abs((index - old.start) - (target - new.start))
            replaced = shared and not away and len(old) == len(new)
            if replaced or (shared >= _LEAST_WORDS and shared >= SAME_LINE * least):
                scored.append((-alike(mine, other), away, index, target))
    taken: set[int] = set()
    for _, _, index, target in sorted(scored):
        if index not in taken and target in there:
            taken.add(index)
            del there[target]
            yield index, target


def passages(before: Sequence[str], now: Sequence[str]) -> Iterator[tuple[range, range]]:
    """The passages in which two texts differ, in their order, as ranges of indices.

    What stands still is told by lines that stand once in both, so a line that is everywhere holds
    nothing together that does not belong together.
    """
    waiting = [(0, len(before), 0, len(now))]
    while waiting:
        low, high, left, right = waiting.pop()
        while low < high and left < right and before[low] == now[left]:
            low, left = low + 1, left + 1
        while low < high and left < right and before[high - 1] == now[right - 1]:
            high, right = high - 1, right - 1
        standing = _standing(before, now, range(low, high), range(left, right))
        if not standing and (low < high or left < right):
            yield range(low, high), range(left, right)
        parts = []
        for old, new in (*standing, (high, right)) if standing else ():
            parts.append((low, old, left, new))
            low, left = old + 1, new + 1
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
