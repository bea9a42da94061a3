"""Search over repositories, clauses, checks, findings and files, as far as the reader sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.paginator import Paginator
from django.db.models import Count, OuterRef, Q, Subquery

from checks.rules.specs import specs
from dashboard.models import OPEN_STATES, Clause, Finding, Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dashboard.models.people import Reader

SHORTEST = 3
"""Letters: the index knows no shorter part of a word."""
LONGEST = 100
CAP = 5
"""Hits of each group beside the others."""
PAGE_SIZE = 50
MOST = 1_000
"""Findings that are shown: what every tenth holds need not be read and sorted to the end."""


@dataclass(frozen=True)
class Hits:
    """What was found of one kind.

    Attributes:
        name: Its name in an address.
        title: Its name on a page.
        rows: The first hits, or a page of all of them.
        more: Whether there are more than are shown beside the other groups.
        cut: Whether there are too many to show them all.
    """

    name: str
    title: str
    rows: Any
    more: bool = False
    cut: bool = False


@dataclass(frozen=True)
class Search:
    """What a text was found in.

    Attributes:
        text: What was looked for, "" for nothing yet.
        short: Whether it is too short to look for.
        groups: The kinds in which it was found, or the one that was asked for.
        only: Name of that one, "" for all.
    """

    text: str
    short: bool
    groups: Sequence[Hits]
    only: str = ""


def search(reader: Reader, text: str, only: str = "", page: str = "1") -> Search:
    """Look for a text. One query for each kind, three at most for a page of one kind.

    Args:
        reader: Whose repositories are looked through.
        text: What stands in a name, an id, a message, a path or a symbol, in any case.
        only: Name of the one kind that is wanted in full.
        page: Page of that kind.
    """
    text = text.replace("\x00", "").strip()[:LONGEST]
    if len(text) < SHORTEST:
        return Search(text, bool(text), [])
    if only in KINDS:
        title, find = KINDS[only]
        full = Paginator(find(reader, text), PAGE_SIZE).get_page(page)
        cut = only in _HELD and _some(reader, _HELD[only](text)).count() >= MOST
        return Search(text, False, [Hits(only, title, full, cut=cut)], only)
    groups = []
    for name, (title, find) in KINDS.items():
        rows = list(find(reader, text)[: CAP + 1])
        if rows:
            groups.append(Hits(name, title, rows[:CAP], len(rows) > CAP))
    return Search(text, False, groups)


def _repositories(reader: Reader, text: str) -> Any:
    return Repository.objects.visible_to(reader).called(text)


def _clauses(reader: Reader, text: str) -> Any:
    del reader  # standards are open to everybody who is signed in
    rows = Clause.objects.filter(
        Q(number__icontains=text) | Q(requirement__icontains=text), standard__is_latest=True
    )
    ordered = rows.select_related("standard").defer("standard__source")
    return ordered.order_by("standard__title", "position", "pk")


def _checks(reader: Reader, text: str) -> Any:
    del reader
    wanted = text.lower()
    return [spec for spec in specs().values() if wanted in f"{spec.id} {spec.title}".lower()]


def _findings(reader: Reader, text: str) -> Any:
    rows = Finding.objects.filter(pk__in=_some(reader, _said(text)))
    shown = rows.select_related("repository", "waived_by__approver")
    return shown.order_by("severity", "-gain_total", "pk")


def _files(reader: Reader, text: str) -> Any:
    """Each file once, with the number of findings to which its line leads."""
    own = Finding.objects.open().in_file(OuterRef("path")).filter(repository=OuterRef("repository"))
    number = Subquery(own.order_by().values("path").annotate(n=Count("pk")).values("n"))
    rows = Finding.objects.filter(pk__in=_some(reader, _within(text))).order_by()
    found = rows.values("repository__slug", "repository__name", "path").annotate(number=number)
    return found.distinct().order_by("-number", "path", "repository__slug")


def _said(text: str) -> Q:
    return Q(message__icontains=text) | Q(path__icontains=text) | Q(symbol__icontains=text)


def _within(text: str) -> Q:
    return Q(path__icontains=text, suppressed=False, waived_by__isnull=True)


_HELD: Mapping[str, Callable[[str], Q]] = {"findings": _said, "files": _within}
"""By what findings are found, of which so many may be found that only some are read."""


def _some(reader: Reader, wanted: Q) -> Any:
    # Without an order the database may stop as soon as it has enough.
    rows = Finding.objects.visible_to(reader).filter(wanted, state__in=OPEN_STATES)
    return rows.order_by().values("pk")[:MOST]


KINDS: Mapping[str, tuple[str, Callable[[Reader, str], Any]]] = {
    "repositories": ("Repositories", _repositories),
    "clauses": ("Clauses", _clauses),
    "checks": ("Checks", _checks),
    "files": ("Files with findings", _files),
    "findings": ("Findings", _findings),
}
