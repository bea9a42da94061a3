"""Standards that people bring: read, compared with the version before, and stored as a new one."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction

from checks.rules.specs import ATTESTATION
from checks.standard import StandardError, parse
from dashboard.models import (
    Adoption,
    AuditEntry,
    Repository,
    Role,
    Standard,
    StandardOrigin,
    Team,
)
from dashboard.services import standards
from dashboard.services.catalogue import built
from dashboard.services.versions import Difference, against

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import checks.standard as engine
    from dashboard.models import User

FENCE = "```"
WRAPPED = re.compile(r"(?<=[^\n|])\n(?! *(?:[-*] |[|#>]|\d+\. |\n|\Z)) *")
"""A line end within a paragraph or an entry of a list."""
GUIDE = Path(settings.BASE_DIR) / "docs" / "writing-a-standard.md"
RESERVED = frozenset({"new"})
"""What stands in addresses in the place of a slug."""


class RefusedError(Exception):
    """The text is not used; ``mistakes`` are sentences with the next step."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("; ".join(mistakes))
        self.mistakes = mistakes


@dataclass(frozen=True)
class Offer:
    """A text that can be stored, and what it would change.

    Attributes:
        standard: What was read.
        before: The newest version of the same slug, None for a new standard.
        difference: What differs from it, clause by clause; everything when there is none.
        adopters: Repositories that are judged by an earlier version; they stay with it.
    """

    standard: engine.Standard
    before: Standard | None
    difference: Difference
    adopters: Sequence[Repository]

    @property
    def in_numbers(self) -> Sequence[tuple[int, str]]:
        """Clauses by strength, the checks that they ask for, and how they are decided."""
        clauses = self.standard.clauses
        strengths = Counter(clause.strength for clause in clauses)
        asked = {check.id for clause in clauses for check in clause.checks} - {ATTESTATION}
        attested = sum(clause.attested_only for clause in clauses)
        ready = sum(
            not clause.attested_only
            and all(check.id in built() or check.id == ATTESTATION for check in clause.checks)
            for clause in clauses
        )
        found = [
            *((strengths[name], name) for name in ("must", "should", "may")),
            (len(asked), "checks"),
            (ready, "decided by built checks"),
            (attested, "attested by a lead"),
        ]
        return [(number, word) for number, word in found if number]

    @property
    def is_known(self) -> bool:
        """Whether exactly this text is the newest version already."""
        return self.before is not None and self.before.version == self.standard.version


def read(text: str, reader: User) -> Offer:
    """Return what a text would change.

    Raises:
        RefusedError: It is no standard, or has a slug that is not free; every mistake is named.
    """
    try:
        standard = parse(text.encode("utf-8", "replace"), "the text")
    except StandardError as error:
        raise RefusedError(error.mistakes) from error
    before = Standard.objects.newest().filter(slug=standard.slug).first()
    leads = Team.objects.with_role(reader, Role.LEAD)
    if obstacle := taken(standard.slug, leads.values_list("pk", flat=True)):
        raise RefusedError([obstacle])
    if StandardOrigin.objects.filter(slug=standard.slug).exists():
        sentence = f"standard: {standard.slug!r} is read from a repository; change it there"
        raise RefusedError([f"{sentence}, or stop reading the file on its page"])
    visible = Repository.objects.visible_to(reader)
    held = Adoption.objects.filter(slug=standard.slug, repository__in=visible)
    return Offer(
        standard=standard,
        before=before,
        difference=against(before, standard),
        adopters=[row.repository for row in held.select_related("repository")[:50]],
    )


def taken(slug: str, teams: Collection[int]) -> str:
    """Return why these teams cannot use a slug, "" when they can."""
    before = Standard.objects.newest().filter(slug=slug).first()
    if slug in RESERVED or (before is not None and before.shipped):
        return f"standard: slug {slug!r} is taken by the product; choose another"
    if before is not None and before.team_id not in teams:
        return f"standard: slug {slug!r} belongs to another team; choose another"
    return ""


@transaction.atomic
def publish(text: str, actor: User) -> Standard:
    """Store a text as the newest version of its standard; who has adopted one keeps it.

    Raises:
        RefusedError: As for :func:`read`.
    """
    offer = read(text, actor)
    owner = offer.before.team if offer.before else None
    owner = owner or Team.objects.with_role(actor, Role.LEAD).order_by("pk").first()
    row = standards.store(offer.standard, text.encode(), team=owner)
    AuditEntry.objects.create(
        actor=actor,
        team=owner,
        action="standard.published",
        subject=row.slug,
        detail={"version": row.version},
    )
    return row


def guide() -> str:
    """Return how a standard is written, as the documentation has it.

    Each paragraph is one line, which a page breaks where it has to; examples stay as they are.
    """
    parts = GUIDE.read_text(encoding="utf-8").split(FENCE)
    parts[::2] = (WRAPPED.sub(" ", part) for part in parts[::2])
    return FENCE.join(parts)
