"""Two commits side by side, as far as their findings ask: where files and symbols went.

Files are read only when findings were lost on one side and new ones came on the other; how many
is bounded. What cannot be read counts as not known, and nothing is concluded from it.
"""

from __future__ import annotations

import contextlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from checks.edits import MOST_PAIRS, Edit, Shared, alike, edit
from checks.errors import InputError
from checks.facts.limits import MIB
from checks.fingerprint import numberless
from checks.kinship import MOST_SAID, SAME_NAME, TELLING, Kin, best, without
from checks.matching import Place, Rules, Site, Spot, Subject
from checks.model import Finding
from checks.outline import Outline, line_digests, outline
from checks.source import Source

MOST_FILES = 400
MOST_BYTES = MIB
MOST_PAIRS_OF_ALL = 5 * MOST_PAIRS
"""Pairs of equal words that all comparisons of two commits together may cost.

Files that were moved take from it first, then symbols, then the lines of files, each in the order
of their paths; what comes too late is not followed.
"""
MOVED_FILE = 0.5
"""Share of lines that two files have in common when one is the other under a new path."""
AROUND = 4
"""Lines before and behind a line that tell whether it is the same one elsewhere."""
SAME_AROUND = 0.5
"""More than this share of the lines around it are the same then, and three at least."""
_LEAST_AROUND = 3
MOST_EQUALS = 2_500
"""Pairs of lines with one text that are compared; what is said more often tells nothing."""


class Side:
    """The files of one commit, read when they are asked about.

    Args:
        source: The repository at the commit.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._entries = {
            entry.path: entry for entry in source.tree() if entry.kind in {"file", "executable"}
        }
        self._oids = frozenset(entry.oid for entry in self._entries.values())
        self._outlines: dict[str, Outline | None] = {}

    def __contains__(self, path: object) -> bool:
        return path in self._entries

    def blob(self, path: str) -> str:
        """Id of a file's content; "" when there is no such file."""
        entry = self._entries.get(path)
        return entry.oid if entry else ""

    def holds(self, blob: str) -> bool:
        """Whether any file has this content."""
        return blob in self._oids

    def beside(self, other: Side) -> Iterator[str]:
        """Files that only this commit has."""
        return (path for path in self._entries if path not in other)

    def outline(self, path: str) -> Outline | None:
        """The outline of a file that was read, None for one that was not."""
        return self._outlines.get(path)

    def read(self, paths: Iterable[str]) -> None:
        """Read the outlines of some files, as many as the limit allows."""
        room = MOST_FILES - len(self._outlines)
        wanted = [path for path in sorted(paths) if path not in self._outlines and path in self]
        wanted = wanted[: max(room, 0)]
        known = dict(self.contents(wanted))
        for path in wanted:
            data = known.get(self.blob(path))
            self._outlines[path] = None if data is None else outline(data)

    def contents(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """(blob id, content) of files that are not too large; none more after a damaged one."""
        oids = {
            entry.oid
            for path in paths
            if (entry := self._entries.get(path)) and entry.size <= MOST_BYTES
        }
        # An older commit may be gone from the mirror in part: what is missing is not known.
        with contextlib.suppress(InputError):
            yield from self._source.blobs(sorted(oids))


class Between:
    """What moved between two commits; see :class:`checks.matching.Ground`."""

    def __init__(self, before: Side, now: Side) -> None:
        self._before, self._now = before, now
        self._edits: dict[tuple[str, str], Edit | None] = {}
        self._room = MOST_PAIRS_OF_ALL

    def moved(self, gone: Iterable[str], come: Iterable[str]) -> Mapping[str, str]:
        """Files that are the same, or much the same, under a new path."""
        before, now = self._before, self._now
        lost = sorted(path for path in gone if path in before and path not in now)[:MOST_FILES]
        new = sorted(path for path in come if path in now and path not in before)[:MOST_FILES]
        same = best((old, path) for _, old, path in sorted(self._same_content(lost, new)))
        taken = frozenset(same.values())
        lost = [path for path in lost if path not in same]
        new = [path for path in new if path not in taken]
        if not lost or not new:
            return same
        before.read(lost)
        now.read(new)
        scored = []
        for score, old, path in self._likeness(lost, new):
            stem = PurePosixPath(path).stem
            named = PurePosixPath(old).stem == stem
            if score >= (SAME_NAME if named and len(stem) >= TELLING else MOVED_FILE):
                scored.append((-score, not named, old, path))
        alone, came = _once(before.beside(now)), _once(now.beside(before))
        for old in lost:
            stem = PurePosixPath(old).stem
            if alone.get(stem) == old and came.get(stem) in new:
                scored.append((0.0, False, old, came[stem]))
        return same | best((old, path) for _, _, old, path in sorted(scored))

    def _same_content(
        self, lost: Iterable[str], new: Iterable[str]
    ) -> Iterator[tuple[bool, str, str]]:
        """Files with the same content, those of one name first."""
        there = defaultdict[str, list[str]](list)
        for path in new:
            there[self._now.blob(path)].append(path)
        for old in lost:
            for path in there[self._before.blob(old)]:
                yield PurePosixPath(old).stem != PurePosixPath(path).stem, old, path

    def _likeness(
        self, lost: Iterable[str], new: Iterable[str]
    ) -> Iterator[tuple[float, str, str]]:
        """Share of lines that files have in common, where it is any."""
        outlines = {path: found for path in new if (found := self._now.outline(path))}
        said = Counter(line for each in outlines.values() for line in each.lines)
        common = {line for line, count in said.items() if count > MOST_SAID}
        there = Shared({path: without(common, each.lines) for path, each in outlines.items()})
        for old in lost:
            outlined = self._before.outline(old)
            mine = without(common, outlined.lines) if outlined else Counter[str]()
            if self._spend(there.cost(mine)):
                for path, shared in there.common(mine).items():
                    yield 2 * shared / (mine.total() + there.total(path)), old, path

    def _spend(self, pairs: int) -> bool:
        """Take what a comparison costs from what is left, if there is enough."""
        if pairs > self._room:
            return False
        self._room -= pairs
        return True

    def renamed(self, gone: Iterable[Place], come: Iterable[Place]) -> Mapping[Place, Place]:
        """Functions and classes that went from where they were to where none was of that name."""
        gone, come = set(gone), set(come)
        self._before.read({place.path for place in gone | come})
        self._now.read({place.path for place in gone | come})
        lost = {p: owner for p in gone if (owner := _owner(self._before, self._now, p))}
        new = {p: owner for p in come if (owner := _owner(self._now, self._before, p))}
        went = Kin(
            {owner: _block(self._before, owner) for owner in sorted(set(lost.values()))},
            {owner: _block(self._now, owner) for owner in sorted(set(new.values()))},
            self._spend,
        ).pairs()
        found = {}
        for place, owner in lost.items():
            if target := went.get(owner):
                rest = place.name.removeprefix(owner.name)
                found[place] = Place(target.path, target.name + rest)
        return found

    def lines(
        self, gone: Iterable[Spot], come: Iterable[Spot], moved: Mapping[str, str]
    ) -> Mapping[Spot, Spot]:
        """Lines that were edited where they stand, or carried elsewhere with those around them."""
        gone, come = set(gone), set(come)
        self._before.read({spot.path for spot in gone} | {spot.path for spot in come})
        self._now.read({moved.get(spot.path, spot.path) for spot in gone})
        self._now.read({spot.path for spot in come})
        found: dict[Spot, Spot] = {}
        loose = set()
        for spot in sorted(gone):
            path = moved.get(spot.path, spot.path)
            done = self._edit(spot.path, path)
            if done and (line := done.became.get(spot.line)):
                found[spot] = Spot(path, line)
            elif path not in self._now or (done and spot.line in done.gone):
                loose.add(spot)
        origin = {path: old for old, path in moved.items()}
        taken = set(found.values())
        fresh = {
            spot
            for spot in sorted(come - taken)
            if self._is_new(spot, origin.get(spot.path, spot.path))
        }
        return found | self._carried(loose, fresh)

    def _edit(self, old: str, path: str) -> Edit | None:
        """What was done to a file; None when it is not known, or is no file on one side."""
        if (old, path) not in self._edits:
            one, other = self._before.outline(old), self._now.outline(path)
            done = None
            if one and other:
                done = edit(one.rows, other.rows, min(MOST_PAIRS, self._room))
                self._room -= done.pairs
            self._edits[old, path] = done
        return self._edits[old, path]

    def _is_new(self, spot: Spot, origin: str) -> bool:
        done = self._edit(origin, spot.path)
        return origin not in self._before or (done is not None and spot.line in done.come)

    def _carried(self, loose: Iterable[Spot], fresh: Iterable[Spot]) -> dict[Spot, Spot]:
        """Lines that stand elsewhere now, as they were and among much the same lines."""
        old, new = _by_text(self._before, loose), _by_text(self._now, fresh)
        scored = []
        for text in old.keys() & new.keys():
            if len(old[text]) * len(new[text]) > MOST_EQUALS:
                continue
            for spot, here in old[text]:
                for target, there in new[text]:
                    score = alike(here, there)
                    if score > SAME_AROUND and (here & there).total() >= _LEAST_AROUND:
                        scored.append((-score, spot, target))
        return best((spot, target) for _, spot, target in sorted(scored))


def _by_text(side: Side, spots: Iterable[Spot]) -> dict[str, list[tuple[Spot, Counter[str]]]]:
    """Spots with the lines around them, by the text of their own."""
    found = defaultdict[str, list[tuple[Spot, Counter[str]]]](list)
    for spot in spots:
        outlined = side.outline(spot.path)
        if outlined is None or spot.line > len(outlined.rows):
            continue
        rows, index = outlined.rows, spot.line - 1
        behind = rows[index + 1 : index + 1 + AROUND]
        around = Counter(row for row in (*rows[max(index - AROUND, 0) : index], *behind) if row)
        if rows[index]:
            found[rows[index]].append((spot, around))
    return found


def _once(paths: Iterable[str]) -> dict[str, str]:
    """The files that have a telling name which none of the others has, by that name."""
    by_stem = defaultdict[str, list[str]](list)
    for path in paths:
        by_stem[PurePosixPath(path).stem].append(path)
    return {
        stem: found[0]
        for stem, found in by_stem.items()
        if len(found) == 1 and len(stem) >= TELLING
    }


def _owner(here: Side, there: Side, place: Place) -> Place | None:
    """The function or class that the name lies in, when only this side has it, else None."""
    outlines = here.outline(place.path), there.outline(place.path)
    if outlines[0] is None or (outlines[1] is None and place.path in there):
        return None
    name = place.name
    while name and name not in outlines[0].blocks:
        name = name.rpartition(".")[0]
    if not name or (outlines[1] and name in outlines[1].blocks):
        return None
    return Place(place.path, name)


def _block(side: Side, place: Place) -> Counter[str]:
    found = side.outline(place.path)
    return found.blocks[place.name] if found else Counter()


def sites(
    findings: Iterable[Finding],
    anchors: Mapping[tuple[str, str], str],
    side: Side | None,
    known: Callable[[str, str, str], str | None] = lambda *_: None,
) -> list[Site]:
    """The findings of a report as matching sees them, in their order.

    Args:
        findings: Findings of one report.
        anchors: What :func:`checks.fingerprint.anchors` says of its answers; the message, numbers
            left out, stands in for one that is missing.
        side: The files of its commit; without them nothing is known of contents and lines.
        known: Answers (check, fingerprint, blob) with the digest of the line when a finding was
            seen before in the same content: its file is not read again.
    """
    listed = list(findings)
    blobs = [side.blob(each.path) if side and each.path else "" for each in listed]
    texts = [
        known(each.check, each.fingerprint, blob) if blob else ""
        for each, blob in zip(listed, blobs, strict=True)
    ]
    unread: dict[str, set[int]] = defaultdict(set)
    paths = set()
    for each, blob, text in zip(listed, blobs, texts, strict=True):
        if text is None and each.line:
            unread[blob].add(each.line)
            paths.add(each.path)
    read: dict[str, dict[int, str]] = {}
    if side is not None and paths:
        read = {oid: line_digests(data, unread[oid]) for oid, data in side.contents(paths)}
    return [
        Site(
            check=each.check,
            fingerprint=each.fingerprint,
            path=each.path,
            symbol=each.symbol,
            anchor=anchors.get((each.check, each.fingerprint)) or numberless(each.message),
            text=read.get(blob, {}).get(each.line, "") if text is None else text,
            blob=blob,
            line=each.line,
            column=each.column,
            clauses=each.clauses,
            message=each.message,
        )
        for each, blob, text in zip(listed, blobs, texts, strict=True)
    ]


def known_rules() -> Rules:
    """What the catalogue of built checks tells of identity; loads all checks."""
    from checks import rules
    from checks.check import CATALOGUE
    from checks.project.project import Project
    from checks.project.routes import Route
    from checks.project.subjects import Class, File, Function

    rules.load()
    kinds: dict[type, Subject] = {
        Function: "symbol",
        Class: "symbol",
        Route: "symbol",
        File: "file",
        Project: "project",
    }
    return Rules(
        predecessors={
            each.id: each.predecessors for each in CATALOGUE.values() if each.predecessors
        },
        wide=frozenset(each.id for each in CATALOGUE.values() if each.population is Project),
        subjects={
            each.id: kinds[each.population]
            for each in CATALOGUE.values()
            if each.one and not each.each and each.population in kinds
        },
    )
