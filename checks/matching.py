"""Which finding of now is which finding of before: one to one, whatever moved in between.

A cascade: each step takes what the steps before it left over, and pairs what is alike in the
step's own terms; several that are alike are paired in their order. No step looks at a line number
but to put equals in order, so code that is pushed down keeps its findings.

The steps: the same fingerprint, the same place, the same content in another file, the same subject
where a check names one place of it at most, the same symbol after a rename of the file or of
itself, the same line of text elsewhere in the file, a line that was edited where it stands or
carried to another place with its neighbours, the same demand on the whole project at another file.
A check that took over from another (its predecessor) goes through the same steps with what that
one found.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

import msgspec

from checks.edits import alike, words
from checks.waiverrules import COUNTS

_QUOTED = re.compile(r"`[^`]*`")
_COUNTS = re.compile(rf" \((?:{'|'.join(map(re.escape, COUNTS.values()))})\)$")
SAME_DEMAND = 0.5
"""Share of words that two messages have in common when they tell of one demand."""


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """One finding as matching sees it.

    Attributes:
        check: Id of the check.
        fingerprint: Its name in the report.
        path: The file; "" for the repository itself.
        symbol: Dotted module and qualified name, ``app.main:create``; "" for none.
        anchor: What the check calls the place, or a digest of it.
        text: Digest of the line of source it stands on; "" when it is not known or has none.
        blob: Id of the file's content; "" when it is not known or no file.
        line: Where it begins; puts equals in order.
        column: The same within a line.
        clauses: Who asks; nobody when it is not known.
        message: What is said of it.
    """

    check: str
    fingerprint: str
    path: str = ""
    symbol: str = ""
    anchor: str = ""
    text: str = ""
    blob: str = ""
    line: int = 0
    column: int = 0
    clauses: Sequence[str] = ()
    message: str = ""

    @property
    def name(self) -> str:
        """The qualified name within its file, "" for the file itself."""
        return self.symbol.partition(":")[2]


class Place(NamedTuple):
    """A symbol of a file."""

    path: str
    name: str


class Spot(NamedTuple):
    """A line of a file."""

    path: str
    line: int


class Ground(Protocol):
    """What is known of the two commits beside their findings; asked only about what is left."""

    def moved(self, gone: Iterable[str], come: Iterable[str]) -> Mapping[str, str]:
        """Where files went: path of before to path of now, one to one.

        Args:
            gone: Files that lost findings.
            come: Files that have new ones.
        """
        ...

    def renamed(self, gone: Iterable[Place], come: Iterable[Place]) -> Mapping[Place, Place]:
        """Where symbols went, within a file or to another, one to one.

        Args:
            gone: Symbols that lost findings.
            come: Symbols that have new ones.
        """
        ...

    def lines(
        self, gone: Iterable[Spot], come: Iterable[Spot], moved: Mapping[str, str]
    ) -> Mapping[Spot, Spot]:
        """Which line each line became, one to one.

        Args:
            gone: Lines that lost findings.
            come: Lines that have new ones.
            moved: Where files went.
        """
        ...


type Subject = Literal["symbol", "file", "project"]


class Rules(msgspec.Struct, frozen=True):
    """What is known of the checks.

    Attributes:
        predecessors: The ids that each check took over from, by its id.
        wide: Checks that ask about the project as a whole: where they point is no part of what
            they found.
        subjects: What a check asks about, where it names one place of that at most: mending that
            place only makes it name the next one.
    """

    predecessors: Mapping[str, Sequence[str]] = {}
    wide: frozenset[str] = frozenset()
    subjects: Mapping[str, Subject] = {}


class Level:
    """Ground on which nothing moved."""

    def moved(self, gone: Iterable[str], come: Iterable[str]) -> Mapping[str, str]:
        """No file went anywhere."""
        return {}

    def renamed(
        self,
        gone: Iterable[Place],
        come: Iterable[Place],
    ) -> Mapping[Place, Place]:
        """No symbol went anywhere."""
        return {}

    def lines(
        self, gone: Iterable[Spot], come: Iterable[Spot], moved: Mapping[str, str]
    ) -> Mapping[Spot, Spot]:
        """No line became another."""
        return {}


type _Name = tuple[object, ...] | str | bool | None
type _Key = Callable[[Site], _Name]
"""What a step compares; a site for which it answers nothing is passed over."""


def match(
    before: Sequence[Site],
    now: Sequence[Site],
    ground: Ground | None = None,
    rules: Callable[[], Rules] = Rules,
) -> dict[int, int]:
    """Pair the findings of two reports of one component.

    Args:
        before: What was open, each fingerprint of a check once.
        now: What is found, each fingerprint of a check once.
        ground: What moved between the two commits.
        rules: What is known of the checks; called only when there is something left to explain.

    Returns:
        Index into ``before`` to index into ``now``. The pairs do not depend on the order of either.
    """
    known = ground or Level()
    pairs = _Pairs(before, now)
    pairs.same(lambda each: (each.fingerprint, each.blob) if each.blob else None)
    pairs.same(lambda each: (each.fingerprint, each.text))
    _surest(pairs)
    if pairs.left and pairs.come:
        told = rules()
        _boldest(pairs, known, told.subjects)
        _same_demand(pairs, told.wide)
        _inherit(pairs, told, known)
    return pairs.found


def _surest(pairs: _Pairs) -> None:
    """The steps that need nothing but the findings."""
    pairs.same(lambda each: each.text and (each.path, each.symbol, each.anchor, each.text))
    pairs.same(lambda each: each.fingerprint)
    pairs.same(lambda each: (each.path, each.symbol, each.anchor))
    # The same bytes under another path: the place within them is the same place.
    pairs.same(lambda e: e.blob and (e.blob, e.line, e.column, e.name, e.anchor))
    pairs.same(lambda e: e.blob and (e.blob, e.line, e.column, e.name))


def _boldest(pairs: _Pairs, ground: Ground, subjects: Mapping[str, Subject]) -> None:
    """The steps that look at what else changed, from the surest on."""
    _same_subject(pairs, subjects, {}, {})
    moved = ground.moved({each.path for each in pairs.lost()}, {each.path for each in pairs.new()})
    _after_moves(pairs, moved)
    renamed = ground.renamed(
        {Place(each.path, each.name) for each in pairs.lost() if each.name},
        {Place(each.path, each.name) for each in pairs.new() if each.name},
    )
    _after_renames(pairs, renamed)
    _same_subject(pairs, subjects, moved, renamed)
    _same_text(pairs, moved)
    lines = ground.lines(_spots(pairs.lost()), _spots(pairs.new()), moved)
    _after_edits(pairs, lines, renamed)


def _same_subject(
    pairs: _Pairs,
    subjects: Mapping[str, Subject],
    moved: Mapping[str, str],
    renamed: Mapping[Place, Place],
) -> None:
    """What is asked about a symbol, a file or the project as a whole, where it is unique there."""

    def subject(each: Site, place: Place) -> _Name:
        match subjects.get(each.check):
            case "symbol":
                return place.name and (*place, *each.clauses)
            case "file":
                return place.path and (place.path, *each.clauses)
            case "project":
                return ("project", *each.clauses)
            case _:
                return None

    def there(each: Site) -> _Name:
        place = Place(each.path, each.name)
        at = Place(moved.get(each.path, each.path), each.name)
        return subject(each, renamed.get(place, at))

    pairs.unique(there, lambda each: subject(each, Place(each.path, each.name)))


def _after_moves(pairs: _Pairs, moved: Mapping[str, str]) -> None:
    def there(each: Site) -> str | None:
        return moved.get(each.path)

    targets = frozenset(moved.values())

    def here(each: Site) -> str | None:
        return each.path if each.path in targets else None

    for what in (
        lambda each: each.text and (each.name, each.anchor, each.text),
        lambda each: (each.name, each.anchor),
        lambda each: each.text and (each.name, each.text),
    ):
        pairs.alike(_both(there, what), _both(here, what))


def _after_renames(pairs: _Pairs, renamed: Mapping[Place, Place]) -> None:
    def there(each: Site) -> Place | None:
        return renamed.get(Place(each.path, each.name))

    targets = frozenset(renamed.values())

    def here(each: Site) -> Place | None:
        place = Place(each.path, each.name)
        return place if place in targets else None

    for what in (
        lambda each: each.text and (each.anchor, each.text),
        lambda each: (each.anchor,),
        # What the check calls the place may hold the very name that changed.
        lambda each: (each.anchor.replace(each.name.rpartition(".")[2], "*"),),
        # Or something else of where the symbol was, as the prefix of a route is.
        lambda each: each.text and ("", each.text),
    ):
        pairs.alike(_both(there, what), _both(here, what))


def _same_text(pairs: _Pairs, moved: Mapping[str, str]) -> None:
    """The line itself, wherever in the file it stands now."""

    def there(each: Site) -> str:
        return moved.get(each.path, each.path)

    def here(each: Site) -> str:
        return each.path

    for what in (
        lambda each: each.text and (each.anchor, each.text),
        lambda each: each.text and (each.symbol, each.text),
    ):
        pairs.alike(_both(there, what), _both(here, what))


def _spots(sites: Iterable[Site]) -> set[Spot]:
    return {Spot(each.path, each.line) for each in sites if each.path and each.line}


def _after_edits(pairs: _Pairs, lines: Mapping[Spot, Spot], renamed: Mapping[Place, Place]) -> None:
    """A line that was edited within its symbol, or carried elsewhere as it was."""

    def same(old: Site, new: Site) -> bool:
        place = Place(old.path, old.name)
        at_home = renamed.get(place, place).name == new.name
        return (at_home or old.text == new.text != "") and _asks_the_same(old, new)

    def called_the_same(old: Site, new: Site) -> bool:
        return old.anchor == new.anchor and same(old, new)

    pairs.along(lines, called_the_same)
    pairs.along(lines, same)


def _asks_the_same(old: Site, new: Site) -> bool:
    """Whether two findings of a check tell of one demand: of one clause, in much the same words."""
    if old.clauses and new.clauses and not set(old.clauses) & set(new.clauses):
        return False
    return alike(_said(old), _said(new)) >= SAME_DEMAND


def _said(site: Site) -> Counter[str]:
    """The words of a message, without what it quotes and whether a comment is accepted."""
    return words(_QUOTED.sub("", _COUNTS.sub("", site.message)))


def _same_demand(pairs: _Pairs, wide: frozenset[str]) -> None:
    """What is asked of the project, pointed out elsewhere now; only where it is unique."""

    def demand(each: Site) -> tuple[str, str] | None:
        asked = each.check in wide and each.anchor and not each.name
        return (each.check, each.anchor) if asked else None

    def within_file(each: Site) -> tuple[str, str, str] | None:
        asked = each.check in wide and each.anchor and each.path
        return (each.check, each.anchor, each.path) if asked else None

    for what in (demand, within_file):
        pairs.unique(what, what)


def _both(where: _Key, what: _Key) -> _Key:
    def key(each: Site) -> _Name:
        place, thing = where(each), what(each)
        return (place, thing) if place and thing else None

    return key


def _inherit(pairs: _Pairs, told: Rules, ground: Ground) -> None:
    """What a check found goes to the check that took over from it."""
    heirs = told.predecessors
    for heir in sorted(heirs):
        for old in sorted(set(heirs[heir]) - {heir}):
            lost = [index for index in pairs.left if pairs.before[index].check == old]
            come = [index for index in pairs.come if pairs.now[index].check == heir]
            handed = _Pairs(
                [
                    msgspec.structs.replace(pairs.before[index], check=heir, fingerprint="")
                    for index in lost
                ],
                [pairs.now[index] for index in come],
            )
            handed.same(lambda each: each.text and (each.path, each.symbol, each.text))
            _surest(handed)
            _boldest(handed, ground, told.subjects)
            for old_index, new_index in handed.found.items():
                pairs.pair(lost[old_index], come[new_index])


class _Pairs:
    """What is paired and what is left, of both sides, in an order of its own."""

    def __init__(self, before: Sequence[Site], now: Sequence[Site]) -> None:
        self.before, self.now = before, now
        self.left = dict.fromkeys(sorted(range(len(before)), key=lambda n: _order(before[n])))
        self.come = dict.fromkeys(sorted(range(len(now)), key=lambda n: _order(now[n])))
        self.found: dict[int, int] = {}

    def lost(self) -> Iterable[Site]:
        """The findings of before that have no partner yet."""
        return (self.before[index] for index in self.left)

    def new(self) -> Iterable[Site]:
        """The findings of now that have no partner yet."""
        return (self.now[index] for index in self.come)

    def same(self, key: _Key) -> None:
        """Pair what has the same key on both sides."""
        self.alike(key, key)

    def unique(self, old: _Key, new: _Key) -> None:
        """Pair what has equal keys where no other finding of its check has that key."""
        lost = Counter((each.check, old(each)) for each in self.lost())
        come = Counter((each.check, new(each)) for each in self.new())
        both = {name for name, count in lost.items() if count == come[name] == 1}
        self.alike(
            lambda each: old(each) if (each.check, old(each)) in both else None,
            lambda each: new(each) if (each.check, new(each)) in both else None,
        )

    def alike(self, old: _Key, new: _Key) -> None:
        """Pair what has equal keys, equals in their order; sites without a key are passed over."""
        if not self.left or not self.come:
            return
        waiting: dict[tuple[str, _Name], list[int]] = defaultdict(list)
        for index in self.come:
            if name := new(self.now[index]):
                waiting[self.now[index].check, name].append(index)
        for places in waiting.values():
            places.reverse()
        for index in list(self.left):
            site = self.before[index]
            if (name := old(site)) and waiting.get((site.check, name)):
                self.pair(index, waiting[site.check, name].pop())

    def along(self, lines: Mapping[Spot, Spot], fits: Callable[[Site, Site], bool]) -> None:
        """Pair what stands on lines that became one another, where the two fit."""
        waiting = defaultdict[tuple[str, Spot], list[int]](list)
        for index in self.come:
            site = self.now[index]
            waiting[site.check, Spot(site.path, site.line)].append(index)
        for old in list(self.left):
            site = self.before[old]
            target = lines.get(Spot(site.path, site.line))
            for new in waiting.get((site.check, target), ()) if target else ():
                if new in self.come and fits(site, self.now[new]):
                    self.pair(old, new)
                    break

    def pair(self, old: int, new: int) -> None:
        """Take one of each side out of what is left."""
        self.found[old] = new
        del self.left[old], self.come[new]


def _order(site: Site) -> tuple[str, str, int, int, str]:
    return site.check, site.path, site.line, site.column, site.fingerprint
