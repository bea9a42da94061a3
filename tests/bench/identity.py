"""How findings are recognised along a history: what was closed, and opened alike, within a walk.

The commits of the main line are reviewed oldest first and each report is matched with the one
before it, as scans do. What was closed and has an alike opened at the same commit or later (the
same check, and the same anchor in a symbol of the same name) is a candidate for a wrong close; a
finding that returns under its own fingerprint is no candidate: its row is opened again.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from checks.facts.store import SqliteFactStore
from checks.fingerprint import anchors
from checks.githistory import first_parents
from checks.gitsource import GitSource, resolve
from checks.ground import Between, Side, known_rules, sites
from checks.matching import Site, match
from checks.outcomes import unpack
from checks.review import review
from checks.standard import Standard, shipped

COMMITS = 300
SAMPLE = 20


class _Turn(NamedTuple):
    """A finding that opened or closed at a commit."""

    number: int
    commit: str
    site: Site


class Walk:
    """One history, walked commit by commit."""

    def __init__(self, git_dir: Path, cache: Path, *, commits: int = COMMITS) -> None:
        self._git_dir = git_dir
        self._store = SqliteFactStore(cache / "facts.db")
        self._standards: list[Standard] = shipped()
        head = resolve(git_dir)
        self.commits = first_parents(git_dir, head, limit=commits)[::-1]
        self.counts: Counter[str] = Counter()
        self._closed: list[_Turn] = []
        self._opened: list[_Turn] = []

    def run(self) -> None:
        """Walk, and count what happened."""
        before: list[Site] = []
        side: Side | None = None
        for number, commit in enumerate(self.commits):
            now = Side(GitSource(self._git_dir, commit, remember=self._store))
            found, missed = self._report(commit, now, before)
            if side is not None:
                self._step(number, before, found, Between(side, now), missed)
            before, side = found, now

    def _report(self, commit: str, side: Side, before: list[Site]) -> tuple[list[Site], set[str]]:
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
        return found, {each.path for each in report.manifest.skipped}

    def _step(
        self, number: int, before: list[Site], now: list[Site], ground: Between, missed: set[str]
    ) -> None:
        pairs = match(before, now, ground, known_rules)
        taken = set(pairs.values())
        self.counts["matched"] += len(pairs)
        self.counts["moved"] += sum(
            before[a].fingerprint != now[b].fingerprint for a, b in pairs.items()
        )
        commit = self.commits[number]
        for index, site in enumerate(before):
            if index not in pairs and not missed & {site.path, ""}:
                self.counts["closed"] += 1
                self._closed.append(_Turn(number, commit, site))
        for index, site in enumerate(now):
            if index not in taken:
                self.counts["opened"] += 1
                self._opened.append(_Turn(number, commit, site))

    def candidates(self) -> Iterator[tuple[_Turn, _Turn]]:
        """Findings that were closed, each with an alike that opened then or later."""
        waiting: dict[tuple[str, str, str], list[_Turn]] = defaultdict(list)
        for turn in self._closed:
            waiting[_alike(turn.site)].append(turn)
        for opened in self._opened:
            closed = waiting[_alike(opened.site)]
            # One that returns under its own name opens its old row again.
            own = [turn for turn in closed if turn.site.fingerprint == opened.site.fingerprint]
            for turn in own or closed:
                if turn.number <= opened.number:
                    closed.remove(turn)
                    if not own:
                        yield turn, opened
                    break


def _alike(site: Site) -> tuple[str, str, str]:
    return site.check, site.anchor, site.name


def report(git_dir: Path, cache: Path, *, commits: int = COMMITS) -> Iterator[str]:
    """Lines with the figures of one repository, and a sample to be read by hand."""
    walk = Walk(git_dir, cache, commits=commits)
    walk.run()
    found = list(walk.candidates())
    counts = ", ".join(f"{name} {number}" for name, number in sorted(walk.counts.items()))
    yield f"{len(walk.commits)} commits: {counts}; closed with an alike opened: {len(found)}"
    chosen = random.Random(0).sample(found, min(SAMPLE, len(found)))
    for closed, opened in chosen:
        yield f"  {closed.site.check} [{closed.site.anchor}]"
        for word, turn in (("closed", closed), ("opened", opened)):
            site = turn.site
            yield f"    {word} {turn.commit[:10]} {site.path}:{site.line} {site.symbol}"
