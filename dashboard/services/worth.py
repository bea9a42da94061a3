"""What fixing would gain in a repository, worked out when it is judged and read by pages."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec
from django.core.paginator import Page, Paginator

from checks.outcomes import unpack
from checks.plan import KINDS, Gain, Kind, Plan, Worth
from checks.rules.specs import specs
from checks.waivers import apply
from dashboard.models import Clause, StoredReport

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dashboard.models import Repository, ScanStandard
    from dashboard.services.judging import Ruling
    from dashboard.services.results import Judged

PAGE_SIZE = 50
LEVEL = 1


class Kept(msgspec.Struct, frozen=True):
    """What is kept of one standard: gains by kind, and the way to the next letter by kind."""

    gains: dict[str, list[Gain]]
    plans: dict[str, Plan | None]


_DECODER = msgspec.msgpack.Decoder(dict[str, Kept])


@dataclass(frozen=True)
class GainsPage:
    """One page of gains of one standard in one component, and the way to the next letter."""

    standards: Sequence[ScanStandard]
    chosen: ScanStandard | None
    kind: Kind
    known: bool
    plan: Plan | None
    page: Page[Gain]
    name: str
    words: Mapping[str, str]


def added(judged: Judged, ruling: Ruling) -> Judged:
    """Return the judgement with what fixing would gain in each standard, waivers left out."""
    outcomes, standards = unpack(judged.answers), ruling.standards
    if ruling.waivers:
        applied = apply(outcomes, standards, ruling.accepted, ruling.on)
        outcomes = dict(applied.outcomes)
        standards = [applied.standard(each.slug) for each in standards]
    kept = {}
    for standard in standards:
        worth = Worth(standard, outcomes)
        kept[standard.slug] = Kept(
            {kind: worth.listed(kind) for kind in KINDS},
            {kind: worth.plan(kind=kind) for kind in KINDS if kind != "file"},
        )
    return replace(judged, worth=zlib.compress(msgspec.msgpack.encode(kept), LEVEL))


def plan_of(row: ScanStandard) -> Plan | None:
    """Return the cheap way to the next letter for a standard of a repository's last scan."""
    kept = _kept(row)
    return kept.plans.get("clause") if kept else None


def read_gains(repository: Repository, query: Mapping[str, str]) -> GainsPage:
    """Return what the query string asks for; unknown values fall back."""
    scan = repository.last_scan
    standards = list(scan.standards.select_related("standard", "component")) if scan else []
    named = [row for row in standards if row.standard.slug == query.get("standard")]
    exact = [row for row in named if row.component.path == query.get("component", "")]
    # As on the overview: unless one is named, the one that needs it most.
    scored = sorted((row for row in standards if row.score is not None), key=_score)
    chosen = next(iter([*exact, *named, *scored, *standards]), None)
    kind = next((each for each in KINDS if each == query.get("by")), KINDS[0])
    name = query.get("name", "").replace("\x00", "")
    kept = _kept(chosen) if chosen else None
    gains = kept.gains[kind] if kept else []
    if name:
        gains = [each for each in gains if each.name == name]
    return GainsPage(
        standards=standards,
        chosen=chosen,
        kind=kind,
        known=kept is not None,
        plan=kept.plans.get("check" if kind == "check" else "clause") if kept else None,
        page=Paginator(gains, PAGE_SIZE).get_page(query.get("page", "1")),
        name=name,
        words=_words(chosen, kind) if chosen else {},
    )


def _score(row: ScanStandard) -> float:
    return row.score or 0


def _words(row: ScanStandard, kind: Kind) -> dict[str, str]:
    """What the names say: the demand of each clause, the title of each check."""
    if kind == "check":
        return {name: spec.title for name, spec in specs().items()}
    rows = Clause.objects.filter(standard=row.standard_id)
    return dict(rows.values_list("number", "requirement"))


def _kept(row: ScanStandard) -> Kept | None:
    """What was kept with the report of that very scan, None for one of an earlier release."""
    report = StoredReport.objects.filter(component=row.component_id, scan=row.scan_id)
    data = report.values_list("worth", flat=True).first()
    try:
        return _DECODER.decode(zlib.decompress(data)).get(row.standard.slug) if data else None
    except (zlib.error, msgspec.DecodeError):
        return None
