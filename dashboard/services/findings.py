"""Reading findings: filters from the query string, facets with counts, exports."""

from __future__ import annotations

import csv
import io
import re
import zlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import msgspec
from django.core.paginator import Page, Paginator
from django.db.models import Case, Count, Exists, F, OuterRef, TextField, Value, When
from django.db.models.functions import Cast, Coalesce, Now

from checks.model import Report
from checks.report import sarif
from dashboard.models import (
    OPEN_STATES,
    Finding,
    FindingEvent,
    FindingEventKind,
    FindingState,
    StoredReport,
    Strength,
)
from dashboard.services.transitions import MAX_STORED
from dashboard.services.waivers import laid_over
from dashboard.text import whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from dashboard.models import Repository
    from dashboard.models.finding import FindingQuerySet

PAGE_SIZE = 50
FACET_LIMIT = 12
_COMMIT = re.compile("[0-9a-f]{7,64}")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
STANDING = "standing"
WAIVED = "waived"
STATES = {
    STANDING: "open",
    WAIVED: "waived",
    FindingState.FIXED.value: "fixed",
    "all": "open, waived or fixed",
}
SORTS = {
    "weight": ("severity", "-gain_total", "path", "line", "pk"),
    "path": ("path", "line", "pk"),
    "newest": ("-age", "severity", "pk"),
    "oldest": ("age", "severity", "pk"),
}
GROUPS = {
    "": "none",
    "clause": "clause",
    "check": "check",
    "file": "file",
    "owner": "owner",
    "age": "age",
}
NONE = "none"
"""Asks for findings without an owner, a clause or a known commit; none of them is called so."""
OPENED = (FindingEventKind.OPENED, FindingEventKind.REOPENED)
"""The turns that a scan counts as opened."""
ANY = "any"
SUPPRESSED = {"1": "suppressed in the code", ANY: "suppressed or not"}
WHOLE = "/"
"""Asks for findings of the whole repository; no path begins so."""


@dataclass(frozen=True)
class Age:
    """How long a finding has been in the code: at least ``days``, and fewer than ``below``."""

    label: str
    days: int
    below: int | None


AGES = {
    "week": Age("up to a week", 0, 7),
    "month": Age("a week to a month", 7, 30),
    "quarter": Age("one to three months", 30, 91),
    "year": Age("three months to a year", 91, 365),
    "older": Age("more than a year", 365, None),
}


@dataclass(frozen=True)
class FindingQuery:
    """What the query string asks for. Unknown values fall back, so no address is ever broken."""

    check: str = ""
    clause: str = ""
    strength: str = ""
    path: str = ""
    owner: str = ""
    age: str = ""
    opened: str = ""
    broke: str = ""
    fixed: str = ""
    commit: str = ""
    state: str = STANDING
    suppressed: str = ""
    sort: str = "weight"
    group: str = ""
    page: str = "1"

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> FindingQuery:
        """Read the query string."""

        def text(name: str, limit: int) -> str:
            return parameters.get(name, "").replace("\x00", "")[:limit]

        def number(name: str) -> str:
            return str(whole(text(name, 9)) or "")

        state, sort = parameters.get("state", STANDING), parameters.get("sort", "weight")
        strength = parameters.get("strength", "")
        age, group = parameters.get("age", ""), parameters.get("group", "")
        commit, suppressed = text("commit", 64), parameters.get("suppressed", "")
        return cls(
            check=text("check", 80),
            clause=text("clause", 40),
            strength=strength if strength in Strength.values else "",
            path=text("path", 1000),
            owner=text("owner", 100),
            age=age if age in AGES else "",
            opened=number("opened"),
            broke=number("broke"),
            fixed=number("fixed"),
            commit=commit if commit == NONE or _COMMIT.fullmatch(commit) else "",
            state=state if state in STATES else STANDING,
            suppressed=suppressed if suppressed in SUPPRESSED else "",
            sort=sort if sort in SORTS else "weight",
            group=group if group in GROUPS else "",
            page=parameters.get("page", "1"),
        )

    def parameters(self) -> dict[str, str]:
        """Return the query string's values that differ from the defaults, without the page."""
        values = {
            "check": self.check,
            "clause": self.clause,
            "strength": self.strength,
            "path": self.path,
            "owner": self.owner,
            "age": self.age,
            "opened": self.opened,
            "broke": self.broke,
            "fixed": self.fixed,
            "commit": self.commit,
            "state": "" if self.state == STANDING else self.state,
            "suppressed": self.suppressed,
            "sort": "" if self.sort == "weight" else self.sort,
            "group": self.group,
        }
        return {name: value for name, value in values.items() if value}

    @property
    def narrows(self) -> bool:
        """True when a facet is chosen."""
        return bool(self.parameters().keys() - {"sort", "group"})

    def address(self, **changes: str) -> str:
        """Return the query string with some values changed, "" takes one away."""
        return "?" + urlencode(
            {name: value for name, value in (self.parameters() | changes).items() if value}
        )


@dataclass(frozen=True)
class Choice:
    """One value of a facet: its words, its count, the address that turns it on or off."""

    label: str
    count: int
    address: str
    chosen: bool


@dataclass(frozen=True)
class Facet:
    """A question that narrows the list, with its values."""

    title: str
    choices: Sequence[Choice]
    more: int = 0


@dataclass(frozen=True)
class Findings:
    """One page of findings of a repository."""

    page: Page[Finding]
    facets: Sequence[Facet]
    chosen: Sequence[Choice] = field(default_factory=list)


def listed(repository: Repository) -> int | None:
    """Return how many of the findings that count are kept as rows; None when all of them are.

    Of a repository with very many the last scan keeps those that weigh most: lists, facets and
    groups count these, while the score and the numbers of a scan count all that was found.
    """
    found = repository.findings_count
    if found + repository.suppressed_count + repository.waived_count <= MAX_STORED:
        return None
    kept = Finding.objects.filter(repository=repository).open().count()
    return kept if kept < found else None


def matching(repository: Repository, query: FindingQuery) -> FindingQuerySet:
    """Return the findings of the repository that the query asks for, in its order."""
    rows = Finding.objects.filter(repository=repository)
    if query.state == STANDING:
        rows = rows.filter(state__in=OPEN_STATES, waived_by__isnull=True)
    elif query.state == WAIVED:
        rows = rows.waived()
    elif query.state == FindingState.FIXED:
        rows = rows.filter(state=FindingState.FIXED)
    if query.suppressed != ANY:
        rows = rows.filter(suppressed=bool(query.suppressed))
    if query.check:
        rows = rows.filter(check_id=query.check)
    if query.strength:
        rows = rows.filter(strength=query.strength)
    if query.path == WHOLE:
        rows = rows.filter(path="")
    elif query.path:
        rows = rows.filter(path__startswith=query.path)
    if query.owner:
        rows = _naming(rows, "owners", query.owner)
    if query.clause:
        rows = _naming(rows, "clauses", query.clause)
    if query.opened or query.broke or query.commit:
        rows = _came(rows, query)
    if query.fixed:
        fixed = FindingEvent.objects.filter(kind=FindingEventKind.FIXED)
        by = fixed.filter(finding=OuterRef("pk"), scan__number=int(query.fixed))
        rows = rows.filter(Exists(by))
    if query.age or query.sort in ("newest", "oldest") or query.group == "age":
        rows = rows.annotate(age=Coalesce("since", "opened_at"))
    if query.age:
        rows = _aged(rows, AGES[query.age])
    return rows.order_by(*SORTS[query.sort])


def _naming(rows: FindingQuerySet, column: str, value: str) -> FindingQuerySet:
    """Return the rows whose list holds the value."""
    # JSON containment is PostgreSQL's alone; the text of the list is the same on SQLite.
    texts = rows.annotate(**{f"{column}_text": Cast(column, TextField())})
    if value == NONE:
        return texts.filter(**{f"{column}_text": "[]"})
    return texts.filter(**{f"{column}_text__contains": f'"{value}"'})


def _came(rows: FindingQuerySet, query: FindingQuery) -> FindingQuerySet:
    """Return the rows that came, came back or began to count with a scan, by a commit, or both."""
    events = FindingEvent.objects.filter(finding=OuterRef("pk"))
    if query.broke:
        events = events.last_counting().filter(scan__number=int(query.broke))
    else:
        events = events.filter(kind__in=OPENED)
    if query.opened:
        events = events.filter(scan__number=int(query.opened))
    if query.commit == NONE:
        events = events.filter(commit="")
    elif query.commit:
        events = events.filter(commit__startswith=query.commit)
    return rows.filter(Exists(events))


def _aged(rows: FindingQuerySet, age: Age) -> FindingQuerySet:
    span = {"age__lte": Now() - timedelta(days=age.days)} if age.days else {}
    if age.below:
        span["age__gt"] = Now() - timedelta(days=age.below)
    return rows.filter(**span)


def read_findings(repository: Repository, query: FindingQuery) -> Findings:
    """Return one page of findings and the facets. A constant number of queries."""
    rows = matching(repository, query)
    page = Paginator(laid_over(rows), PAGE_SIZE).get_page(query.page)
    for finding in page.object_list:
        finding.repository = repository
    return Findings(page=page, facets=_facets(rows, query), chosen=_chosen(query))


def _facets(rows: FindingQuerySet, query: FindingQuery) -> list[Facet]:
    rows = rows.order_by()
    combined = rows.values("check_id", "strength", "clauses", "owners").annotate(n=Count("pk"))
    checks: Counter[str] = Counter()
    strengths: Counter[str] = Counter()
    clauses: Counter[str] = Counter()
    owners: Counter[str] = Counter()
    for row in combined:
        checks[row["check_id"]] += row["n"]
        strengths[row["strength"]] += row["n"]
        for clause in row["clauses"]:
            clauses[clause] += row["n"]
        for owner in row["owners"]:
            owners[owner] += row["n"]
    folders = folder_counts(rows.values_list("path").annotate(n=Count("pk")), query.path)
    return [
        Facet("Strength", _choices(query, "strength", strengths, query.strength, Strength.values)),
        _facet(query, "Check", "check", checks, query.check),
        _facet(query, "Clause", "clause", clauses, query.clause),
        _facet(query, "Folder", "path", folders, query.path),
        _facet(query, "Owner", "owner", owners, query.owner),
    ]


def _facet(query: FindingQuery, title: str, name: str, counts: Counter[str], chosen: str) -> Facet:
    order = [value for value, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
    shown = order[:FACET_LIMIT]
    if chosen and chosen in counts and chosen not in shown:
        shown.append(chosen)
    return Facet(title, _choices(query, name, counts, chosen, shown), len(order) - len(shown))


def _choices(
    query: FindingQuery, name: str, counts: Counter[str], chosen: str, order: Iterable[str]
) -> list[Choice]:
    return [
        Choice(
            label=value,
            count=counts[value],
            address=query.address(**{name: "" if value == chosen else value}),
            chosen=value == chosen,
        )
        for value in order
        if counts[value]
    ]


def folder_counts(paths: Iterable[tuple[str, int]], below: str) -> Counter[str]:
    """Return how many findings lie in each entry one level below ``below``, a path prefix.

    Folders end in a slash, so that a prefix never means two folders that begin alike.
    """
    counts: Counter[str] = Counter()
    for path, number in paths:
        if not path.startswith(below) or path == below:
            continue
        head, slash, _ = path[len(below) :].partition("/")
        if head or slash:
            counts[below + head + slash] += number
    return counts


def _chosen(query: FindingQuery) -> list[Choice]:
    """Return what is narrowed at the moment, each with the address that takes it away."""
    words = {
        "check": f"check {query.check}",
        "clause": f"clause {query.clause}",
        "strength": query.strength,
        "path": "of the whole repository" if query.path == WHOLE else f"below {query.path}",
        "owner": "owned by nobody" if query.owner == NONE else f"owned by {query.owner}",
        "age": AGES[query.age].label if query.age else "",
        "opened": f"opened by scan {query.opened}",
        "broke": f"counting since scan {query.broke}",
        "commit": "by no known commit"
        if query.commit == NONE
        else f"brought by commit {query.commit[:10]}",
        "state": STATES[query.state],
        "fixed": f"fixed by scan {query.fixed}",
        "suppressed": SUPPRESSED.get(query.suppressed, ""),
    }
    return [
        Choice(words[name], 0, query.address(**{name: ""}), True)
        for name in query.parameters()
        if name in words
    ]


# --- exports

CSV_COLUMNS = (
    "check_id",
    "strength",
    "clauses",
    "path",
    "line",
    "symbol",
    "message",
    "measured",
    "limit",
    "state",
    "suppressed",
    "gain_total",
    "owners",
    "since",
    "fingerprint",
    "waived_until",
)


def csv_cell(value: object) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def csv_lines(rows: FindingQuerySet) -> Iterator[str]:
    """Yield the findings as lines of CSV, the heading first."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)

    def flush() -> str:
        text = buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
        return text

    writer.writerow(CSV_COLUMNS)
    yield flush()
    waived = When(state__in=OPEN_STATES, waived_by__isnull=False, then=Value(WAIVED))
    rows = rows.annotate(
        counts_as=Case(waived, default="state"), waived_until=F("waived_by__expires_on")
    )
    columns = ["counts_as" if name == "state" else name for name in CSV_COLUMNS]
    for row in rows.values_list(*columns).iterator(chunk_size=500):
        writer.writerow([csv_cell(value) for value in row])
        yield flush()


def stored_report(repository: Repository, component: str = "") -> bytes | None:
    """Return the report of the last scan, byte for byte as stored; None when there is none.

    Args:
        repository: What was judged.
        component: A judged folder; "" for the first, which usually is the only one.
    """
    rows = (
        StoredReport.objects.filter(
            component__repository=repository, component__retired_at__isnull=True
        )
        .defer("answers")
        .order_by("component__path")
    )
    row = (rows.filter(component__path=component) if component else rows).first()
    return zlib.decompress(row.data) if row else None


def stored_sarif(repository: Repository, component: str = "") -> str | None:
    """Return the report of the last scan as SARIF 2.1.0; None when there is none."""
    data = stored_report(repository, component)
    return sarif.render(msgspec.json.decode(data, type=Report)) if data else None
