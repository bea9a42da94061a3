"""What the fleet page shows: one page of repositories and the sums over all that match."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, F, Q, Sum

from dashboard.models import Repository, Scan, Standing, Team
from dashboard.services import endings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dashboard.models import User
    from dashboard.models.repository import RepositoryQuerySet

PAGE_SIZE = 50
LETTERS = ("A", "B", "C", "D", "E")
UNSCORED = "none"
_ENDED = Q(failure_code="")
# What the address may narrow to: by field, each value with its words and the rows that it leaves.
FACETS: Mapping[str, Mapping[str, tuple[str, Q]]] = {
    "letter": {
        **{letter: (letter, Q(letter=letter)) for letter in LETTERS},
        UNSCORED: ("not scored", Q(score__isnull=True)),
    },
    "gate": {
        "failing": ("fails", Q(gate_passed=False)),
        "passing": ("passes", Q(gate_passed=True, gate_untold=False)),
        "untold": ("nothing to compare with yet", Q(gate_passed=True, gate_untold=True)),
        "none": ("none asked", Q(gate_passed__isnull=True)),
    },
    "state": {
        Standing.JUDGED: ("judged", _ENDED & Q(scanned_at__isnull=False, score__isnull=False)),
        Standing.FAILED: ("scan failed", ~_ENDED),
        Standing.UNKNOWN: ("unknown", _ENDED & Q(scanned_at__isnull=False, score__isnull=True)),
        Standing.NEVER: ("never scanned", _ENDED & Q(scanned_at__isnull=True)),
    },
}
LABELS = {"letter": "Grade", "gate": "Gate", "state": "State"}
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
    next_sort: str
    direction: str
    numeric: bool


@dataclass(frozen=True)
class FleetQuery:
    """What the query string asks for. Unknown values fall back, so no address is ever broken."""

    text: str = ""
    team: str = ""
    letter: str = ""
    gate: str = ""
    state: str = ""
    sort: str = "name"
    page: str = "1"

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> FleetQuery:
        """Read the query string."""
        sort = parameters.get("sort", "name")
        chosen = {name: parameters.get(name, "") for name in FACETS}
        return cls(
            text=parameters.get("q", "").replace("\x00", "").strip()[:100],
            team=parameters.get("team", "").replace("\x00", "")[:60],
            **{name: key for name, key in chosen.items() if key in FACETS[name]},
            sort=sort if sort.removeprefix("-") in SORTS else "name",
            page=parameters.get("page", "1"),
        )

    @property
    def narrows(self) -> bool:
        """True when something is filtered out."""
        return bool(self.text or self.team or any(self.chosen.values()))

    @property
    def chosen(self) -> Mapping[str, str]:
        """What each facet is narrowed to, "" where it is not."""
        return {"letter": self.letter, "gate": self.gate, "state": self.state}


@dataclass(frozen=True)
class Choice:
    """One value of a facet.

    Attributes:
        key: How it stands in the address.
        label: Its words.
        count: How many repositories it leaves beside the other filters.
        next: What a click changes in the address: to this value, or away from it.
    """

    key: str
    label: str
    count: int
    next: Mapping[str, str | None]


@dataclass(frozen=True)
class Facet:
    """Something to narrow the fleet by; ``chosen`` is the value it is narrowed to, "" for none."""

    name: str
    label: str
    chosen: str
    choices: Sequence[Choice]


@dataclass(frozen=True)
class Fleet:
    """One page of the fleet; ``ending`` is how much ends soon that concerns the reader."""

    page: Page[Repository]
    columns: Sequence[Column]
    teams: Sequence[Team]
    facets: Sequence[Facet]
    total: int
    open_must: int
    active: Mapping[int, str]
    ending: int


def read_fleet(reader: User, query: FleetQuery) -> Fleet:
    """Return the repositories the reader may see that match, with sums.

    A constant number of queries, whatever the number of repositories.
    """
    named = _named(Repository.objects.visible_to(reader), query)
    sums = _sums(named, query)
    matching = named.filter(_narrowed(query))
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
        facets=[_facet(name, query, sums) for name in FACETS],
        total=sums["total"],
        open_must=sums["open_must"] or 0,
        active=dict(active.order_by("state").values_list("repository_id", "state")),
        ending=endings.count(reader),
    )


def _named(rows: RepositoryQuerySet, query: FleetQuery) -> RepositoryQuerySet:
    if query.text:
        rows = rows.filter(Q(name__icontains=query.text) | Q(clone_url__icontains=query.text))
    if query.team:
        rows = rows.filter(team__slug=query.team)
    return rows


def _narrowed(query: FleetQuery, beside: str = "") -> Q:
    """The rows that the facets leave, all of them or all but one."""
    found = Q()
    for name, key in query.chosen.items():
        if key and name != beside:
            found &= FACETS[name][key][1]
    return found


def _sums(rows: RepositoryQuerySet, query: FleetQuery) -> dict[str, Any]:
    """Sums over the list, and for each value of a facet what it would leave: one query."""
    whole = _narrowed(query)
    return rows.aggregate(
        total=Count("pk", filter=whole),
        open_must=Sum("open_must", filter=whole),
        **{
            f"in_{name}_{key}": Count("pk", filter=_narrowed(query, name) & rows_of)
            for name, values in FACETS.items()
            for key, (_, rows_of) in values.items()
        },
    )


def _facet(name: str, query: FleetQuery, sums: Mapping[str, int]) -> Facet:
    chosen = query.chosen[name]
    choices = [
        Choice(key, label, sums[f"in_{name}_{key}"], {name: None if key == chosen else key})
        for key, (label, _) in FACETS[name].items()
    ]
    return Facet(name, LABELS[name], chosen, choices)


def _order(sort: str) -> tuple[Any, ...]:
    column = F(SORTS[sort.removeprefix("-")])
    first = column.desc(nulls_last=True) if sort.startswith("-") else column.asc(nulls_last=True)
    return (first, "name", "pk")


_HEADINGS = (
    ("name", "Repository"),
    ("score", "Score"),
    ("change", "Change"),
    ("musts", "Open musts"),
    ("coverage", "Coverage"),
    ("scanned", "Last scan"),
)


def _columns(sort: str) -> list[Column]:
    current = sort.removeprefix("-")
    columns = []
    for key, label in _HEADINGS:
        start = f"-{key}" if key in DESCENDING_FIRST else key
        other = key if start.startswith("-") else f"-{key}"
        following = other if sort == start else start
        direction = "" if key != current else "descending" if sort[0] == "-" else "ascending"
        columns.append(Column(key, label, following, direction, key in DESCENDING_FIRST[:-1]))
    return columns
