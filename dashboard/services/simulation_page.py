"""What the pages of a simulation show: sums over the fleet, its repositories, one repository."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import msgspec
from django.core.paginator import Page, Paginator
from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Abs

from dashboard.models import (
    Forecast,
    ForecastState,
    Repository,
    Role,
    Simulation,
    Standard,
    Team,
)
from dashboard.services import basis, editing, proposals
from dashboard.services.basis import Compared
from dashboard.services.own_standards import RefusedError
from dashboard.services.proposals import Proposal
from dashboard.services.versions import Difference, against

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dashboard.models import User
    from dashboard.models.simulation import ForecastQuerySet
    from dashboard.services.proposals import Part

PAGE_SIZE = 50
LIST_SIZE = 20
ALL = "all"
APPEARING, VANISHING = "appearing", "vanishing"
SCORED = ~Q(letter="") & ~Q(before_letter="")
# Letters sort from the best to the worst.
SHOWS: Mapping[str, tuple[str, Q]] = {
    ALL: ("all", Q()),
    "letter-down": ("letter falls", SCORED & Q(letter__gt=F("before_letter"))),
    "letter-up": ("letter rises", SCORED & Q(letter__lt=F("before_letter"))),
    "down": ("score falls", Q(change__lt=0)),
    "up": ("score rises", Q(change__gt=0)),
    "musts": ("musts open", Q(new_musts__gt=0)),
    "gate-fails": ("gate fails", Q(gates_failing__gt=0)),
    "gate-passes": ("gate fails no longer", Q(gates_passing__gt=0)),
    "appearing": ("findings appear", Q(appearing__gt=0)),
    "vanishing": ("findings vanish", Q(vanishing__gt=0)),
    "moved": ("settings changed", Q(state=ForecastState.DONE) & ~Q(moved=[])),
    "failed": ("could not be judged", Q(state=ForecastState.FAILED)),
}
SORTS = {
    "impact": (F("impact").desc(nulls_last=True), "repository__name", "pk"),
    "worst": (F("change").asc(nulls_last=True), "repository__name", "pk"),
    "best": (F("change").desc(nulls_last=True), "repository__name", "pk"),
    "name": ("repository__name", "pk"),
}


@dataclass(frozen=True)
class ResultQuery:
    """What the query string asks for. Unknown values fall back, so no address is ever broken."""

    show: str = ALL
    sort: str = "impact"
    page: str = "1"

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> ResultQuery:
        """Read the query string."""
        show, sort = parameters.get("show", ALL), parameters.get("sort", "impact")
        return cls(
            show=show if show in SHOWS else ALL,
            sort=sort if sort in SORTS else "impact",
            page=parameters.get("page", "1"),
        )


@dataclass(frozen=True)
class Choice:
    """A filter with how many repositories it leaves."""

    key: str
    label: str
    count: int


@dataclass(frozen=True)
class Changed:
    """A text of the proposal.

    Attributes:
        part: The text.
        base: Newest version of the standard whose place it takes, None when it takes none.
        difference: What differs, clause by clause.
        saved: The version that it is stored as, None while it is not.
    """

    part: Part
    base: Standard | None
    difference: Difference
    saved: Standard | None


@dataclass(frozen=True)
class Results:
    """A simulation with one page of its repositories, and what has changed there since."""

    page: Page[Forecast]
    rows: Sequence[Compared]
    stale: int
    choices: Sequence[Choice]
    ended: int
    total: int
    before: float | None
    after: float | None
    worst: Forecast | None
    sums: Mapping[str, int]
    changed: Sequence[Changed]
    drops: Sequence[Standard]
    unreadable: str
    may_save: bool
    saved: bool
    led: frozenset[int]


def read_list(reader: User, page: str) -> Page[Simulation]:
    """Return the simulations that a person has made, newest first."""
    rows = (
        Simulation.objects.visible_to(reader)
        .defer("parts")
        .annotate(
            total=Count("forecasts"),
            ended=Count("forecasts", filter=Q(forecasts__state=ForecastState.DONE)),
        )
    )
    return Paginator(rows.order_by("-pk"), LIST_SIZE).get_page(page)


def read_results(reader: User, simulation: Simulation, query: ResultQuery) -> Results:
    """Return what became of a simulation so far.

    A constant number of queries, whatever the number of repositories.
    """
    rows = Forecast.objects.visible_to(reader).filter(simulation=simulation)
    counts = _sums(rows)
    shown = rows.filter(SHOWS[query.show][1]).annotate(impact=Abs("change"))
    listed = shown.defer("details").select_related("repository__team").order_by(*SORTS[query.sort])
    page = Paginator(listed, PAGE_SIZE).get_page(query.page)
    done = rows.done().filter(score__isnull=False, before_score__isnull=False)
    scores = list(done.values_list("before_score", "score"))
    worst = done.filter(change__lt=0).order_by("change", "pk").defer("details")
    proposal, unreadable = _proposed(simulation)
    changed = _changed(proposal)
    settings = ("repository_id", "state", "basis")
    moved = {
        each.forecast.pk: each.moved
        for each in basis.compared(rows.done().only(*settings), proposal)
    }
    led = Repository.objects.with_role(reader, Role.LEAD).filter(
        pk__in=[row.repository_id for row in page.object_list]
    )
    return Results(
        page=page,
        rows=[Compared(each, moved.get(each.pk, [])) for each in page.object_list],
        stale=sum(map(bool, moved.values())),
        choices=[
            Choice(key, label, counts["total"] if key == ALL else count)
            for key, (label, _) in SHOWS.items()
            if (count := counts.get(f"show_{key}".replace("-", "_"), 0)) or key in (ALL, query.show)
        ],
        ended=counts["done"] + counts["show_failed"],
        total=counts["total"],
        before=_median(before for before, _ in scores),
        after=_median(after for _, after in scores),
        worst=worst.select_related("repository").first(),
        sums=counts,
        changed=changed,
        drops=list(Standard.objects.newest().filter(slug__in=simulation.drops).defer("source")),
        unreadable=unreadable,
        may_save=Team.objects.with_role(reader, Role.LEAD).exists(),
        saved=not unreadable and all(each.saved for each in changed),
        led=frozenset(led.values_list("pk", flat=True)),
    )


def _sums(rows: ForecastQuerySet) -> dict[str, int]:
    found: dict[str, int] = rows.aggregate(
        total=Count("pk"),
        done=Count("pk", filter=Q(state=ForecastState.DONE)),
        sum_appearing=Sum("appearing", default=0),
        sum_vanishing=Sum("vanishing", default=0),
        sum_musts=Sum("new_musts", default=0),
        sum_gates_failing=Sum("gates_failing", default=0),
        sum_gates_passing=Sum("gates_passing", default=0),
        sum_asked=Sum("asked", default=0),
        **{
            f"show_{key}".replace("-", "_"): Count("pk", filter=q)
            for key, (_, q) in SHOWS.items()
            if key != ALL
        },
    )
    return found


def _median(scores: Iterable[float | None]) -> float | None:
    known = [score for score in scores if score is not None]
    return median(known) if known else None


def _changed(proposal: Proposal) -> list[Changed]:
    saved = proposals.stored(proposal)
    wanted = [part.replaces for part in proposal.parts if part.replaces]
    bases = {row.slug: row for row in Standard.objects.newest().filter(slug__in=wanted)}
    found = []
    for part in proposal.parts:
        base = bases.get(part.replaces)
        row = saved.get(part.standard.slug)
        found.append(
            Changed(part, base, against(base, part.standard) if base else Difference(), row)
        )
    return found


# --- one repository


@dataclass(frozen=True)
class Outlook:
    """One repository under a proposal.

    Attributes:
        standards: Both sides of each standard that is judged otherwise, with the clauses that are.
        known: Slugs of those that have a page.
        same: How many are judged as before.
        gate: What the gates would say, None without any.
        compared: What has changed since it was judged.
        side: Which findings are listed: those ``appearing`` or those ``vanishing``.
        checks: How many there are of each check.
        check: Only those of this check, "" for all.
        page: One page of them.
        kept: How many of them are kept for the list.
        total: How many there are.
    """

    standards: Sequence[Mapping[str, Any]]
    known: frozenset[str]
    same: int
    gate: Mapping[str, Any] | None
    compared: Compared
    side: str
    checks: Sequence[tuple[str, int]]
    check: str
    page: Page[Mapping[str, Any]]
    kept: int
    total: int


def read_outlook(row: Forecast, parameters: Mapping[str, str]) -> Outlook:
    """Return what a proposal would do to one repository."""
    empty: dict[str, Any] = {"checks": [], "rows": []}
    details: dict[str, Any] = {"standards": [], APPEARING: empty, VANISHING: empty}
    if row.details:
        details = msgspec.json.decode(zlib.decompress(bytes(row.details)))
    side = parameters.get("side", "")
    if side not in (APPEARING, VANISHING):
        side = VANISHING if row.vanishing and not row.appearing else APPEARING
    listed, check = details[side], parameters.get("check", "")
    rows = [each for each in listed["rows"] if check in ("", each["check"])]
    slugs = {each["slug"] for each in details["standards"]}
    newest = Standard.objects.newest().filter(slug__in=slugs)
    titles = dict(newest.values_list("slug", "title"))
    differing = [each for each in details["standards"] if each["before"] != each["after"]]
    return Outlook(
        standards=[
            {**each, "title": each["title"] or titles.get(each["slug"], each["slug"])}
            for each in differing
        ],
        known=frozenset(titles),
        same=len(details["standards"]) - len(differing),
        gate=details.get("gate"),
        compared=basis.compared([row], _proposed(row.simulation)[0])[0],
        side=side,
        checks=listed["checks"],
        check=check,
        page=Paginator(rows, PAGE_SIZE).get_page(parameters.get("page", "1")),
        kept=len(listed["rows"]),
        total=getattr(row, side),
    )


def _proposed(simulation: Simulation) -> tuple[Proposal, str]:
    """What is proposed, or nothing and why it cannot be read any more."""
    try:
        return proposals.read(simulation), ""
    except RefusedError as error:
        return Proposal([]), str(error)


def likely_place(text: str) -> str:
    """Return the slug of the standard that a text was most likely made from, "" for none.

    Its own where there is such a standard, else the one that shares most of its clauses.
    """
    if not text:
        return ""
    try:
        standard = editing.read(text)
    except RefusedError:
        return ""
    newest = Standard.objects.newest()
    if newest.filter(slug=standard.slug).exists():
        return standard.slug
    numbers = [clause.id for clause in standard.clauses]
    rows = newest.annotate(shared=Count("clauses", filter=Q(clauses__number__in=numbers)))
    close = rows.filter(shared__gt=len(numbers) // 2).order_by("-shared", "pk")
    return close.values_list("slug", flat=True).first() or ""
