"""Comments in the code that silence a tool: kept from scan to scan, counted, and how they grow."""

from __future__ import annotations

from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass
from itertools import batched, chain, islice
from typing import TYPE_CHECKING, Any

from django.core.paginator import Page, Paginator

from checks.rules.specs import specs
from checks.standard import StandardError
from dashboard.models import Finding, Scan, Standard, Suppression, SuppressionKind
from dashboard.services import standards
from dashboard.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from checks.silenced import Silenced
    from checks.waiverrules import Suppressions
    from dashboard.models import Component, Repository
    from dashboard.models.people import Reader
    from dashboard.models.suppression import SuppressionQuerySet

    type Found = Mapping[str, Sequence[Silenced]]

BATCH = 500
MOST = 5_000
"""Comments of a component that are kept as rows; all are counted."""
MOST_CODES = 200
"""Codes of a kind that a scan counts one by one, the most common ones."""
PAGE_SIZE = 25
SHOWN_CODES = 8
REFUSED: Mapping[Suppressions, str] = {
    "reasoned": "counts what a comment without a reason suppresses",
    "none": "accepts no comment, and counts what any of them suppresses",
}
_WRITTEN = ("path", "line", "end_line", "kind", "codes", "file_wide", "reason", "text")


# --- in a scan


def counted(found: Iterable[Found | None]) -> dict[str, Any] | None:
    """Return how many comments there are by kind, how many without a reason, and by code.

    ``rest`` is how many codes there are beside those that are named. None when somewhere nobody
    has looked: a part says nothing of how the whole grows.
    """
    told: dict[str, dict[str, Any]] = {}
    codes: dict[str, Counter[str]] = defaultdict(Counter)
    for files in found:
        if files is None:
            return None
        for each in chain.from_iterable(files.values()):
            kind = told.setdefault(each.kind, {"comments": 0, "bare": 0})
            kind["comments"] += 1
            kind["bare"] += not each.reason
            codes[each.kind].update(clean(code, 80) for code in each.codes)
    for name, kind in told.items():
        common = sorted(codes[name].items(), key=lambda item: (-item[1], item[0]))
        kind["codes"] = dict(common[:MOST_CODES])
        kind["rest"] = max(len(common) - MOST_CODES, 0)
    return told


@dataclass(frozen=True, slots=True)
class Changes:
    """The rows to write: new ones, changed ones, and the keys of those that went."""

    new: list[Suppression]
    changed: list[Suppression]
    gone: list[int]


def compare(found: Mapping[Component, Found | None]) -> Changes:
    """Work out what has changed in a repository. Reads rows, writes none.

    A comment is known again by its line of text: in its file, and else in any other, also when
    that is judged with another folder now. What stood in a folder that is judged no longer goes;
    a folder in which nobody has looked stays as it is.

    Args:
        found: The comments of everything that the scan judges; None where nobody has looked.
    """
    rows: list[Suppression] = []
    for component, comments in found.items():
        rows.extend(islice(_rows(component, comments or {}), MOST))
    standing = list(
        Suppression.objects.filter(repository__in={each.repository_id for each in found})
        .exclude(component__in=[each for each, comments in found.items() if comments is None])
        .order_by("path", "line", "pk")
    )
    _recognise(rows, standing, lambda row: (row.path, row.kind, row.codes, row.text))
    _recognise(rows, standing, lambda row: (row.kind, row.codes, row.text))
    known = {row.pk: row for row in standing}
    kept = {row.pk for row in rows if row.pk}
    return Changes(
        new=[row for row in rows if not row.pk],
        changed=[row for row in rows if row.pk and _said(row) != _said(known[row.pk])],
        gone=[pk for pk in known if pk not in kept],
    )


def write(changes: Changes, scan: Scan) -> None:
    """Write the rows, in the transaction that ends the scan."""
    for chunk in batched(changes.gone, BATCH, strict=False):
        Suppression.objects.filter(pk__in=chunk).delete()
    for row in changes.new:
        row.first_scan = scan
    Suppression.objects.bulk_update(changes.changed, [*_WRITTEN, "component"], batch_size=BATCH)
    Suppression.objects.bulk_create(changes.new, batch_size=BATCH)


def _rows(component: Component, found: Found) -> Iterable[Suppression]:
    for path, comments in sorted(found.items()):
        for each in comments:
            yield Suppression(
                repository_id=component.repository_id,
                component=component,
                path=clean(path, 1100),
                line=each.line,
                end_line=each.end_line,
                kind=each.kind,
                codes=[clean(code, 80) for code in each.codes],
                file_wide=each.file_wide,
                reason=clean(each.reason, 300),
                text=each.text,
            )


def _recognise(
    rows: Sequence[Suppression],
    standing: Sequence[Suppression],
    name: Callable[[Suppression], tuple[object, ...]],
) -> None:
    """Give rows that are not known yet the key of one that stands and has the same name."""
    taken = {row.pk for row in rows}
    waiting: dict[str, list[int]] = defaultdict(list)
    for row in standing:
        if row.pk not in taken:
            waiting[repr(name(row))].append(row.pk)
    for row in rows:
        if not row.pk and (same := waiting.get(repr(name(row)))):
            row.pk = same.pop(0)


def _said(row: Suppression) -> list[object]:
    return [row.component_id, *(getattr(row, name) for name in _WRITTEN)]


# --- on the page


@dataclass(frozen=True)
class Code:
    """How often a code is named now, and how many more than before; None when that is unknown."""

    name: str
    number: int
    growth: int | None


@dataclass(frozen=True)
class Tally:
    """The comments of one kind.

    Attributes:
        kind: Its name.
        words: The same for a person.
        comments: How many there are.
        growth: How many more than at the result before; None without one.
        bare: How many give no reason.
        codes: What they name most.
        others: How many codes there are beside these.
    """

    kind: str
    words: str
    comments: int
    growth: int | None
    bare: int
    codes: Sequence[Code]
    others: int


@dataclass(frozen=True)
class Overview:
    """The suppressions of a repository.

    Attributes:
        looked: Whether somebody has looked for them; the scans of earlier versions have not.
        tallies: By kind; kinds that have gone since the scan before as well.
        total: How many comments there are.
        growth: How many more than at the result before; None without one.
        bare: How many give no reason.
        hidden: Findings that they hide.
        before: The scan that the growth is told from.
        page: One page of the comments, with ``hides`` on each.
        unlisted: How many of those that are asked for are counted and not listed.
        kind: The kind that is asked for, "" for all.
        only_bare: Whether only those without a reason are shown.
        newest: The scan whose comments are new.
        refused: What adopted standards do not accept, by their titles.
        most: How many of a judged folder are listed.
    """

    looked: bool
    tallies: Sequence[Tally]
    total: int
    growth: int | None
    bare: int
    hidden: int
    before: Scan | None
    page: Page[Suppression]
    unlisted: int
    kind: str
    only_bare: bool
    newest: int | None
    refused: Mapping[str, str]
    most: int = MOST

    @property
    def grown(self) -> str:
        """How the number has moved, as words that go before the scan it is told from."""
        if not self.growth:
            return "as many as"
        return f"{abs(self.growth)} {'more' if self.growth > 0 else 'fewer'} than"


def read(reader: Reader, repository: Repository, query: Mapping[str, str]) -> Overview:
    """Return what the code of a repository silences. A constant number of queries."""
    scans = list(Scan.objects.filter(repository=repository).with_result()[:2])
    last = scans[0] if scans else None
    now = last.suppressions if last else None
    before = next((each for each in scans[1:] if each.suppressions is not None), None)
    then = before.suppressions if before else None
    tallies = [_tally(kind, words, now or {}, then) for kind, words in SuppressionKind.choices]
    shown = [each for each in tallies if each.comments or each.growth]
    kind = query.get("kind", "")
    kind = kind if kind in SuppressionKind.values else ""
    only_bare = query.get("bare") == "1"
    rows = Suppression.objects.visible_to(reader).filter(repository=repository)
    page = Paginator(_narrowed(rows, kind, only_bare), PAGE_SIZE).get_page(query.get("code"))
    page.object_list = _hiding(repository, page.object_list)
    asked = [each for each in shown if kind in {"", each.kind}]
    number = sum(each.bare if only_bare else each.comments for each in asked)
    return Overview(
        looked=now is not None,
        tallies=shown,
        total=sum(each.comments for each in shown),
        growth=sum(each.growth or 0 for each in shown) if before else None,
        bare=sum(each.bare for each in shown),
        hidden=last.suppressed_count if last else 0,
        before=before,
        page=page,
        unlisted=max(number - page.paginator.count, 0),
        kind=kind,
        only_bare=only_bare,
        newest=last.pk if last and before else None,
        refused=_refused(repository),
    )


def _narrowed(rows: SuppressionQuerySet, kind: str, only_bare: bool) -> SuppressionQuerySet:
    if kind:
        rows = rows.filter(kind=kind)
    return rows.filter(reason="") if only_bare else rows


def _refused(repository: Repository) -> dict[str, str]:
    """What is said of comments that adopted standards refuse, by title."""
    found = {}
    for row in Standard.objects.filter(adoptions__repository=repository).order_by("title"):
        # A text of another release judges nothing, so it refuses nothing either.
        with suppress(StandardError):
            rule = standards.parsed(row).waivers.suppressions
            if rule in REFUSED:
                found[row.title] = REFUSED[rule]
    return found


def _tally(kind: str, words: str, now: Mapping[str, Any], then: Mapping[str, Any] | None) -> Tally:
    empty = {"comments": 0, "bare": 0, "codes": {}, "rest": 0}
    new, old = now.get(kind, empty), None if then is None else then.get(kind, empty)
    common = sorted(new["codes"].items(), key=lambda item: (-item[1], item[0]))
    return Tally(
        kind,
        words,
        new["comments"],
        None if old is None else new["comments"] - old["comments"],
        new["bare"],
        [Code(name, number, _grown(name, number, old)) for name, number in common[:SHOWN_CODES]],
        max(len(common) - SHOWN_CODES, 0) + new["rest"],
    )


def _grown(code: str, number: int, then: Mapping[str, Any] | None) -> int | None:
    """How often more a code is named than before; one that was not counted by itself is unknown."""
    if then is None or (then["rest"] and code not in then["codes"]):
        return None
    return int(number - then["codes"].get(code, 0))


def _hiding(repository: Repository, rows: Iterable[Suppression]) -> list[Suppression]:
    """The comments with the findings that each hides, as ``hides``."""
    listed = list(rows)
    wanted = {row.path for row in listed if row.kind == SuppressionKind.NOQA}
    hidden: dict[str, list[Finding]] = defaultdict(list)
    for each in Finding.objects.filter(repository=repository, path__in=wanted).suppressed():
        hidden[each.path].append(each)
    for row in listed:
        found = hidden[row.path] if row.kind == SuppressionKind.NOQA else ()
        row.hides = [each for each in found if _hides(row, each)]
    return listed


def _hides(comment: Suppression, finding: Finding) -> bool:
    """Whether a comment names a rule that the check stands on, where the finding is.

    One without codes, or for the whole file, hides no finding: that takes an exact comment.
    """
    spec = specs().get(finding.check_id)
    return (
        spec is not None
        and not comment.file_wide
        and not set(spec.ruff).isdisjoint(comment.codes)
        and finding.line <= max(comment.end_line, comment.line)
        and comment.line <= max(finding.end_line, finding.line)
    )
