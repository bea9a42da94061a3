"""Standards become rows: one immutable row per version, clauses beside it."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

import checks.standard as engine
from checks.standard import HERE, parse, shipped
from dashboard.models import Adoption, AuditEntry, Clause, Standard
from dashboard.text import clean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from dashboard.models import Repository, Team, User

CACHED_STANDARDS = 32
GRACE = timedelta(days=30)
"""How long a clause costs nothing that came with the renewal of an adopted standard."""
BATCH = 500


def load_shipped() -> list[Standard]:
    """Store the standards that come with the product, new versions beside the old ones.

    Repositories keep the version they have adopted: a new one is adopted deliberately.
    """
    return [
        store(standard, (HERE / f"{standard.slug}.toml").read_bytes(), is_shipped=True)
        for standard in shipped()
    ]


@transaction.atomic
def store(
    standard: engine.Standard,
    source: bytes,
    *,
    is_shipped: bool = False,
    team: Team | None = None,
    commit: str = "",
) -> Standard:
    """Return the row of this version, made if need be, and make it the newest of its slug."""
    row = Standard.objects.filter(slug=standard.slug, version=standard.version).first()
    if row is None:
        Standard.objects.filter(slug=standard.slug).update(is_latest=False)
        row = Standard.objects.create(
            slug=standard.slug,
            version=standard.version,
            title=clean(standard.title, 200),
            summary=standard.summary,
            source=source.decode("utf-8"),
            shipped=is_shipped,
            team=team,
            commit=commit,
        )
        Clause.objects.bulk_create(_clauses(row, standard), batch_size=BATCH)
    elif not row.is_latest:
        Standard.objects.filter(slug=standard.slug).update(is_latest=False)
        Standard.objects.filter(pk=row.pk).update(is_latest=True)
        row.is_latest = True
    return row


def is_newest(standard: engine.Standard) -> bool:
    """True when exactly this text is the newest version of its slug."""
    rows = Standard.objects.newest().filter(slug=standard.slug, version=standard.version)
    return rows.exists()


def _clauses(row: Standard, standard: engine.Standard) -> Iterable[Clause]:
    for position, clause in enumerate(standard.clauses):
        yield Clause(
            standard=row,
            number=clause.id,
            position=position,
            section=clean(clause.section, 300),
            requirement=clause.requirement,
            strength=clause.strength,
            area=clause.area,
            automation=clause.automation,
            checks=[{"id": check.id, "params": check.params} for check in clause.checks],
            conflicts=list(clause.conflicts),
            trap=clause.trap,
            advisory_from=clause.advisory_from,
            enforced_from=clause.enforced_from,
        )


def parsed(row: Standard) -> engine.Standard:
    """Return the engine's form of a stored version.

    Raises:
        checks.standard.StandardError: The stored text asks for what this release cannot read.
    """
    return _parsed(row.slug, row.version, row.source)


@lru_cache(maxsize=CACHED_STANDARDS)
def _parsed(slug: str, _version: str, source: str) -> engine.Standard:
    return parse(source.encode("utf-8"), slug)


@transaction.atomic
def adopt(repository: Repository, standards: Sequence[Standard], actor: User | None) -> bool:
    """Let the repository be judged by exactly these versions. True when that changes anything."""
    held = list(repository.adoptions.values("standard_id", "adopted_by_id", "fresh"))
    before = {row["standard_id"] for row in held}
    wanted = {standard.pk: standard for standard in standards}
    if before == set(wanted):
        return False
    replaced = {row.slug: row for row in repository.adoptions.exclude(standard__in=wanted)}
    repository.adoptions.exclude(standard__in=wanted).delete()
    for pk, standard in wanted.items():
        if pk not in before:
            Adoption.objects.create(
                repository=repository,
                standard=standard,
                adopted_by=actor,
                fresh=_fresh(standard, replaced.get(standard.slug)),
            )
    slugs = sorted(standard.slug for standard in standards)
    AuditEntry.objects.note(
        repository,
        actor,
        "repository.standards",
        standards=slugs,
        before=held,
        after=sorted(wanted),
    )
    return True


def _fresh(standard: Standard, before: Adoption | None) -> dict[str, str]:
    if before is None:
        return {}
    known = before.standard.clauses.values_list("number", flat=True)
    numbers = standard.clauses.order_by("position").values_list("number", flat=True)
    return grace(numbers, known, before.fresh)


def grace(
    numbers: Collection[str], known: Collection[str], running: Mapping[str, str]
) -> dict[str, str]:
    """Return the clauses that cost nothing yet, with the day from which they count.

    Args:
        numbers: The clauses of a version that takes the place of another.
        known: The clauses of the other. What it had not is new.
        running: Its own clauses that cost nothing yet: those not past their grace keep it.
    """
    today = timezone.localdate()
    begins = (today + GRACE).isoformat()
    had = set(known)
    fresh = {number: begins for number in numbers if number not in had}
    still = {n: day for n, day in running.items() if day > today.isoformat() and n in numbers}
    return still | fresh
