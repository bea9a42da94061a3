"""What fixing would gain in a repository, worked out when it is judged and read by pages."""

from __future__ import annotations

import zlib
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec
from django.core.paginator import Page, Paginator
from django.db.models import Count

from checks.hidden import governed
from checks.outcomes import unpack
from checks.plan import KINDS, Gain, Kind, Plan, Worth
from checks.rules.specs import ATTESTATION, specs
from checks.waivers import apply, within
from dashboard.models import Clause, Finding, StoredReport

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dashboard.models import Repository, ScanStandard, Standard
    from dashboard.services.judging import Ruling
    from dashboard.services.results import Judged

PAGE_SIZE = 50
AHEAD = 20
"""Clauses among which one is looked for that code can mend."""
LEVEL = 1
BY_A_LEAD = "a lead attests it"
PARTLY_BY_A_LEAD = "a lead attests part of it"


class Kept(msgspec.Struct, frozen=True):
    """What is kept of one standard: gains by kind, and the way to the next letter by kind."""

    gains: dict[str, list[Gain]]
    plans: dict[str, Plan | None]


_DECODER = msgspec.msgpack.Decoder(dict[str, Kept])


@dataclass(frozen=True)
class Line:
    """What fixing one thing gains: in one standard, or in the repository as a whole.

    ``standard`` is that of a clause, None for what counts in several. ``act`` says when it is not
    a developer who has to act.
    """

    name: str
    findings: int
    points: float
    words: str = ""
    act: str = ""
    standard: Standard | None = None


@dataclass(frozen=True)
class Way:
    """The cheap way to the next letter of one standard in one component, None at the best one."""

    row: ScanStandard
    plan: Plan | None


@dataclass(frozen=True)
class GainsPage:
    """One page of gains and the ways to the next letters.

    ``chosen`` is the standard that is looked at; None for all of them together, in points of the
    repository, and before the first result. ``known`` is false where an earlier release has judged.
    """

    standards: Sequence[ScanStandard]
    chosen: ScanStandard | None
    kind: Kind
    known: bool
    ways: Sequence[Way]
    page: Page[Line]
    name: str
    words: Mapping[str, str]
    acts: Mapping[str, str]

    @property
    def plan(self) -> Plan | None:
        """The way of the standard that is looked at."""
        return self.ways[0].plan if self.chosen and self.ways else None


def added(judged: Judged, ruling: Ruling) -> Judged:
    """Return the judgement with what fixing would gain in each standard, waivers left out."""
    outcomes, standards = governed(unpack(judged.answers), ruling.standards)
    if waivers := within(ruling.accepted, judged.component.path):
        applied = apply(outcomes, standards, waivers, ruling.on)
        outcomes = applied.outcomes
        standards = [applied.standard(each.slug) for each in standards]
    kept = {}
    for standard in standards:
        worth = Worth(standard, outcomes)
        kept[standard.slug] = Kept(
            {kind: worth.listed(kind) for kind in KINDS},
            {kind: worth.plan(kind=kind) for kind in KINDS if kind != "file"},
        )
    return replace(judged, worth=zlib.compress(msgspec.msgpack.encode(kept), LEVEL))


@dataclass(frozen=True)
class Outlook:
    """What to do next: the way to the next letter of one standard, and the first thing to fix.

    ``first`` is the clause that gains the repository most and that code can mend; where there is
    none, the one that a lead has to attest. None where nothing is to be gained.
    """

    plan: Plan | None
    first: Line | None


def outlook(rows: Sequence[ScanStandard], chosen: ScanStandard | None) -> Outlook:
    """Return what to do next in the repository whose last scan has these results."""
    kept = _kept(rows)
    plan = kept[chosen.pk].plans.get("clause") if chosen and chosen.pk in kept else None
    lines = [line for line in _lines(None, rows, kept, "clause") if line.points > 0][:AHEAD]
    clauses = Clause.objects.filter(
        standard__in={row.standard_id for row in rows}, number__in={line.name for line in lines}
    )
    known = {(clause.standard_id, clause.number): clause for clause in clauses}
    told = [_worded(line, known) for line in lines]
    by_code = (line for line in told if line.act != BY_A_LEAD)
    return Outlook(plan, next(by_code, next(iter(told), None)))


def acts_of(clauses: Iterable[Clause]) -> dict[str, str]:
    """Return which of the clauses ask a lead to act, by number, and whether for all of it."""
    return {
        clause.number: BY_A_LEAD if {*clause.check_ids} == {ATTESTATION} else PARTLY_BY_A_LEAD
        for clause in clauses
        if ATTESTATION in clause.check_ids
    }


def read_gains(repository: Repository, query: Mapping[str, str]) -> GainsPage:
    """Return what the query string asks for; unknown values fall back to all standards."""
    scan = repository.last_scan
    standards = list(scan.standards.select_related("standard", "component")) if scan else []
    named = [row for row in standards if row.standard.slug == query.get("standard")]
    exact = [row for row in named if row.component.path == query.get("component", "")]
    chosen = next(iter([*exact, *named]), standards[0] if len(standards) == 1 else None)
    looked_at = [chosen] if chosen else standards
    kind = next((each for each in KINDS if each == query.get("by")), KINDS[0])
    name = query.get("name", "").replace("\x00", "")
    kept = _kept(looked_at)
    clauses = list(Clause.objects.filter(standard__in={row.standard_id for row in looked_at}))
    lines = _lines(chosen, looked_at, kept, kind)
    if name:
        lines = [each for each in lines if each.name == name]
    page = Paginator(lines, PAGE_SIZE).get_page(query.get("page", "1"))
    page.object_list = _told(repository, page.object_list, kind, clauses, one=chosen is not None)
    own = "check" if kind == "check" else "clause"
    return GainsPage(
        standards=standards,
        chosen=chosen,
        kind=kind,
        known=len(kept) == len(looked_at),
        ways=[Way(row, kept[row.pk].plans.get(own)) for row in looked_at if row.pk in kept],
        page=page,
        name=name,
        words=_words(clauses, kind),
        acts={ATTESTATION: BY_A_LEAD} if kind == "check" else acts_of(clauses),
    )


def _lines(
    chosen: ScanStandard | None,
    rows: Sequence[ScanStandard],
    kept: Mapping[int, Kept],
    kind: Kind,
) -> list[Line]:
    """The gains of one standard as they were kept; of several what the repository's mean gains.

    Standards are judged one by one, so the gain of their mean is exactly the mean of their gains.
    """
    if chosen is not None:
        gains = kept[chosen.pk].gains[kind] if chosen.pk in kept else []
        return [Line(*each, standard=chosen.standard) for each in gains]
    scored = sum(row.score is not None for row in rows) or 1
    points: dict[tuple[int, str], float] = defaultdict(float)
    findings: dict[tuple[int, str], int] = defaultdict(int)
    for row in rows:
        for gain in kept[row.pk].gains[kind] if row.pk in kept else []:
            # A clause is of one standard; a check or a file counts in several.
            place = (row.standard_id if kind == "clause" else 0, gain.name)
            points[place] += gain.points / scored
            findings[place] += gain.findings
    by_pk = {row.standard_id: row.standard for row in rows}
    lines = [
        Line(name, findings[owner, name], gained, standard=by_pk.get(owner))
        for (owner, name), gained in points.items()
    ]
    return sorted(lines, key=lambda line: (-line.points, line.findings, line.name))


def _told(
    repository: Repository,
    lines: Iterable[Line],
    kind: Kind,
    clauses: Iterable[Clause],
    *,
    one: bool,
) -> list[Line]:
    """The lines of a page with their words, who has to act, and how many findings there are."""
    lines = list(lines)
    if kind == "clause":
        known = {(clause.standard_id, clause.number): clause for clause in clauses}
        return [_worded(line, known) for line in lines]
    if kind == "check":
        titles = {name: spec.title for name, spec in specs().items()}
        act = {ATTESTATION: BY_A_LEAD}
        lines = [
            replace(each, words=titles.get(each.name, ""), act=act.get(each.name, ""))
            for each in lines
        ]
    # Several standards count the same finding: together there are as many as there are rows.
    return lines if one else _counted(repository, lines, "path" if kind == "file" else "check_id")


def _worded(line: Line, known: Mapping[tuple[int, str], Clause]) -> Line:
    """A line of a clause with its demand, and who has to act."""
    row = known.get((line.standard.pk, line.name)) if line.standard else None
    if row is None:
        return line
    return replace(line, words=row.requirement, act=acts_of([row]).get(line.name, ""))


def _counted(repository: Repository, lines: Sequence[Line], column: str) -> list[Line]:
    names = [line.name for line in lines]
    rows = Finding.objects.filter(repository=repository, **{f"{column}__in": names})
    found = dict(rows.open().order_by().values_list(column).annotate(number=Count("pk")))
    return [replace(line, findings=found.get(line.name, 0)) for line in lines]


def _words(clauses: Iterable[Clause], kind: Kind) -> dict[str, str]:
    """What the names of a plan's steps say: the demand of each clause, the title of each check."""
    if kind == "check":
        return {name: spec.title for name, spec in specs().items()}
    return {clause.number: clause.requirement for clause in clauses}


def _kept(rows: Sequence[ScanStandard]) -> dict[int, Kept]:
    """What was kept with the report of that very scan; nothing for one of an earlier release."""
    reports = StoredReport.objects.filter(
        component__in={row.component_id for row in rows}, scan__in={row.scan_id for row in rows}
    )
    held = {}
    for component, data in reports.values_list("component_id", "worth"):
        try:
            held[component] = _DECODER.decode(zlib.decompress(data)) if data else {}
        except (zlib.error, msgspec.DecodeError):
            continue
    return {
        row.pk: kept
        for row in rows
        if (kept := held.get(row.component_id, {}).get(row.standard.slug)) is not None
    }
