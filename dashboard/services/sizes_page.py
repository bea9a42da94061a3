"""How complex the functions of a repository are, how long, and how long its files."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.paginator import Page, Paginator

from checks.anatomy import LIMITS, Measure
from dashboard.services.anatomies import Drawn, read_drawn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from checks.anatomy import Anatomy, Limit, Sized
    from dashboard.models import Repository

PAGE_SIZE = 25
HALF, MOST = 0.5, 0.9
# The largest value of each bar; limits of standards part bars further.
BARS: dict[Measure, tuple[int, ...]] = {
    "complexity": (1, 2, 3, 5, 7, 10, 15, 20, 30, 50),
    "length": (5, 10, 20, 30, 50, 75, 100, 150, 200),
    "size": (50, 100, 200, 300, 500, 750, 1000, 2000),
}
TITLES: dict[Measure, tuple[str, str, str]] = {
    "complexity": ("Complexity of functions", "function", "a complexity"),
    "length": ("Length of functions", "function", "a length"),
    "size": ("Length of files", "file", "a length"),
}
UNITS: dict[Measure, str] = {"complexity": "", "length": "lines", "size": "lines"}


@dataclass(frozen=True)
class Bar:
    """Values from ``low`` to ``high``; ``high`` is None for all above.

    ``share`` is the part of the fullest bar, ``limits`` those that end with it.
    """

    low: int
    high: int | None
    count: int
    share: float
    query: str
    over: bool
    limits: Sequence[Limit] = ()

    @property
    def words(self) -> str:
        """The values, as a text."""
        if self.high is None:
            return f"{self.low} or more"
        return str(self.high) if self.low == self.high else f"{self.low}–{self.high}"

    @property
    def width(self) -> str:
        """The share as an attribute of a picture; what is there at all can be seen."""
        return f"{max(self.share * 100, 0.8) if self.count else 0:.2f}%"


@dataclass(frozen=True)
class Spread:
    """How one measure is spread over a repository, as bars and as numbers for a sentence."""

    measure: Measure
    bars: Sequence[Bar]
    total: int
    middle: int
    nine_tenths: int
    most: int
    limits: Sequence[tuple[Limit, int]]
    query: str

    @property
    def title(self) -> str:
        """What is measured."""
        return TITLES[self.measure][0]

    @property
    def noun(self) -> str:
        """What it is measured of."""
        return TITLES[self.measure][1]

    @property
    def quality(self) -> str:
        """What the numbers are."""
        return TITLES[self.measure][2]

    @property
    def unit(self) -> str:
        """What the numbers count; "" for complexity."""
        return UNITS[self.measure]

    @property
    def check(self) -> str:
        """The check that sets the limit."""
        return LIMITS[self.measure][0]


@dataclass(frozen=True)
class SizesPage:
    """The three spreads, and one page of the functions or files of a bar, the worst first."""

    drawn: Drawn
    spreads: Sequence[Spread] = ()
    chosen: Spread | None = None
    bar: Bar | None = None
    page: Page[Any] | None = None
    unnamed: int = 0


def read_sizes(repository: Repository, query: Mapping[str, str]) -> SizesPage:
    """Return the sizes in one judged folder, and what the query string asks for of them.

    Args:
        repository: What was judged.
        query: ``component``, ``of`` (a measure) and ``bar`` (its lowest value); what is not there
            falls back to the most complex functions.
    """
    drawn = read_drawn(repository, query.get("component", ""))
    found = drawn.found
    if found is None or not found.counts["size"]:
        return SizesPage(drawn)
    spreads = [_spread(drawn, found, measure) for measure in LIMITS if found.counts[measure]]
    chosen = next((each for each in spreads if each.measure == query.get("of")), spreads[0])
    bar = next((each for each in chosen.bars if str(each.low) == query.get("bar")), None)
    low, high = (bar.low, bar.high) if bar else (0, None)
    listed = sorted(
        (
            (value, thing)
            for value, thing in _things(found, chosen.measure)
            if _within(value, low, high)
        ),
        key=lambda each: -each[0],
    )
    return SizesPage(
        drawn=drawn,
        spreads=spreads,
        chosen=chosen,
        bar=bar,
        page=Paginator([thing for _, thing in listed], PAGE_SIZE).get_page(query.get("page", "1")),
        unnamed=(bar.count if bar else chosen.total) - len(listed),
    )


def _things(found: Anatomy, measure: Measure) -> Iterator[tuple[int, Sized | tuple[str, int]]]:
    """What is known by name, with its value."""
    if measure == "size":
        yield from ((each[1], each) for each in found.files)
    else:
        yield from ((getattr(each, measure), each) for each in found.functions)


def _spread(drawn: Drawn, found: Anatomy, measure: Measure) -> Spread:
    counts = found.counts[measure]
    limits = [limit for limit in found.limits if limit.measure == measure]
    total = sum(counts.values())
    return Spread(
        measure=measure,
        bars=_bars(drawn, measure, counts, limits),
        total=total,
        middle=_quantile(counts, total * HALF),
        nine_tenths=_quantile(counts, total * MOST),
        most=max(counts),
        limits=[
            (limit, sum(number for value, number in counts.items() if value > limit.most))
            for limit in limits
        ],
        query=drawn.query({"of": measure}),
    )


def _quantile(counts: Mapping[int, int], wanted: float) -> int:
    """The least value that so many do not exceed."""
    seen = 0
    for value, number in sorted(counts.items()):
        seen += number
        if seen >= wanted:
            return value
    return max(counts)


def _bars(
    drawn: Drawn, measure: Measure, counts: Mapping[int, int], limits: Sequence[Limit]
) -> list[Bar]:
    """Bars up to the largest value and the largest limit, none of them across a limit."""
    ends = sorted({*BARS[measure], *(limit.most for limit in limits)})
    reach = max(max(counts), *(limit.most for limit in limits), 0)
    ends = ends[: bisect_left(ends, reach) + 1]
    last: list[int | None] = [*ends, None] if reach > ends[-1] else [*ends]
    lows = [0 if 0 in counts else 1, *(end + 1 for end in ends)]
    numbers = [
        sum(number for value, number in counts.items() if _within(value, low, high))
        for low, high in zip(lows, last, strict=False)
    ]
    strictest = min((limit.most for limit in limits), default=None)
    return [
        Bar(
            low=low,
            high=high,
            count=number,
            share=number / max(numbers),
            query=drawn.query({"of": measure, "bar": str(low)}),
            over=strictest is not None and low > strictest,
            limits=[limit for limit in limits if limit.most == high],
        )
        for low, high, number in zip(lows, last, numbers, strict=False)
    ]


def _within(value: int, low: int, high: int | None) -> bool:
    return value >= low and (high is None or value <= high)
