"""How findings are recognised along a history: what was closed, and opened alike, within a walk.

The commits of the main line are reviewed oldest first and each report is matched with the one
before it, as scans do. Whether a close was wrong only a reader can say, so what might be is listed
with its code of both commits: a closed finding beside the one of the same check that opened at the
same commit and has most in common with it (the line, the anchor, the name, the file), or that has
the same anchor in a symbol of the same name and opened later. A finding that returns under its own
fingerprint is none of these: its row is opened again. Findings about commits go when their commit
is no longer looked at; they are counted apart. What a scan keeps open because a file cannot be
read is kept here as well, and counted once for each commit.
"""

from __future__ import annotations

import gc
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import msgspec

from checks.authorship import ABOUT_COMMIT
from checks.facts.store import SqliteFactStore
from checks.facts.text import decode, split_lines
from checks.fingerprint import anchors
from checks.githistory import first_parents
from checks.gitsource import GitSource, resolve
from checks.ground import Between, Side, known_rules, sites
from checks.matching import Site, match
from checks.model import Report
from checks.outcomes import unpack
from checks.review import review
from checks.standard import Standard, shipped
from dashboard.services import unread
from dashboard.services.unread import Unread

COMMITS = 300
SAMPLE = 20
AROUND = 2
WIDTH = 120
LEAST = 2
"""Points from which two findings of a check may be one."""


class Turn(NamedTuple):
    """A finding that opened or closed at a commit; ``number`` counts the commits."""

    number: int
    commit: str
    site: Site


class Pair(NamedTuple):
    """A finding that was closed, and the one that may be the same."""

    closed: Turn
    opened: Turn
    likeness: int


class Sides(NamedTuple):
    """A commit of the walk, and the one before it."""

    now: Side
    before: Side | None


class Walk:
    """One history, walked commit by commit."""

    def __init__(self, git_dir: Path, cache: Path, *, commits: int = COMMITS) -> None:
        self._git_dir = git_dir
        self._store = SqliteFactStore(cache / "facts.db")
        self._standards: list[Standard] = shipped()
        head = resolve(git_dir)
        self.commits = first_parents(git_dir, head, limit=commits)[::-1]
        self.counts: Counter[str] = Counter()
        self.closed: list[Turn] = []
        self.opened: list[Turn] = []

    def run(self) -> None:
        """Walk, and count what happened."""
        before: list[Site] = []
        side: Side | None = None
        proof: Mapping[str, Any] | None = None
        for number, commit in enumerate(self.commits):
            now = Side(GitSource(self._git_dir, commit, remember=self._store))
            report, found = self._report(commit, now, before)
            seen = Sides(now, side)
            missed = unread.against(proof, report, seen)
            proof = msgspec.to_builtins(report.manifest) | {"unread_since": missed.since}
            kept = self._step(number, before, found, seen, missed, report) if side else []
            before, side = found + kept, now
            # Reviews collect their garbage seldom, a worker ends before that matters.
            gc.collect()

    def _report(self, commit: str, side: Side, before: list[Site]) -> tuple[Report, list[Site]]:
        answers = bytearray()
        report = review(
            GitSource(self._git_dir, commit, remember=self._store),
            self._standards,
            repository=self._git_dir.name,
            facts_store=self._store,
            take=answers.extend,
        )
        known = {(each.check, each.fingerprint, each.blob): each.text for each in before}
        found = sites(
            report.findings,
            anchors(unpack(bytes(answers))),
            side,
            lambda check, name, blob: known.get((check, name, blob)),
        )
        return report, found

    def _step(
        self,
        number: int,
        before: list[Site],
        now: list[Site],
        seen: Sides,
        missed: Unread,
        report: Report,
    ) -> list[Site]:
        """Match one report with what stood before; return what stays open unseen."""
        ground = Between(seen.before, seen.now) if seen.before else None
        pairs = match(before, now, ground, known_rules)
        taken = set(pairs.values())
        self.counts["matched"] += len(pairs)
        self.counts["under a new name"] += sum(
            before[a].fingerprint != now[b].fingerprint for a, b in pairs.items()
        )
        commit = self.commits[number]
        states, names = unread.states(report), {(each.check, each.fingerprint) for each in now}
        kept = []
        for index, site in enumerate(before):
            if index in pairs:
                continue
            row = {"path": site.path, "blob": site.blob, "symbol": site.symbol}
            unsure = "unknown" in states.get(site.check, ())
            if missed.hides(row) or unsure or missed.holds(row, seen):
                self.counts["kept open unseen"] += 1
                if (site.check, site.fingerprint) not in names:
                    kept.append(site)
            elif site.symbol.startswith(ABOUT_COMMIT):
                self.counts["about a commit that is past"] += 1
            else:
                self.closed.append(Turn(number, commit, site))
        self.opened += [
            Turn(number, commit, site) for index, site in enumerate(now) if index not in taken
        ]
        return kept

    def candidates(self) -> list[Pair]:
        """Closed findings that may be one that opened, the most alike first."""
        opened = defaultdict[tuple[int, str], list[Turn]](list)
        for turn in self.opened:
            opened[turn.number, turn.site.check].append(turn)
        scored = sorted(
            (-points, index, other.site.path, other.site.line, number)
            for index, turn in enumerate(self.closed)
            for number, other in enumerate(opened[turn.number, turn.site.check])
            if (points := likeness(turn.site, other.site)) >= LEAST
        )
        found: dict[int, Pair] = {}
        taken: set[tuple[int, str, int]] = set()
        for points, index, _, _, number in scored:
            turn = self.closed[index]
            key = turn.number, turn.site.check, number
            if index not in found and key not in taken:
                taken.add(key)
                found[index] = Pair(turn, opened[turn.number, turn.site.check][number], -points)
        partners = {id(pair.opened) for pair in found.values()}
        rest = [turn for turn in self.opened if id(turn) not in partners]
        closed = [turn for index, turn in enumerate(self.closed) if index not in found]
        return [*found.values(), *_later(closed, rest)]

    def source(self, turn: Turn, *, before: bool) -> Iterator[str]:
        """The line of a finding with its neighbours, at its commit or the one before."""
        commit = self.commits[turn.number - 1] if before else turn.commit
        side = GitSource(self._git_dir, commit)
        [oid] = [each.oid for each in side.tree() if each.path == turn.site.path] or [""]
        for _, data in side.blobs([oid] if oid and turn.site.line else []):
            rows = split_lines(decode(data).text)
            low = max(turn.site.line - 1 - AROUND, 0)
            for number, row in enumerate(rows[low : turn.site.line + AROUND], low + 1):
                yield f"{'>' if number == turn.site.line else ' '} {number:5} {row[:WIDTH]}"


def likeness(one: Site, other: Site) -> int:
    """What two findings of a check have in common, in points."""
    word, another = (each.name.rpartition(".")[2] for each in (one, other))
    name = PurePosixPath(one.path).name == PurePosixPath(other.path).name
    return (
        4 * bool(one.text and one.text == other.text)
        + 2 * (one.anchor == other.anchor)
        + (3 if one.name and one.name == other.name else 2 * bool(word and word == another))
        + (2 if one.path == other.path else name)
    )


def _later(closed: Iterable[Turn], opened: Iterable[Turn]) -> Iterator[Pair]:
    waiting = defaultdict[tuple[str, str, str], list[Turn]](list)
    for turn in closed:
        waiting[_alike(turn.site)].append(turn)
    for turn in opened:
        alike = waiting[_alike(turn.site)]
        own = [each for each in alike if each.site.fingerprint == turn.site.fingerprint]
        for each in own or alike:
            if each.number < turn.number:
                alike.remove(each)
                if not own:
                    yield Pair(each, turn, 0)
                break


def _alike(site: Site) -> tuple[str, str, str]:
    return site.check, site.anchor, site.name


def report(
    git_dir: Path, cache: Path, *, commits: int = COMMITS, sample: int = SAMPLE, seed: int = 0
) -> Iterator[str]:
    """Lines with the figures of one repository, and a sample to be read by hand."""
    walk = Walk(git_dir, cache, commits=commits)
    walk.run()
    found = walk.candidates()
    walk.counts |= Counter(closed=len(walk.closed), opened=len(walk.opened))
    counts = ", ".join(f"{name} {number}" for name, number in sorted(walk.counts.items()))
    yield f"{len(walk.commits)} commits: {counts}; closed with one like it opened: {len(found)}"
    for number, pair in enumerate(random.Random(seed).sample(found, min(sample, len(found))), 1):
        yield f"{number}. {pair.closed.site.check}, {pair.likeness} points"
        for word, turn in (("closed", pair.closed), ("opened", pair.opened)):
            site = turn.site
            yield f"  {word} {turn.commit[:10]} {site.path}:{site.line} {site.name} [{site.anchor}]"
            yield from (f"    {row}" for row in walk.source(turn, before=word == "closed"))
