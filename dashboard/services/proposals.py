"""What somebody proposes to be judged by, as texts of standards, and adopting exactly that.

A proposal changes the versions of a repository the way that adopting them would: what is told of it
and what becomes of it are worked out from the same texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction

from dashboard.models import Adoption, Repository, Role, Simulation, Standard, Trigger
from dashboard.services import editing, own_standards, rollout, scanning, standards
from dashboard.services.rollout import Held

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import date

    import checks.standard as engine
    from dashboard.models import User
    from dashboard.models.repository import RepositoryQuerySet


@dataclass(frozen=True)
class Part:
    """One text of a proposal.

    Attributes:
        standard: What it says.
        source: The text.
        replaces: Slug of the adopted standard whose place it takes, "" to be adopted beside them.
    """

    standard: engine.Standard
    source: str
    replaces: str


@dataclass(frozen=True)
class Proposal:
    """Texts that are to be adopted, and slugs of standards that are to be adopted no longer."""

    parts: Sequence[Part]
    drops: frozenset[str] = frozenset()

    @property
    def standards(self) -> list[engine.Standard]:
        """What the texts say."""
        return [part.standard for part in self.parts]

    @property
    def touched(self) -> frozenset[str]:
        """Slugs of the adopted standards that leave or give their place to a text."""
        return self.drops | {part.replaces for part in self.parts if part.replaces}

    @property
    def adds(self) -> bool:
        """Whether a repository with none of the touched standards is judged otherwise as well."""
        return any(not part.replaces for part in self.parts)


def read(simulation: Simulation) -> Proposal:
    """Return the proposal of a simulation.

    Raises:
        own_standards.RefusedError: A text asks for what this release cannot read.
    """
    return Proposal(
        [part_of(each["source"], each["replaces"]) for each in simulation.parts],
        frozenset(simulation.drops),
    )


def part_of(source: str, replaces: str) -> Part:
    """Return a text as a part of a proposal.

    Raises:
        own_standards.RefusedError: It is no standard; every mistake is named.
    """
    return Part(editing.read(source), source, replaces)


def asked(repository: Repository, proposal: Proposal, day: date) -> list[engine.Standard]:
    """Return the versions of a repository as they would count on a day, had it adopted a proposal.

    Raises:
        checks.standard.StandardError: A stored text asks for what this release cannot read.
    """
    adopted = list(repository.adoptions.select_related("standard"))
    return rollout.as_counted(repository, _held(adopted, proposal), day)


def _held(adopted: Sequence[Adoption], proposal: Proposal) -> list[Held]:
    """The versions after the adoption, by slug as the rows of adoptions are."""
    before = {row.slug: row for row in adopted}
    after = {
        slug: rollout.held(row) for slug, row in before.items() if slug not in proposal.touched
    }
    for part in _fitting(before, proposal):
        own = before.get(part.standard.slug)
        if own is not None and own.standard.version == part.standard.version:
            after[own.slug] = rollout.held(own)
        else:
            after[part.standard.slug] = Held(part.standard, _fresh(part.standard, own))
    return [after[slug] for slug in sorted(after)]


def _fitting(adopted: Collection[str], proposal: Proposal) -> Iterable[Part]:
    return (part for part in proposal.parts if not part.replaces or part.replaces in adopted)


def in_force(proposal: Proposal, repositories: RepositoryQuerySet) -> frozenset[int]:
    """Return those that are judged by a proposal already: adopting it would change nothing."""
    adopted: dict[int, dict[str, str]] = {
        pk: {} for pk in repositories.values_list("pk", flat=True)
    }
    rows = Adoption.objects.filter(repository__in=repositories)
    for pk, slug, version in rows.values_list("repository_id", "slug", "standard__version"):
        adopted[pk][slug] = version
    wanted = {part.standard.slug: part.standard.version for part in proposal.parts}
    found = set()
    for pk, own in adopted.items():
        after = {slug: version for slug, version in own.items() if slug not in proposal.touched}
        fitting = {part.standard.slug for part in _fitting(own, proposal)}
        after |= {slug: version for slug, version in wanted.items() if slug in fitting}
        # What has none of the texts has left the proposal in another way.
        if after == own and (not wanted or wanted.items() & own.items()):
            found.add(pk)
    return frozenset(found)


def _fresh(standard: engine.Standard, before: Adoption | None) -> dict[str, str]:
    """What costs nothing yet, as :func:`standards.adopt` will say."""
    if before is None:
        return {}
    known = [clause.id for clause in standards.parsed(before.standard).clauses]
    return standards.grace([clause.id for clause in standard.clauses], known, before.fresh)


# --- from a proposal to versions that are adopted


class UnsavedError(Exception):
    """A text of the proposal is not stored as a version yet."""


def stored(proposal: Proposal) -> dict[str, Standard]:
    """Return the rows of those of the texts that are stored as versions, by slug."""
    found = {}
    for part in proposal.parts:
        name = part.standard.slug
        row = Standard.objects.filter(slug=name, version=part.standard.version).first()
        if row is not None:
            found[name] = row
    return found


@transaction.atomic
def save(proposal: Proposal, actor: User) -> list[Standard]:
    """Store every text as a version of its standard. Nobody is judged by it before adopting it.

    Raises:
        own_standards.RefusedError: A text has a slug that the person cannot write to.
    """
    known = stored(proposal)
    missing = [part for part in proposal.parts if part.standard.slug not in known]
    return [own_standards.publish(part.source, actor) for part in missing]


def adopt(proposal: Proposal, chosen: Collection[int], actor: User) -> int:
    """Have those of the repositories that the person leads judged by a proposal.

    Returns:
        How many change.

    Raises:
        UnsavedError: A text is not stored yet.
    """
    known = stored(proposal)
    if any(part.standard.slug not in known for part in proposal.parts):
        raise UnsavedError
    led = Repository.objects.with_role(actor, Role.LEAD).filter(pk__in=chosen)
    return sum(_adopt(repository, proposal, known, actor) for repository in led)


@transaction.atomic
def _adopt(
    repository: Repository, proposal: Proposal, known: dict[str, Standard], actor: User
) -> bool:
    before = {row.slug: row.standard for row in repository.adoptions.select_related("standard")}
    after = {slug: row for slug, row in before.items() if slug not in proposal.touched}
    for part in _fitting(before, proposal):
        after[part.standard.slug] = known[part.standard.slug]
    changed = standards.adopt(repository, list(after.values()), actor)
    if changed:
        scanning.request(repository, Trigger.STANDARDS, actor=actor)
    return changed
