"""What concerns one person: their repositories, what is new there, theirs, and asked of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.core.paginator import Page, Paginator
from django.db.models import Exists, OuterRef, Q, QuerySet, Sum, TextField, Value
from django.db.models.functions import Cast, Lower
from django.utils import timezone

from dashboard.models import (
    Attestation,
    Finding,
    FindingEvent,
    FindingEventKind,
    Repository,
    Role,
    Scan,
    Team,
    User,
    Waiver,
    WaiverState,
)
from dashboard.services import conflicts, endings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from dashboard.models import Membership
    from dashboard.models.decision import WaiverQuerySet
    from dashboard.models.finding import FindingQuerySet
    from dashboard.models.repository import RepositoryQuerySet
    from dashboard.services.endings import Ending

RECENT = 10
PAGE_SIZE = 50
MOST = 1_000
"""How far findings are counted and listed."""
LISTS = {"new": "New findings", "mine": "My findings"}
FIRST_LOOK = timedelta(days=7)
"""How far back news goes for who has not been here before."""
SAME_VISIT = timedelta(minutes=30)
SOON = timedelta(days=30)


@dataclass(frozen=True)
class Listed[T]:
    """The first rows of a list, and how long it is."""

    rows: Sequence[T]
    total: int

    @property
    def words(self) -> str:
        """How long it is; what is longer than anybody reads is not counted to its end."""
        return f"more than {MOST:,}" if self.total > MOST else str(self.total)


@dataclass(frozen=True)
class Asked:
    """What waits for a lead.

    Attributes:
        waivers: Requests of others.
        due: Attestations that are missing, by repository.
        ending: How many attestations end within a month.
        contradictions: Repositories whose standards contradict each other, with the number of
            pairs that nobody has decided.
    """

    waivers: Listed[Waiver]
    due: Sequence[Repository]
    due_total: int
    ending: int
    contradictions: Sequence[tuple[Repository, int]]

    @property
    def nothing(self) -> bool:
        """Whether nothing waits."""
        parts = (self.waivers.total, self.due, self.ending, self.contradictions)
        return not any(parts)


@dataclass(frozen=True)
class MyWork:
    """A person's own page.

    Attributes:
        memberships: Teams and roles.
        repositories: Of these teams, most open musts first.
        since: When the person was here before.
        new: Open findings that came up since then.
        mine: Open findings whose owner or author the person is.
        waivers: What the person has asked for and still stands.
        asked: What waits for the person as a lead; None for who leads nothing.
        ending: What ends soon and concerns the person.
        scans: Those the person has asked for.
    """

    memberships: Sequence[Membership]
    repositories: Listed[Repository]
    since: datetime
    new: Listed[Finding]
    mine: Listed[Finding]
    waivers: Listed[Waiver]
    asked: Asked | None
    ending: Ending
    scans: Sequence[Scan]


def read_my_work(reader: User) -> MyWork:
    """Return what concerns the reader. A constant number of queries."""
    repositories = _repositories(reader)
    lists = _lists(reader)
    scans = Scan.objects.visible_to(reader).filter(requested_by=reader)
    memberships = reader.memberships.select_related("team").order_by("team__name")
    return MyWork(
        memberships=list(memberships),
        repositories=_listed(repositories.select_related("team").order_by("-open_must", "name")),
        since=since_of(reader),
        new=_findings(lists["new"]),
        mine=_findings(lists["mine"]),
        waivers=_waivers(
            Waiver.objects.visible_to(reader).filter(
                author=reader, state__in=[WaiverState.REQUESTED, WaiverState.GRANTED]
            )
        ),
        asked=_asked(reader),
        ending=endings.concerning(reader),
        scans=list(scans.select_related("repository").order_by("-created_at")[:RECENT]),
    )


def read_all(reader: User, which: str, page: str) -> Page[Finding]:
    """Return a page of what is new, or of what is the reader's: the first thousand."""
    rows = _lists(reader)[which].select_related("repository")
    return Paginator(rows[:MOST], PAGE_SIZE).get_page(page)


def since_of(reader: User) -> datetime:
    """Return when the reader was here before this visit."""
    return reader.visited_before or timezone.now() - FIRST_LOOK


def _lists(reader: User) -> dict[str, FindingQuerySet]:
    since = since_of(reader)
    before = Scan.objects.with_result().filter(
        repository=OuterRef("repository"), number__lt=OuterRef("number")
    )
    # What the first look at a repository finds was there before, and is no news. Asked by scan,
    # only what came since is read.
    scans = Scan.objects.filter(repository__in=_repositories(reader), finished_at__gte=since)
    new = Finding.objects.filter(first_scan__in=scans.filter(Exists(before)).values("pk"))
    return {
        "new": new.open().filter(opened_at__gt=since).order_by("-opened_at", "severity", "pk"),
        "mine": _mine(reader).order_by("severity", "-gain_total", "pk"),
    }


def note_visit(reader: User) -> None:
    """Remember that the reader was here; what follows within half an hour is the same visit."""
    now = timezone.now()
    last = reader.visited_at
    if last and now - last < SAME_VISIT:
        return
    # A second page that opens at the same time must not end the visit that has just begun.
    User.objects.filter(pk=reader.pk, visited_at=last).update(visited_at=now, visited_before=last)
    reader.visited_at, reader.visited_before = now, last


def _repositories(reader: User) -> RepositoryQuerySet:
    """Of the reader's own teams; an administrator who is in none looks after all."""
    own = Repository.objects.filter(team__memberships__user=reader)
    if reader.is_superuser and not reader.memberships.exists():
        return Repository.objects.visible_to(reader)
    return own


def _mine(reader: User) -> FindingQuerySet:
    """Return those that the repository says are the reader's, or whose commit has their name.

    Owners are looked for only in repositories that name the reader, authors by their index: each
    finding that the reader may see would be read otherwise.
    """
    own = _repositories(reader)
    naming = list(_naming(reader, own).values_list("pk", flat=True))
    owned = _naming(reader, Finding.objects.filter(repository__in=naming).open())
    brought = (
        FindingEvent.objects.of_open()
        .exclude(author="")
        .alias(author_small=Lower("author"))
        .filter(
            finding__repository__in=own,
            kind__in=[FindingEventKind.OPENED, FindingEventKind.REOPENED],
            author_small=Lower(Value(reader.get_full_name() or reader.username)),
        )
    )
    both = owned.order_by().values("pk").union(brought.order_by().values("finding"))
    return Finding.objects.filter(pk__in=both)


def _naming[Rows: QuerySet[Any, Any]](reader: User, rows: Rows) -> Rows:
    """Return the rows whose owners the reader is among."""
    named = Q()
    for name in filter(None, (f"@{reader.username}", reader.email)):
        named |= Q(owners_text__icontains=f'"{name}"')
    return rows.alias(owners_text=Cast("owners", TextField())).filter(named)


def _findings(rows: FindingQuerySet) -> Listed[Finding]:
    total = rows.order_by()[: MOST + 1].count()
    return Listed(list(rows.select_related("repository")[:RECENT]), total)


def _waivers(rows: WaiverQuerySet) -> Listed[Waiver]:
    shown = rows.select_related("repository", "finding", "author")[:RECENT]
    return Listed(list(shown), rows.count())


def _listed(rows: RepositoryQuerySet) -> Listed[Repository]:
    return Listed(list(rows[:RECENT]), rows.count())


def _asked(reader: User) -> Asked | None:
    if not Team.objects.with_role(reader, Role.LEAD).exists():
        return None
    led = Repository.objects.with_role(reader, Role.LEAD)
    due = led.filter(due_count__gt=0)
    ending = Attestation.objects.filter(repository__in=led).in_force()
    requests = Waiver.objects.filter(repository__in=led, state=WaiverState.REQUESTED)
    return Asked(
        waivers=_waivers(requests.exclude(author=reader).order_by("created_at", "pk")),
        due=list(due.order_by("-due_count", "name")[:RECENT]),
        due_total=due.aggregate(total=Sum("due_count"))["total"] or 0,
        ending=ending.filter(expires_at__lt=timezone.now() + SOON).count(),
        contradictions=conflicts.undecided_in(led)[:RECENT],
    )
