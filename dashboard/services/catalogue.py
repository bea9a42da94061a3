"""Standards, clauses and checks as the pages show them: what is asked, why, and how to comply."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from django.db.models import Case, Count, OuterRef, Q, Subquery, TextField, Value, When
from django.db.models.functions import Cast
from django.http import Http404

from checks import rules
from checks.check import CATALOGUE
from checks.rules import specs as definitions
from checks.scoring import weight_of
from checks.standard import StandardError
from dashboard.models import (
    OPEN_STATES,
    Adoption,
    Clause,
    ClauseResult,
    Concession,
    Repository,
    Standard,
    Strength,
    VerdictName,
)
from dashboard.services import standards, tables
from dashboard.services.examples import pairs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from checks.check import Check
    from checks.rules.specs import Spec
    from dashboard.models import DatedTable, User
    from dashboard.services.examples import Pair

SHOWN_RESULTS = 100
_HEADING = re.compile(r"^(Instead|Known problems):\s*", re.MULTILINE)


@cache
def built() -> Mapping[str, Check]:
    """Return the checks that exist, by id."""
    rules.load()
    return CATALOGUE


@dataclass(frozen=True)
class Group[T]:
    """Things under one heading."""

    name: str
    rows: list[T] = field(default_factory=list)


def grouped[T](items: Iterable[tuple[str, T]]) -> list[Group[T]]:
    """Return things under their headings, in the order in which these come."""
    groups: dict[str, Group[T]] = {}
    for name, item in items:
        groups.setdefault(name, Group(name)).rows.append(item)
    return list(groups.values())


# --- standards


def read_standards(reader: User) -> Sequence[Standard]:
    """Return the newest version of every standard, with counts of clauses and of adopters."""
    visible = Repository.objects.visible_to(reader)
    rows = Standard.objects.newest().annotate(
        clause_count=Count("clauses"),
        must_count=Count("clauses", filter=Q(clauses__strength=Strength.MUST)),
    )
    adopters = Counter(
        Adoption.objects.filter(repository__in=visible).values_list("slug", flat=True)
    )
    found = list(rows.defer("source"))
    for standard in found:
        standard.adopter_count = adopters[standard.slug]  # type: ignore[attr-defined]
    return found


def newest_standard(slug: str) -> Standard:
    """Return the newest version of a standard.

    Raises:
        Http404: There is none of that name.
    """
    standard = Standard.objects.newest().filter(slug=slug).defer("source").first()
    if standard is None:
        raise Http404("There is no standard of that name.")
    return standard


@dataclass(frozen=True)
class CheckUse:
    """A check inside a clause, with the limits that the clause sets over the defaults."""

    id: str
    title: str
    built: bool
    params: Mapping[str, Any]


@dataclass(frozen=True)
class ClausePage:
    """One clause with what decides it and what contradicts it.

    Attributes:
        weight: What it weighs in the score of its standard; None where its text is unreadable.
        whole: What all clauses of the standard weigh together.
    """

    clause: Clause
    weight: int | None
    whole: int
    uses: Sequence[CheckUse]
    conflicts: Sequence[Clause]
    before: Clause | None
    after: Clause | None
    results: Sequence[ClauseResult]


def read_clause(reader: User, slug: str, number: str) -> ClausePage:
    """Return one clause for its page.

    Raises:
        Http404: The standard or the clause does not exist.
    """
    standard = newest_standard(slug)
    clause = standard.clauses.filter(number=number).first()
    if clause is None:
        raise Http404("The standard has no such clause.")
    clause.standard = standard
    numbers = [text.rpartition("/")[2] for text in clause.conflicts]
    conflicts = Clause.objects.filter(standard__is_latest=True, number__in=numbers)
    around = standard.clauses.order_by("position")
    weights = _weights(standard)
    return ClausePage(
        clause=clause,
        weight=weights.get(number),
        whole=sum(weights.values()),
        uses=[_use(check) for check in clause.checks],
        conflicts=list(conflicts.select_related("standard").order_by("number")),
        before=around.filter(position__lt=clause.position).last(),
        after=around.filter(position__gt=clause.position).first(),
        results=_results_of(reader, slug, number),
    )


def _weights(standard: Standard) -> dict[str, int]:
    """Return what each clause of a standard weighs; nothing of one that cannot be read."""
    try:
        clauses = standards.parsed(standard).clauses
    except StandardError:
        return {}
    return {clause.id: weight_of(clause.strength, clause.weight) for clause in clauses}


def _results_of(reader: User, slug: str, number: str) -> list[ClauseResult]:
    """Return what the newest scans say of a clause, the costliest first.

    Where it asks for nothing because it gives way, ``yields_to`` names the other.
    """
    scans = Repository.objects.visible_to(reader).values("last_scan")
    rows = ClauseResult.objects.filter(
        scan_standard__scan__in=scans,
        clause__standard__slug=slug,
        clause__number=number,
    ).select_related("scan_standard__scan__repository", "scan_standard__component")
    conceded = Concession.objects.filter(
        repository=OuterRef("scan_standard__scan__repository"),
        standard_slug=slug,
        clause_number=number,
    ).order_by("pk")
    other = When(
        verdict=VerdictName.NOT_APPLICABLE, then=Subquery(conceded.values("yields_to")[:1])
    )
    rows = rows.annotate(yields_to=Case(other, default=Value("")))
    return list(rows.order_by("-loss", "scan_standard__scan__repository__name")[:SHOWN_RESULTS])


def _use(check: Mapping[str, Any]) -> CheckUse:
    spec = definitions.specs().get(check["id"])
    if spec is None:
        return CheckUse(check["id"], "", False, {})
    params = check.get("params", {})
    given = {name: value for name, value in params.items() if spec.params.get(name) != value}
    return CheckUse(spec.id, spec.title, spec.id in built(), given)


# --- checks


@dataclass(frozen=True)
class CheckRow:
    """One check in the list."""

    spec: Spec
    built: bool
    clause_count: int


@dataclass(frozen=True)
class CheckList:
    """All checks that match, grouped by area."""

    areas: Sequence[Group[CheckRow]]
    total: int
    built: int


def read_checks(text: str = "", only: str = "", area: str = "") -> CheckList:
    """Return the checks whose id or title contains ``text``, of one area or of all.

    ``only`` is built, planned or "".
    """
    used: Counter[str] = Counter()
    newest = Clause.objects.filter(standard__is_latest=True)
    for checks in newest.values_list("checks", flat=True):
        used.update(check["id"] for check in checks)
    rows = [
        CheckRow(spec, spec.id in built(), used[spec.id])
        for spec in definitions.specs().values()
        if text.lower() in f"{spec.id} {spec.title}".lower() and area in ("", spec.area)
    ]
    if only:
        rows = [row for row in rows if row.built == (only == "built")]
    return CheckList(
        areas=grouped((row.spec.area, row) for row in rows),
        total=len(rows),
        built=sum(row.built for row in rows),
    )


@dataclass(frozen=True)
class ClauseUse:
    """A clause that a check decides, with the limits that it sets over the defaults."""

    clause: Clause
    params: Mapping[str, Any]


@dataclass(frozen=True)
class CheckPage:
    """One check: its definition, its own words when it is built, its examples, its clauses."""

    spec: Spec
    built: bool
    why: Sequence[str]
    known_problems: Sequence[str]
    params: Sequence[tuple[str, Any, Sequence[Any]]]
    examples: Sequence[Pair]
    clauses: Sequence[ClauseUse]
    advisory: bool
    needs_table: bool
    table: DatedTable | None


def read_check(identifier: str) -> CheckPage | None:
    """Return one check for its page, None when there is none of that id."""
    spec = definitions.specs().get(identifier)
    if spec is None:
        return None
    why, problems = _own_words(built().get(identifier))
    needs_table, table = tables.of_check(identifier)
    return CheckPage(
        spec=spec,
        built=identifier in built(),
        why=why,
        known_problems=problems,
        params=[(name, value, spec.choices.get(name, ())) for name, value in spec.params.items()],
        examples=pairs(spec.area, identifier),
        clauses=[
            ClauseUse(clause, _use(asked).params)
            for clause in _clauses_with(identifier)
            for asked in clause.checks
            if asked["id"] == identifier
        ],
        advisory=identifier in built() and built()[identifier].advisory,
        needs_table=needs_table,
        table=table,
    )


def check_areas() -> Sequence[str]:
    """Return the areas of the checks, in alphabetical order."""
    return definitions.areas()


def open_findings(reader: User, identifier: str) -> list[Repository]:
    """Return where a check finds something at the moment, most findings first.

    Each repository has its number of findings that count, as ``found``.
    """
    rows = Repository.objects.visible_to(reader).filter(
        findings__check_id=identifier,
        findings__state__in=OPEN_STATES,
        findings__suppressed=False,
        findings__waived_by__isnull=True,
    )
    return list(rows.annotate(found=Count("findings")).order_by("-found", "name")[:SHOWN_RESULTS])


def fitting(page: CheckPage, clauses: Iterable[Clause]) -> Pair | None:
    """Return the example under the limits of one of the clauses, else the one under the usual."""
    asked = [
        _use(check).params
        for clause in clauses
        for check in clause.checks
        if check["id"] == page.spec.id
    ]
    for pair in page.examples:
        if pair.params and any(
            all(params.get(name) == value for name, value in pair.params.items())
            for params in asked
        ):
            return pair
    return next(iter(page.examples), None)


def _clauses_with(identifier: str) -> list[Clause]:
    """Return the clauses of today's standards that a check decides."""
    # The text narrows on both databases; whether it is an id or a limit is decided here.
    texts = Clause.objects.annotate(checks_text=Cast("checks", TextField()))
    rows = texts.filter(standard__is_latest=True, checks_text__contains=f'"{identifier}"')
    rows = rows.select_related("standard").defer("standard__source")
    return [clause for clause in rows if identifier in clause.check_ids]


def _own_words(check: Check | None) -> tuple[list[str], list[str]]:
    """Return the paragraphs of a check's docstring: why, and its known problems."""
    if check is None:
        return [], []
    parts = _HEADING.split(inspect.getdoc(check.ask) or "")
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    return _paragraphs(parts[0]), _paragraphs(sections.get("Known problems", ""))


def _paragraphs(text: str) -> list[str]:
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]
