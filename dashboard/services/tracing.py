"""Since when the findings of today stand: followed back through the past while it is judged.

Each judged commit is older than the one before it. What stands in both is recognised as between two
scans; where a finding is not found any more, the commits in between are those that brought it.

Guarantee: a date only moves back, and only to a commit from which on the finding was recognised.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import batched
from typing import TYPE_CHECKING

import msgspec
import structlog
from django.db.models import Q

from checks.authorship import ABOUT_COMMIT, Origin, last_changes, only_commit
from checks.errors import InputError
from checks.gitsource import GitSource
from checks.ground import Between, Side, known_rules, sites
from checks.matching import Site, match
from dashboard.models import (
    OPEN_STATES,
    Backfill,
    Finding,
    FindingEvent,
    FindingEventKind,
    FindingState,
    PastTrail,
)
from dashboard.services import facts, identity, mirrors, unread
from dashboard.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from checks.source import Source
    from dashboard.services.judging import Looked

logger = structlog.get_logger(__name__)

BATCH = 500
_FAST = 1
"""Of zlib: most of what the highest level gains, for a tenth of its time."""


class Standing(msgspec.Struct, array_like=True):
    """What stood in one folder of the commit that was judged last.

    Attributes:
        sites: Everything found there.
        rows: By place among them, the row of those that stand today and are followed.
    """

    sites: list[Site]
    rows: dict[int, int]


class _Trail(msgspec.Struct, array_like=True):
    commit: str
    folders: dict[str, Standing]


_DECODER = msgspec.msgpack.Decoder(_Trail)


@dataclass(frozen=True, slots=True)
class Step:
    """What one older commit tells: where to go on from, and what began after it."""

    trail: _Trail
    began: Mapping[int, Origin]


class Tracing:
    """Follows the findings of one repository from commit to older commit.

    Args:
        past: The judging of its past.
    """

    def __init__(self, past: Backfill) -> None:
        self._past = past
        self._trail = _kept(past) or _today(past)
        self._newer: Side | None = None
        self._source: Source | None = None

    def look(self, source: Source, looked: Mapping[str, Looked]) -> Step:
        """Recognise what stands in an older commit as well; reads rows of nobody, writes none.

        Args:
            source: The repository at that commit.
            looked: What was found, by judged folder.
        """
        older = Side(source)
        try:
            now, newer = self._sides()
        except InputError:
            # Rewritten away meanwhile: nothing can be followed from there.
            return Step(_Trail(source.commit, {}), {})
        folders, ended = {}, defaultdict[str, list[tuple[int, bool]]](list)
        for folder, standing in self._trail.folders.items():
            there = looked.get(folder)
            left, known = _back(standing, there, older, newer)
            if left.rows:
                folders[folder] = left
            unsure = _unsure(there)
            for index, row in standing.rows.items():
                if row not in known:
                    site = standing.sites[index]
                    ended[site.path].append((row, unsure(site)))
        self._newer, self._source = older, source
        return Step(_Trail(source.commit, folders), _began(now, source.commit, ended))

    def write(self, step: Step) -> None:
        """Write what began, and from where to go on. Runs in the transaction of the point."""
        self._trail = step.trail
        _date(step.began)
        PastTrail.objects.update_or_create(past=self._past, defaults={"data": _packed(step.trail)})

    def rest(self) -> Mapping[int, Origin]:
        """Tell since when stands what stood in the oldest commit that was judged; writes no row.

        Nothing where that commit can not be read any more: dates stay what they were.
        """
        standing = self._trail.folders.values()
        followed = [
            (each.sites[index].path, row) for each in standing for index, row in each.rows.items()
        ]
        if not followed:
            return {}
        try:
            now, _ = self._sides()
            changed = last_changes(now, {path for path, _ in followed})
            first = _head(now)
        except InputError as error:
            logger.info("end of the past not read", reason=str(error))
            return {}
        return {
            row: msgspec.structs.replace(changed.get(path, first), at_least=True)
            for path, row in followed
        }

    def end(self, began: Mapping[int, Origin]) -> None:
        """Write what `rest` told, and forget the trail. Runs in the transaction of the end."""
        _date(began)
        PastTrail.objects.filter(past=self._past).delete()

    def _sides(self) -> tuple[Source, Side]:
        """The commit that was judged last, and its files."""
        if self._source is None or self._newer is None:
            git_dir = mirrors.path(self._past.repository)
            self._source = GitSource(git_dir, self._trail.commit, remember=facts.store())
            self._newer = Side(self._source)
        return self._source, self._newer


def _kept(past: Backfill) -> _Trail | None:
    """From where to go on; None at the start, and where what was kept cannot be read any more.

    Then findings are followed anew from today: what was dated since keeps its date, because a date
    only moves back, and the next commit lies farther away.
    """
    row = PastTrail.objects.filter(past=past).first()
    try:
        return _unpacked(bytes(row.data)) if row else None
    except (zlib.error, msgspec.DecodeError) as error:
        logger.warning("trail of the past not readable", past=past.pk, reason=str(error))
        return None


def _today(past: Backfill) -> _Trail:
    """What the last scan found, as it lies in the rows.

    Commit and rows come from one query: a scan that ends meanwhile changes both or none of them.
    """
    commit, folders = past.repository.scanned_commit, dict[str, Standing]()
    rows = Finding.objects.filter(repository=past.repository_id, state__in=OPEN_STATES)
    names = ("pk", "state", "component__path", "repository__scanned_commit", *identity.SITE)
    for row in rows.order_by("pk").values(*names):
        commit = row["repository__scanned_commit"]
        standing = folders.setdefault(row["component__path"], Standing([], {}))
        # What was reopened has its date from scans; what is about a commit has the date of that.
        if row["state"] == FindingState.OPEN and not row["symbol"].startswith(ABOUT_COMMIT):
            standing.rows[len(standing.sites)] = row["pk"]
        standing.sites.append(identity.site(row))
    return _Trail(commit, folders)


def _back(
    standing: Standing, looked: Looked | None, older: Side, newer: Side
) -> tuple[Standing, set[int]]:
    """What stood in an older commit, with the rows that were recognised."""
    if looked is None:
        return Standing([], {}), set()
    known = {(each.check, each.fingerprint, each.blob): each.text for each in standing.sites}
    found = identity.fitted(
        sites(looked.report.findings, looked.anchors, older, lambda *name: known.get(name))
    )
    pairs = match(found, standing.sites, Between(older, newer), known_rules)
    rows = {old: standing.rows[new] for old, new in pairs.items() if new in standing.rows}
    return Standing(found, rows), set(rows.values())


def _unsure(looked: Looked | None) -> Callable[[Site], bool]:
    """Whether a finding may have stood there unseen: its file or its check is not sure."""
    if looked is None:
        return lambda _: False
    missed = unread.paths(looked.report)
    states = unread.states(looked.report)
    return lambda site: (
        site.path in missed or "" in missed or "unknown" in states.get(site.check, ())
    )


def _began(
    source: Source, since: str, ended: Mapping[str, Sequence[tuple[int, bool]]]
) -> dict[int, Origin]:
    """The commits after ``since`` that brought what stands in the source and not before."""
    if not ended:
        return {}
    recent, only = last_changes(source, ended, since), only_commit(source, since)
    first = msgspec.structs.replace(_head(source), at_least=True)
    return {
        row: msgspec.structs.replace(origin, at_least=origin.at_least or unsure)
        for path, rows in ended.items()
        for row, unsure in rows
        for origin in [recent.get(path) or only or first]
    }


def _head(source: Source) -> Origin:
    commit = source.history()[0]
    return Origin(commit.oid, commit.author, commit.time)


def _date(began: Mapping[int, Origin]) -> None:
    """Write since when findings stand, where that is earlier, or surer, than was known.

    Many begin with the same commit and are written together: the transaction is short, and on
    SQLite nobody else writes meanwhile.
    """
    together = defaultdict[Origin, list[int]](list)
    for row in sorted(began):
        together[began[row]].append(row)
    for origin, rows in together.items():
        for chunk in batched(rows, BATCH, strict=False):
            _date_from(origin, chunk)


def _date_from(origin: Origin, rows: Sequence[int]) -> None:
    when = _when(origin)
    later = Q(since__isnull=True) | Q(since__gte=when)
    known = Finding.objects.filter(later, pk__in=rows, state=FindingState.OPEN)
    told = list(known.values_list("pk", flat=True))
    Finding.objects.filter(pk__in=told).update(since=when)
    opened = FindingEvent.objects.filter(finding__in=told, kind=FindingEventKind.OPENED)
    if not origin.at_least:
        opened.filter(commit=origin.commit, at_least=True).update(at_least=False)
    # What a scan knew for sure of this commit stays sure.
    opened.exclude(commit=origin.commit).update(
        commit=origin.commit,
        author=clean(origin.author, 200),
        committed_at=when,
        at_least=origin.at_least,
    )


def _when(origin: Origin) -> datetime:
    return datetime.fromtimestamp(origin.time, UTC)


def _packed(trail: _Trail) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(trail), _FAST)


def _unpacked(data: bytes) -> _Trail:
    return _DECODER.decode(zlib.decompress(data))
