"""Versions of a standard: what differs between two, and moving repositories to the newest one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from django.core.paginator import Page, Paginator
from django.db import transaction
from django.db.models import Exists, OuterRef

from checks.gate import as_table
from checks.scoring import weight_of
from checks.standard import StandardError
from dashboard.models import Adoption, Repository, Role, Standard, Trigger
from dashboard.services import scanning, standards

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    import checks.standard as engine
    from dashboard.models import User

PAGE_SIZE = 100
NEW, GONE, CHANGED = "new", "gone", "changed"


@dataclass(frozen=True)
class Change:
    """One clause that differs between two versions.

    Attributes:
        number: Its id.
        requirement: Its words, the later ones where both versions have it.
        kind: ``new``, ``gone`` or ``changed``.
        details: In what it differs; for a new clause what it asks for.
    """

    number: str
    requirement: str
    kind: str
    details: Sequence[str] = ()


@dataclass(frozen=True)
class Difference:
    """What differs between two versions.

    Attributes:
        changes: The clauses that do.
        settings: What the whole standard asks otherwise: its gate, weights and rules of waivers.
        unreadable: Why it cannot be told, "" when it can.
    """

    changes: Sequence[Change] = ()
    settings: Sequence[str] = ()
    unreadable: str = ""

    @property
    def counts(self) -> Mapping[str, int]:
        """How many clauses are new, gone and changed; what does not occur is left out."""
        found = {kind: sum(c.kind == kind for c in self.changes) for kind in (NEW, GONE, CHANGED)}
        return {kind: number for kind, number in found.items() if number}


def compare(before: Standard, after: Standard) -> Difference:
    """Return what differs between two stored versions."""
    try:
        return against(before, standards.parsed(after))
    except StandardError as error:
        return Difference(unreadable=str(error))


def against(before: Standard | None, after: engine.Standard) -> Difference:
    """Return what differs from a stored version, everything when there is none."""
    try:
        old = standards.parsed(before) if before else None
        return Difference(changes(old, after), _settings(old, after) if old else ())
    except StandardError as error:
        return Difference(unreadable=str(error))


def changes(before: engine.Standard | None, after: engine.Standard) -> list[Change]:
    """Return what differs, clause by clause; every clause is new when there is nothing before."""
    old = {clause.id: clause for clause in before.clauses} if before else {}
    found = []
    for clause in after.clauses:
        known = old.pop(clause.id, None)
        if known is None:
            found.append(Change(clause.id, clause.requirement, NEW, _asks(clause)))
        elif before and (
            details := [*_weight(before, known, after, clause), *_details(known, clause)]
        ):
            found.append(Change(clause.id, clause.requirement, CHANGED, details))
    off = {clause.id for clause in after.written if clause.off}
    for clause in old.values():
        how = ["switched off; its words stay in the text"] if clause.id in off else []
        found.append(Change(clause.id, clause.requirement, GONE, how))
    return found


def _settings(before: engine.Standard, after: engine.Standard) -> list[str]:
    """Say what differs that belongs to no clause."""
    old, new = _set_by(before), _set_by(after)
    lines = []
    for name, value in new.items():
        if name not in old:
            lines.append(f"`{name}` is set to {value}")
        elif old[name] != value:
            lines.append(f"`{name}` {old[name]} becomes {value}")
    return lines + [f"`{name}` {old[name]} is not set any more" for name in old if name not in new]


def _set_by(standard: engine.Standard) -> dict[str, object]:
    """What a standard sets as a whole, by table and key."""
    tables: dict[str, Mapping[str, object]] = {
        "weights": msgspec.structs.asdict(standard.weights),
        "waivers": msgspec.structs.asdict(standard.waivers),
        "gate": {"open_musts": 0, **as_table(standard.gate)} if standard.gate else {},
    }
    return {
        f"[{table}] {key}": value
        for table, values in tables.items()
        for key, value in values.items()
        if value is not None
    }


def _asks(clause: engine.Clause) -> list[str]:
    dates = _dates(clause)
    return [clause.strength, *(_named(check) for check in clause.checks), *([dates] * bool(dates))]


def _named(check: engine.ClauseCheck) -> str:
    limits = ", ".join(f"{name} = {value}" for name, value in check.given.items())
    return f"{check.id} with {limits}" if limits else check.id


def _dates(clause: engine.Clause) -> str:
    first, then = clause.advisory_from, clause.enforced_from
    judged = f"judged from {first}, " if first else ""
    return f"{judged}counts from {then}" if then else ""


def _weight(
    before: engine.Standard, old: engine.Clause, after: engine.Standard, new: engine.Clause
) -> Iterable[str]:
    """Say what a clause weighs that gets, loses or changes a weight of its own."""
    own = [
        each.weight if each.weight != whole.weights.of(each.strength) else None
        for whole, each in ((before, old), (after, new))
    ]
    if own[0] != own[1]:
        was, now = (weight_of(each.strength, each.weight) for each in (old, new))
        yield f"weight {was} becomes {now}"


def _details(before: engine.Clause, after: engine.Clause) -> list[str]:
    """Say in which of its parts a clause differs."""
    parts = []
    if before.strength != after.strength:
        parts.append(f"{before.strength} becomes {after.strength}")
    parts += _checks(before.checks, after.checks)
    if before.requirement != after.requirement:
        parts.append(f"was: {before.requirement}")
    if _dates(before) != _dates(after):
        parts.append(_dates(after) or "counts at once")
    parts += [f"no longer contradicts {n}" for n in before.conflicts if n not in after.conflicts]
    parts += [f"contradicts {n}" for n in after.conflicts if n not in before.conflicts]
    return parts


def _checks(
    before: Sequence[engine.ClauseCheck], after: Sequence[engine.ClauseCheck]
) -> Iterable[str]:
    """Say which checks come and go, and which limits are others."""
    keys = {check.key for check in before} & {check.key for check in after}
    old = [check for check in before if check.key not in keys]
    for check in after:
        if check.key in keys:
            continue
        same = next((other for other in old if other.id == check.id), None)
        if same is None:
            yield f"also asks for {_named(check)}"
            continue
        old.remove(same)
        for name, value in check.params.items():
            if value != same.params[name]:
                yield f"{check.id}: {name} {same.params[name]} becomes {value}"
    for check in old:
        yield f"no longer asks for {_named(check)}"


# --- moving to the newest version


class OutdatedError(Exception):
    """A version that was shown is no longer the newest one."""


@dataclass(frozen=True)
class Renewal:
    """An adopted version that has a successor, and what that changes."""

    held: Standard
    newest: Standard
    difference: Difference


def renewals(repository: Repository) -> list[Renewal]:
    """Return the adopted versions that are not the newest of their standards."""
    held = [row.standard for row in repository.adoptions.select_related("standard")]
    old = [standard for standard in held if not standard.is_latest]
    newest = {
        standard.slug: standard
        for standard in Standard.objects.newest().filter(slug__in=[row.slug for row in old])
    }
    return [
        Renewal(row, newest[row.slug], compare(row, newest[row.slug]))
        for row in old
        if row.slug in newest
    ]


@transaction.atomic
def renew(repository: Repository, wanted: Collection[int], actor: User) -> int:
    """Move a repository to these versions, which are successors of adopted ones.

    Returns:
        How many it moved to.

    Raises:
        OutdatedError: One of them is not the newest: somebody has brought another meanwhile.
    """
    offered = {row.newest.pk: row.newest for row in renewals(repository)}
    if not set(wanted) <= offered.keys():
        raise OutdatedError
    chosen = {standard.slug: standard for pk, standard in offered.items() if pk in wanted}
    held = [row.standard for row in repository.adoptions.select_related("standard")]
    if chosen:
        kept = [standard for standard in held if standard.slug not in chosen]
        standards.adopt(repository, [*kept, *chosen.values()], actor)
        scanning.request(repository, Trigger.STANDARDS, actor=actor)
    return len(chosen)


@dataclass(frozen=True)
class Candidate:
    """A repository that could be judged by the newest version.

    Attributes:
        repository: Which one.
        held: The earlier version that it has adopted, None for none.
    """

    repository: Repository
    held: Standard | None


@dataclass(frozen=True)
class Spread:
    """One page of repositories that could adopt a version, and what that changes for them."""

    standard: Standard
    page: Page[Repository]
    candidates: Sequence[Candidate]
    steps: Sequence[tuple[Standard, Difference]]


def read_spread(actor: User, standard: Standard, page: str) -> Spread:
    """Return the repositories that the person leads and that are not judged by this version."""
    earlier = Adoption.objects.filter(repository=OuterRef("pk"), slug=standard.slug)
    rows = (
        Repository.objects.with_role(actor, Role.LEAD)
        .exclude(adoptions__standard=standard)
        .order_by(Exists(earlier).desc(), "name", "pk")
    )
    shown = Paginator(rows, PAGE_SIZE).get_page(page)
    adopted = Adoption.objects.filter(slug=standard.slug, repository__in=list(shown))
    held = {row.repository_id: row.standard for row in adopted.select_related("standard")}
    versions = {version.pk: version for version in held.values()}
    return Spread(
        standard=standard,
        page=shown,
        candidates=[Candidate(row, held.get(row.pk)) for row in shown],
        steps=[(version, compare(version, standard)) for version in versions.values()],
    )


def adopt_in(standard: Standard, chosen: Collection[int], actor: User) -> int:
    """Have these repositories of the person judged by a version; return how many change.

    Raises:
        OutdatedError: It is not the newest: somebody has brought another meanwhile.
    """
    if not Standard.objects.newest().filter(pk=standard.pk).exists():
        raise OutdatedError
    rows = Repository.objects.with_role(actor, Role.LEAD).filter(pk__in=chosen)
    return sum(_adopt(repository, standard, actor) for repository in rows[:PAGE_SIZE])


@transaction.atomic
def _adopt(repository: Repository, standard: Standard, actor: User) -> bool:
    held = [row.standard for row in repository.adoptions.select_related("standard")]
    kept = [row for row in held if row.slug != standard.slug]
    changed = standards.adopt(repository, [*kept, standard], actor)
    if changed:
        scanning.request(repository, Trigger.STANDARDS, actor=actor)
    return changed
