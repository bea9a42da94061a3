"""What a forecast rests on beside the proposal: each setting of a repository, told apart by name.

Guarantee: as long as nothing named here has changed since a repository was judged under a proposal,
adopting the proposal makes of it what was told. One thing moves with the days alone: the earlier
result that a gate on ``not_worse`` compares with is the newest older than a week.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from checks.facts.version import rules_version
from dashboard.models import (
    Adoption,
    Attestation,
    Clause,
    Component,
    Concession,
    DatedTable,
    Membership,
    Repository,
    Role,
    Waiver,
)
from dashboard.services import proposals

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence
    from datetime import date

    import checks.standard as engine
    from dashboard.models import Forecast
    from dashboard.models.repository import RepositoryQuerySet
    from dashboard.services.proposals import Proposal

type Basis = Mapping[str, str]

WORDS: Mapping[str, str] = {
    "scan": "its last scan",
    "adopted": "its adopted standards",
    "yielding": "what gives way of contradictions",
    "folders": "its judged folders",
    "waivers": "its waivers",
    "attested": "its attestations",
    "gate": "its gate",
    "dates": "clauses that count from a later day",
    "tables": "dated data",
    "tool": "the release of Straightedge",
}


def of(
    repositories: RepositoryQuerySet, proposed: Iterable[engine.Standard], day: date
) -> dict[int, dict[str, str]]:
    """Return digests of what counts for repositories on a day, by primary key and name.

    A constant number of queries, whatever the number of repositories.

    Args:
        repositories: Which ones.
        proposed: The texts that are tried on them.
        day: When.
    """
    everywhere = {
        "dates": _digest(_begun(proposed, day)),
        "tables": _digest(DatedTable.objects.order_by("name").values_list("name", "updated_at")),
        "tool": rules_version(),
    }
    rows: dict[int, dict[str, list[Any]]] = {
        pk: {"scan": [scan], "gate": [gate]}
        for pk, scan, gate in repositories.order_by().values_list("pk", "last_scan_id", "gate")
    }
    for name, values in _own(repositories, day).items():
        found = defaultdict(list)
        for pk, *value in values:
            found[pk].append(value)
        for pk, kept in rows.items():
            kept[name] = found[pk]
    return {
        pk: {name: _digest(value) for name, value in kept.items()} | everywhere
        for pk, kept in rows.items()
    }


def _own(repositories: RepositoryQuerySet, day: date) -> dict[str, Iterable[Sequence[Any]]]:
    """Rows about single repositories, each with the primary key of its own first."""
    counting = _counting(repositories, day)
    return {
        "adopted": (
            (pk, slug, standard, _free(fresh, day), counting[standard])
            for pk, slug, standard, fresh in Adoption.objects.filter(repository__in=repositories)
            .order_by("slug")
            .values_list("repository_id", "slug", "standard_id", "fresh")
        ),
        "yielding": Concession.objects.filter(repository__in=repositories)
        .order_by("standard_slug", "clause_number", "yields_to")
        .values_list("repository_id", "standard_slug", "clause_number", "yields_to"),
        "folders": Component.objects.judged()
        .filter(repository__in=repositories)
        .order_by("path")
        .values_list("repository_id", "path"),
        "waivers": Waiver.objects.in_force(day)
        .filter(repository__in=repositories)
        .order_by("pk")
        .values_list("repository_id", "pk", "absorbed", "expires_on", "decided_at"),
        "attested": _attested(repositories),
    }


def moved(then: Basis, now: Basis) -> list[str]:
    """Return the names of what is not as it was; nothing where nobody has noted how it was."""
    return [name for name in WORDS if name in then and then[name] != now.get(name)]


@dataclass(frozen=True)
class Compared:
    """A forecast beside the settings of now.

    Attributes:
        forecast: The forecast.
        moved: Names of what has changed since it was judged.
    """

    forecast: Forecast
    moved: Sequence[str]

    @property
    def words(self) -> str:
        """What has changed since it was judged, in words."""
        return in_words(self.moved)

    @property
    def before_words(self) -> str:
        """What had changed between the question and the answer, in words."""
        return in_words(self.forecast.moved)


def compared(rows: Iterable[Forecast], proposal: Proposal) -> list[Compared]:
    """Return forecasts with what has changed since they were judged, in the same order."""
    listed = list(rows)
    own = Repository.objects.filter(pk__in=[each.repository_id for each in listed])
    now = of(own, proposal.standards, timezone.localdate())
    return beside(listed, now, proposals.in_force(proposal, own))


def beside(
    rows: Iterable[Forecast], now: Mapping[int, Basis], adopted: Container[int]
) -> list[Compared]:
    """Return forecasts beside the settings of now, in the same order.

    Where the proposal is adopted nothing has changed: what it did there is no reason to ask again.

    Args:
        rows: The forecasts.
        now: What they would rest on now, by the primary key of the repository.
        adopted: Repositories that are judged by the proposal already.
    """
    return [
        Compared(
            each,
            moved(each.basis, now[each.repository_id])
            if each.is_done and each.repository_id not in adopted
            else [],
        )
        for each in rows
    ]


def in_words(names: Iterable[str]) -> str:
    """Return some names as words of a sentence."""
    known = set(names)
    words = [text for name, text in WORDS.items() if name in known]
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)


def _digest(value: Iterable[Any]) -> str:
    text = msgspec.json.encode(list(value), order="sorted")
    return hashlib.sha256(text).hexdigest()[:16]


def _free(fresh: Mapping[str, str], day: date) -> list[str]:
    """The clauses that cost nothing yet."""
    return sorted(number for number, end in fresh.items() if day.isoformat() < end)


def _begun(proposed: Iterable[engine.Standard], day: date) -> list[tuple[str, str, bool, bool]]:
    """Which dated clauses of the texts are judged, and which of them count."""
    return [
        (
            each.slug,
            clause.id,
            _is_past(clause.advisory_from, day),
            _is_past(clause.enforced_from, day),
        )
        for each in proposed
        for clause in each.clauses
        if clause.advisory_from or clause.enforced_from
    ]


def _counting(repositories: RepositoryQuerySet, day: date) -> dict[int, list[Sequence[Any]]]:
    """The same of the adopted versions, by their primary keys."""
    dated = Q(advisory_from__isnull=False) | Q(enforced_from__isnull=False)
    adopted = Adoption.objects.filter(repository__in=repositories).values("standard")
    clauses = Clause.objects.filter(dated, standard__in=adopted).order_by("pk")
    found: dict[int, list[Sequence[Any]]] = defaultdict(list)
    for standard, number, advisory, enforced in clauses.values_list(
        "standard_id", "number", "advisory_from", "enforced_from"
    ):
        found[standard].append((number, _is_past(advisory, day), _is_past(enforced, day)))
    return found


def _is_past(begins: date | None, day: date) -> bool:
    return begins is not None and begins <= day


def _attested(repositories: RepositoryQuerySet) -> Iterable[Sequence[Any]]:
    """The words that count, and whether who said them still leads the team."""
    leading = Membership.objects.filter(
        user=OuterRef("author"),
        team=OuterRef("repository__team"),
        role__in=Role.LEAD.and_above(),
    )
    rows = Attestation.objects.in_force().filter(repository__in=repositories)
    return rows.order_by("pk").values_list("repository_id", "pk", Exists(leading))
