"""What a lead wants to know before a meeting: better or worse, who moved, what fails most."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from django.core.cache import cache
from django.core.paginator import Page, Paginator
from django.db.models import Count, Exists, F, Min, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from dashboard.models import (
    Attestation,
    Clause,
    ClauseResult,
    Component,
    PastResult,
    Repository,
    Scan,
    Team,
    VerdictName,
    Waiver,
)
from dashboard.services.fleet import LETTERS
from dashboard.services.my_work import since_of
from dashboard.services.transitions import MAX_STORED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from django.db.models import QuerySet

    from dashboard.models import User
    from dashboard.models.repository import RepositoryQuerySet

WINDOWS = (7, 30, 90)
VISIT = "visit"
"""Asks for what has changed since the reader was here before."""
MOST = 6
"""Lines of each list; the page that it links to has all."""
LEAST = 0.05
"""Points by which a score has to move: of less, a page says that nothing moved."""
ON_A_PAGE = 250
"""Repositories of the table: most fleets are printed whole."""
REMEMBERED = 300
"""Seconds for which the clauses of the whole fleet are not counted anew."""
LARGE = 100
"""Repositories from which on counting takes longer than a reader should wait each time."""
SOON = timedelta(days=30)
_MISSED = Q(verdict__in=[VerdictName.FAILS, VerdictName.DUE])
_DECIDED = _MISSED | Q(verdict__in=[VerdictName.HOLDS, VerdictName.ATTESTED])


@dataclass(frozen=True)
class WorstClause:
    """A clause, in how many repositories it is not met, and how many it applies to."""

    standard: str
    number: str
    requirement: str
    strength: str
    missed: int
    decided: int
    lost: float

    @property
    def adherence(self) -> float:
        """Part of the repositories that meet it, 0 to 1."""
        return 1 - self.missed / self.decided


@dataclass(frozen=True)
class Move:
    """A repository and by how many points its score has moved.

    ``past`` is the earlier commit it is compared with where no scan reaches back that far;
    ``since`` is the moment of what it is compared with where nothing does.
    """

    repository: Repository
    by: float
    past: str = ""
    since: datetime | None = None


@dataclass(frozen=True)
class Place:
    """Where one repository stands: ``by`` is how far its score has moved, None without a then.

    ``past`` and ``since`` are as in :class:`Move`; ``opened``, ``fixed`` are findings of that time.
    """

    repository: Repository
    by: float | None
    past: str
    since: datetime | None
    opened: int
    fixed: int


@dataclass(frozen=True)
class TeamLine:
    """One team: how many repositories, their median score, their open musts."""

    slug: str
    name: str
    repositories: int
    median: float | None
    open_must: int
    unscored: int


@dataclass(frozen=True)
class Report:
    """The fleet in one page. Scores are points; ``days`` is how far back changes are looked for.

    With ``days`` 0 that is the reader's last visit; ``since`` is the moment in either case.
    ``gates`` are the repositories of which a gate asks something, ``gates_failing`` those that miss
    it. ``waivers`` are in force, ``waivers_ending`` end within a month.
    ``compared`` counts the repositories of which something older is known: only of these
    ``median_compared`` and ``median_before`` are, and where none of it is as old as asked for,
    ``reach`` is its earliest moment.
    ``due`` are attestations that are missing or have expired; ``partly`` counts the repositories of
    which some clause has no answer, ``in_folders`` those of which only folders are judged, and
    ``bounded`` those of which not all findings are kept as rows.
    ``waivers_until`` is the last day of the waiver that ends first.
    ``judged_later`` counts the repositories whose earlier score is of their judged past.
    ``places`` is one page of all repositories, the lowest score first, those without one last.
    """

    days: int
    since: datetime
    total: int
    median: float | None
    median_before: float | None
    median_compared: float | None
    compared: int
    reach: datetime | None
    judged_later: int
    letters: Sequence[tuple[str, int]]
    unscored: int
    open_must: int
    risen: Sequence[Move]
    fallen: Sequence[Move]
    opened: int
    fixed: int
    worst: Sequence[WorstClause]
    teams: Sequence[TeamLine]
    unmeasured: Sequence[Repository]
    running: int
    attestations: int
    gates: int
    gates_failing: int
    waivers: int
    waivers_ending: int
    waivers_until: date | None
    due: int
    partly: int
    in_folders: int
    bounded: int
    places: Page[Place]

    @property
    def asked(self) -> str:
        """How the address asks for this time."""
        return str(self.days) if self.days else VISIT

    @property
    def scored(self) -> int:
        """How many repositories have a score."""
        return self.total - self.unscored

    @property
    def change(self) -> float | None:
        """How far the median has moved, in points."""
        if self.median_compared is None or self.median_before is None:
            return None
        return self.median_compared - self.median_before


def read_report(reader: User, days: int, page: str = "1") -> Report:
    """Return the report on the repositories the reader may see, and a page of these.

    A constant number of queries, whatever the number of repositories.
    """
    visible = Repository.objects.visible_to(reader)
    now = timezone.now()
    since = now - timedelta(days=days) if days else since_of(reader)
    rows = _rows(reader, since)
    scored = [row for row in rows if row.score is not None]
    earlier = {row.pk: then for row in scored if (then := _then(row, since)) is not None}
    letters = {letter: sum(row.letter == letter for row in scored) for letter in LETTERS}
    moves = _moves(scored, earlier)
    turns = _turns(visible, since)
    unmeasured = [row for row in rows if row.score is None]
    return Report(
        days=days,
        since=since,
        total=len(rows),
        median=_median([row.score for row in scored]),
        median_before=_median([then.score for then in earlier.values()]),
        median_compared=_median([row.score for row in scored if row.pk in earlier]),
        compared=len(earlier),
        reach=_reach(earlier.values()),
        judged_later=sum(bool(then.past) for then in earlier.values()),
        letters=list(letters.items()),
        unscored=len(unmeasured),
        open_must=sum(row.open_must for row in scored),
        risen=[move for move in reversed(moves) if move.by > 0][: MOST // 2],
        fallen=[move for move in moves if move.by < 0][: MOST // 2],
        opened=sum(opened for opened, _ in turns.values()),
        fixed=sum(fixed for _, fixed in turns.values()),
        worst=_worst(reader, len(rows)),
        teams=_teams(reader, rows),
        unmeasured=unmeasured[:MOST],
        running=Scan.objects.active().filter(repository__in=visible).count(),
        attestations=Attestation.objects.visible_to(reader)
        .in_force()
        .filter(expires_at__lte=now + SOON)
        .count(),
        gates=sum(row.gate_passed is not None for row in rows),
        gates_failing=sum(row.gate_passed is False for row in rows),
        **_waivers(reader),
        **_measured(rows),
        places=Paginator(_places(rows, earlier, turns), ON_A_PAGE).get_page(page),
    )


def _moves(scored: Sequence[Any], earlier: Mapping[int, _Then]) -> list[Move]:
    """What a page shows as moved, the largest fall first."""
    moves = [
        Move(row, row.score - then.score, then.past, then.at)
        for row in scored
        if (then := earlier.get(row.pk)) is not None and abs(row.score - then.score) >= LEAST
    ]
    return sorted(moves, key=lambda move: (move.by, move.repository.name))


def _measured(rows: Sequence[Any]) -> dict[str, Any]:
    """How much is not measured although there is a score, and not listed although it was found."""
    scored = [row for row in rows if row.score is not None]
    found = [row.findings_count + row.suppressed_count + row.waived_count for row in rows]
    return {
        "due": sum(row.due_count for row in rows),
        "partly": sum(row.coverage is not None and row.coverage < 1 for row in scored),
        "in_folders": sum(not row.whole for row in scored),
        "bounded": sum(each > MAX_STORED for each in found),
    }


def _waivers(reader: User) -> dict[str, Any]:
    day = timezone.localdate()
    soon = Count("pk", filter=Q(expires_on__lte=day + SOON))
    counting = Waiver.objects.visible_to(reader).in_force(day).order_by()
    return counting.aggregate(
        waivers=Count("pk"), waivers_ending=soon, waivers_until=Min("expires_on")
    )


def _places(
    rows: Sequence[Any], earlier: Mapping[int, _Then], turns: Mapping[int, tuple[int, int]]
) -> list[Place]:
    """All repositories, the worst first; of what is not measured nobody knows how bad it is."""
    ordered = sorted(
        rows, key=lambda row: (row.score is None, row.score, -row.open_must, row.name, row.pk)
    )
    places = []
    for row in ordered:
        then = earlier.get(row.pk)
        by, past, at = (row.score - then.score, then.past, then.at) if then else (None, "", None)
        places.append(Place(row, by, past, at, *turns.get(row.pk, (0, 0))))
    return places


class _Then(NamedTuple):
    """An earlier score; ``at`` is its moment where that is later than what was asked for."""

    score: float
    past: str = ""
    at: datetime | None = None


def _reach(earlier: Iterable[_Then]) -> datetime | None:
    """The earliest moment that is compared with, None when one is as old as asked for."""
    moments = [then.at for then in earlier]
    late = [at for at in moments if at is not None]
    return min(late) if late and len(late) == len(moments) else None


def _rows(reader: User, since: datetime) -> list[Any]:
    """Every repository with its result of then, its oldest one, and what its past was told."""
    results = Scan.objects.with_result().filter(repository=OuterRef("pk"), score__isnull=False)
    before = results.filter(finished_at__lte=since).order_by("-number")
    first = results.order_by("number")
    past = PastResult.objects.visible_to(reader).filter(
        repository=OuterRef("pk"), score__isnull=False, commit_time__lt=OuterRef("first_at")
    )
    until, oldest = past.filter(commit_time__lte=since), past.order_by("commit_time", "pk")
    rows = (
        Repository.objects.visible_to(reader)
        .annotate(first_at=Subquery(first.values("finished_at")[:1]))
        .select_related("team")
        .annotate(
            last_state=F("last_scan__state"),
            whole=Exists(Component.objects.judged().filter(repository=OuterRef("pk"), path="")),
            score_then=Subquery(before.values("score")[:1]),
            past_score=_first("score", until, oldest),
            past_commit=_first("commit", until, oldest),
            past_at=_first("commit_time", until, oldest),
            first_score=Subquery(first.values("score")[:1]),
            first_scan=Subquery(first.values("pk")[:1]),
            first_commit_at=Subquery(first.values("commit_time")[:1]),
        )
    )
    return list(
        rows.only(
            *(
                "slug",
                "name",
                "score",
                "raw_score",
                "letter",
                "open_must",
                "team__slug",
                "team__name",
                "state",
                "state_message",
            ),
            *("scanned_at", "coverage", "gate_passed", "gate_untold"),
            *("failure_code", "failure_message", "last_scan"),
            *("findings_count", "suppressed_count", "waived_count", "due_count"),
        ).order_by("name", "pk")
    )


def _first(column: str, *rows: QuerySet[PastResult]) -> Coalesce:
    return Coalesce(*(Subquery(each.values(column)[:1]) for each in rows))


def _then(row: Any, since: datetime) -> _Then | None:
    """The score of then: of a scan, else of the judged past, else of the first scan.

    What the first scan judged may have been the head already then: it speaks for that day. Where it
    was not and nothing else has been judged, there is nothing to compare with.

    No waiver counts in the judged past. What those of today add now is added then as well, so that
    only the code and the rules make a difference.
    """
    if row.score_then is not None:
        return _Then(row.score_then)
    still = row.first_commit_at is not None and row.first_commit_at <= since
    if still:
        return _Then(row.first_score)
    if row.past_score is not None:
        return _of_past(row, since)
    alone = row.first_score is None or row.first_scan == row.last_scan_id
    return None if alone else _Then(row.first_score, at=row.first_at)


def _of_past(row: Any, since: datetime) -> _Then:
    waived = row.score - (row.score if row.raw_score is None else row.raw_score)
    at = row.past_at if row.past_at > since else None
    return _Then(min(row.past_score + waived, 100.0), row.past_commit, at)


def _turns(visible: RepositoryQuerySet, since: datetime) -> dict[int, tuple[int, int]]:
    """How many findings came and were fixed, by repository; its first scan is left out."""
    first = Scan.objects.with_result().filter(repository=OuterRef("repository")).order_by("number")
    scans = (
        Scan.objects.with_result()
        .filter(repository__in=visible, finished_at__gt=since)
        .exclude(pk=Subquery(first.values("pk")[:1]))
    )
    found = scans.order_by().values_list("repository_id")
    sums = found.annotate(opened=Sum("opened_count"), fixed=Sum("fixed_count"))
    return {pk: (opened, fixed) for pk, opened, fixed in sums}


def _median(scores: Sequence[float | None]) -> float | None:
    known = sorted(score for score in scores if score is not None)
    if not known:
        return None
    middle = len(known) // 2
    return known[middle] if len(known) % 2 else (known[middle - 1] + known[middle]) / 2


def _teams(reader: User, rows: Sequence[Any]) -> list[TeamLine]:
    of_team: dict[int, list[Any]] = {}
    for row in rows:
        of_team.setdefault(row.team_id, []).append(row)
    return [
        TeamLine(
            slug=team.slug,
            name=team.name,
            repositories=len(own),
            median=_median([row.score for row in own]),
            open_must=sum(row.open_must for row in own),
            unscored=sum(row.score is None for row in own),
        )
        for team in Team.objects.visible_to(reader)
        if (own := of_team.get(team.pk))
    ]


def _worst(reader: User, total: int) -> list[WorstClause]:
    """The clauses that take most points; of a large fleet they are counted every few minutes."""
    # What is remembered has another shape than in earlier releases, which may still be there.
    key = f"missed-clauses:{reader.pk}"
    known = cache.get(key) if total > LARGE else None
    if known is None:
        known = _missed(reader)
        cache.set(key, known, REMEMBERED)
    clauses = {
        (clause.standard.slug, clause.number): clause
        for clause in Clause.objects.filter(
            standard__is_latest=True, number__in={each.number for each in known}
        ).select_related("standard")
    }
    return [
        WorstClause(
            each.slug,
            each.number,
            clause.requirement,
            clause.strength,
            each.missed,
            each.decided,
            each.lost,
        )
        for each in known
        if (clause := clauses.get((each.slug, each.number)))
    ]


class _Missed(NamedTuple):
    slug: str
    number: str
    missed: int
    decided: int
    lost: float


def _missed(reader: User) -> list[_Missed]:
    """What is not met most, added up over the versions of a standard.

    The database adds up by keys, and what these are called is looked up once: by names it takes
    twice as long.
    """
    sums: dict[tuple[str, str], _Missed] = {}
    by_clause = {pk: counts for pk, *counts in _counted(reader)}
    named = Clause.objects.filter(pk__in=by_clause).values_list("pk", "standard__slug", "number")
    for pk, slug, number in named:
        missed, decided, lost = by_clause[pk]
        before = sums.get((slug, number), _Missed(slug, number, 0, 0, 0.0))
        sums[slug, number] = _Missed(
            slug, number, before.missed + missed, before.decided + decided, before.lost + lost
        )
    most = sorted(sums.values(), key=lambda each: (-each.lost, each.slug, each.number))
    return [each for each in most if each.missed][:MOST]


def _counted(reader: User) -> QuerySet[ClauseResult, tuple[Any, ...]]:
    scans = Repository.objects.visible_to(reader).values("last_scan")
    rows = ClauseResult.objects.filter(
        scan_standard__scan__in=scans, scan_standard__component__retired_at__isnull=True
    )
    return (
        rows.order_by()
        .values_list("clause")
        .annotate(
            missed=Count("pk", filter=_MISSED),
            decided=Count("pk", filter=_DECIDED),
            lost=Sum("loss"),
        )
    )
