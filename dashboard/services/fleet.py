"""What the fleet page shows: one page of repositories and the sums over all that match."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, F, Q, Sum

from dashboard.models import Repository, Scan, Team
from dashboard.services import endings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dashboard.models import User
    from dashboard.models.repository import RepositoryQuerySet

PAGE_SIZE = 50
LETTERS = ("A", "B", "C", "D", "E")
UNSCORED = "none"
SORTS = {
    "name": "name",
    "score": "score",
    "change": "score_change",
    "musts": "open_must",
    "coverage": "coverage",
    "scanned": "scanned_at",
}
# First click on a column sorts the way that people look for: best score, most open musts.
DESCENDING_FIRST = ("score", "change", "musts", "coverage", "scanned")


@dataclass(frozen=True)
class Column:
    """A heading of the table: its words, the sort key of the next click, the current direction."""

    key: str
    label: str
    hint: str
    next_sort: str
    direction: str
    numeric: bool


@dataclass(frozen=True)
class FleetQuery:
    """What the query string asks for. Unknown values fall back, so no address is ever broken."""

    text: str = ""
    team: str = ""
    letter: str = ""
    sort: str = "name"
    page: str = "1"

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> FleetQuery:
        """Read the query string."""
        sort = parameters.get("sort", "name")
        letter = parameters.get("letter", "")
        return cls(
            text=parameters.get("q", "").replace("\x00", "").strip()[:100],
            team=parameters.get("team", "").replace("\x00", "")[:60],
            letter=letter if letter in (*LETTERS, UNSCORED) else "",
            sort=sort if sort.removeprefix("-") in SORTS else "name",
            page=parameters.get("page", "1"),
        )

    @property
    def narrows(self) -> bool:
        """True when something is filtered out."""
        return bool(self.text or self.team or self.letter)


@dataclass(frozen=True)
class Fleet:
    """One page of the fleet; ``ending`` is how much ends soon that concerns the reader."""

    page: Page[Repository]
    columns: Sequence[Column]
    teams: Sequence[Team]
    letters: Sequence[tuple[str, int]]
    unscored: int
    total: int
    open_must: int
    active: Mapping[int, str]
    ending: int


def read_fleet(reader: User, query: FleetQuery) -> Fleet:
    """Return the repositories the reader may see that match, with sums.

    A constant number of queries, whatever the number of repositories.
    """
    matching = _matching(Repository.objects.visible_to(reader), query)
    sums = _sums(matching)
    paginator = Paginator(matching.fleet().order_by(*_order(query.sort)), PAGE_SIZE)
    vars(paginator)["count"] = sums["total"]  # a cached property, and the sums know it already
    page = paginator.get_page(query.page)
    rows = list(page.object_list)
    page.object_list = rows
    active = Scan.objects.active().filter(repository__in=[row.pk for row in rows])
    return Fleet(
        page=page,
        columns=_columns(query.sort),
        teams=list(Team.objects.visible_to(reader)),
        letters=[(letter, sums[letter]) for letter in LETTERS],
        unscored=sums["unscored"],
        total=sums["total"],
        open_must=sums["open_must"] or 0,
        active=dict(active.order_by("state").values_list("repository_id", "state")),
        ending=endings.count(reader),
    )


def _matching(rows: RepositoryQuerySet, query: FleetQuery) -> RepositoryQuerySet:
    if query.text:
        rows = rows.filter(Q(name__icontains=query.text) | Q(clone_url__icontains=query.text))
    if query.team:
        rows = rows.filter(team__slug=query.team)
    if query.letter == UNSCORED:
        rows = rows.filter(score__isnull=True)
    elif query.letter:
        rows = rows.filter(letter=query.letter)
    return rows


def _sums(rows: RepositoryQuerySet) -> dict[str, Any]:
    per_letter = {letter: Count("pk", filter=Q(letter=letter)) for letter in LETTERS}
    return rows.aggregate(
        total=Count("pk"),
        unscored=Count("pk", filter=Q(score__isnull=True)),
        open_must=Sum("open_must"),
        **per_letter,
    )


def _order(sort: str) -> tuple[Any, ...]:
    column = F(SORTS[sort.removeprefix("-")])
    first = column.desc(nulls_last=True) if sort.startswith("-") else column.asc(nulls_last=True)
    return (first, "name", "pk")


_HEADINGS = (
    ("name", "Repository", ""),
    ("score", "Score", "0 to 100: the mean over the adopted standards"),
    ("change", "Change", "against the scan before, in points"),
    ("musts", "Open musts", "binding clauses that are not met; no average can hide them"),
    ("coverage", "Coverage", "how much of the applicable weight could be answered"),
    ("scanned", "Last scan", ""),
)


def _columns(sort: str) -> list[Column]:
    current = sort.removeprefix("-")
    columns = []
    for key, label, hint in _HEADINGS:
        start = f"-{key}" if key in DESCENDING_FIRST else key
        other = key if start.startswith("-") else f"-{key}"
        following = other if sort == start else start
        direction = "" if key != current else "descending" if sort[0] == "-" else "ascending"
        columns.append(Column(key, label, hint, following, direction, key in DESCENDING_FIRST[:-1]))
    return columns
