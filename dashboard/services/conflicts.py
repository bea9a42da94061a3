"""Standards that contradict each other: the pairs of clauses, and which of a pair gives way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction

from dashboard.models import AuditEntry, Clause, ClauseResult, Concession, Trigger
from dashboard.services import scanning

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from dashboard.models import Repository, User
    from dashboard.models.repository import RepositoryQuerySet


@dataclass(frozen=True)
class Pair:
    """Two clauses that cannot both be met.

    Attributes:
        first: One of them.
        second: The other.
        yielding: Keys of those that give way in this pair; none while nobody has decided.
        elsewhere: Number of the one that gives way in another pair already, "" for none.
        first_result: What the last scan says of the first; of several folders the costliest.
        second_result: The same of the second.
    """

    first: Clause
    second: Clause
    yielding: frozenset[str]
    elsewhere: str = ""
    first_result: ClauseResult | None = None
    second_result: ClauseResult | None = None

    @property
    def settled(self) -> bool:
        """Whether one of the two asks for nothing."""
        return bool(self.yielding or self.elsewhere)

    @property
    def first_yields(self) -> bool:
        """Whether the first gives way."""
        return key(self.first) in self.yielding

    @property
    def second_yields(self) -> bool:
        """Whether the second gives way."""
        return key(self.second) in self.yielding

    @property
    def name(self) -> str:
        """Both keys, as a form sends them."""
        return f"{key(self.first)}|{key(self.second)}"


def key(clause: Clause) -> str:
    """Return ``<standard slug>/<number>``."""
    return f"{clause.standard.slug}/{clause.number}"


def pairs(repository: Repository) -> list[Pair]:
    """Return the contradicting clauses of the adopted standards, undecided ones first."""
    names = sorted(_contradictions(_adopted(repository)))
    if not names:
        return []
    wanted = {name.rpartition("/")[2] for pair in names for name in pair}
    rows = Clause.objects.filter(
        standard__adoptions__repository=repository, number__in=wanted
    ).select_related("standard")
    clauses = {key(clause): clause for clause in rows.defer("standard__source")}
    held = _held(repository)
    gone = set().union(*held.values())
    said = _said(repository, wanted)
    found = [
        Pair(
            clauses[first],
            clauses[second],
            frozenset(held.get(frozenset({first, second}), ())),
            next((name.rpartition("/")[2] for name in (first, second) if name in gone), ""),
            said.get(first),
            said.get(second),
        )
        for first, second in names
    ]
    return sorted(found, key=lambda pair: pair.settled)


def _said(repository: Repository, numbers: Collection[str]) -> dict[str, ClauseResult]:
    """What the last scan says of these clauses, the costliest result of each."""
    rows = ClauseResult.objects.filter(
        scan_standard__scan=repository.last_scan_id, clause__number__in=numbers
    ).order_by("loss", "pk")
    rows = rows.select_related("clause__standard").defer("clause__standard__source")
    return {key(row.clause): row for row in rows}


def _held(repository: Repository) -> dict[frozenset[str], set[str]]:
    """What gives way in each pair that somebody has decided."""
    held: dict[frozenset[str], set[str]] = {}
    for row in repository.concessions.all():
        own = f"{row.standard_slug}/{row.clause_number}"
        held.setdefault(frozenset({own, row.yields_to}), set()).add(own)
    return held


def _adopted(repository: Repository) -> dict[str, Sequence[str]]:
    """Keys of the adopted clauses, and the numbers that each of them contradicts."""
    rows = Clause.objects.filter(standard__adoptions__repository=repository).order_by()
    return {
        f"{slug}/{number}": conflicts
        for slug, number, conflicts in rows.values_list("standard__slug", "number", "conflicts")
    }


def _contradictions(clauses: Mapping[str, Sequence[str]]) -> set[tuple[str, str]]:
    """Keys of each pair, in order; a standard names the other clause by its number."""
    by_number: dict[str, list[str]] = {}
    for name in clauses:
        by_number.setdefault(name.rpartition("/")[2], []).append(name)
    found = set()
    for name, conflicts in clauses.items():
        slug = name.partition("/")[0]
        for other in conflicts:
            for each in by_number.get(other, []):
                if each.partition("/")[0] != slug:
                    found.add((min(name, each), max(name, each)))
    return found


def undecided(repository: Repository) -> int:
    """Return how many pairs nobody has decided, here or by what gives way in another."""
    return _open_pairs(_contradictions(_adopted(repository)), _held(repository))


def _open_pairs(pairs_of: Collection[tuple[str, str]], held: Mapping[frozenset[str], Any]) -> int:
    gone = set().union(*held.values())
    return sum(frozenset(pair) not in held and gone.isdisjoint(pair) for pair in pairs_of)


def undecided_in(repositories: RepositoryQuerySet) -> list[tuple[Repository, int]]:
    """Return the repositories with pairs that nobody has decided, most of them first.

    Three queries, however many repositories: those that adopt the same share the pairs.
    """
    rows = repositories.order_by("name", "pk").prefetch_related("adoptions", "concessions")
    adopted = {row: frozenset(each.standard_id for each in row.adoptions.all()) for row in rows}
    clauses: dict[int, dict[str, Sequence[str]]] = {}
    wanted = set().union(*adopted.values())
    known = Clause.objects.filter(standard__in=wanted).order_by()
    for standard, slug, number, others in known.values_list(
        "standard_id", "standard__slug", "number", "conflicts"
    ):
        clauses.setdefault(standard, {})[f"{slug}/{number}"] = others
    pairs_of = {
        standards: _contradictions(
            {name: others for each in standards for name, others in clauses.get(each, {}).items()}
        )
        for standards in set(adopted.values())
    }
    counted = [(row, _open_pairs(pairs_of[each], _held(row))) for row, each in adopted.items()]
    return sorted(((row, number) for row, number in counted if number), key=lambda it: -it[1])


@transaction.atomic
def decide(repository: Repository, choices: Mapping[str, str], actor: User) -> bool:
    """Let clauses give way, and have the repository judged again if that changes anything.

    Args:
        repository: Whose standards contradict each other.
        choices: Name of a pair to the key of the clause that gives way, "" for neither. Pairs that
            are not there and keys of other clauses are passed over.
        actor: Who decides.

    Returns:
        Whether anything changed.
    """
    changed: dict[str, str] = {}
    before = conceded(repository)
    for pair in pairs(repository):
        choice = choices.get(pair.name)
        wanted = frozenset({choice} if choice else ())
        if choice is None or wanted == pair.yielding or wanted - set(pair.name.split("|")):
            continue
        _write(repository, pair, choice, actor)
        changed[pair.name] = choice
    if changed:
        AuditEntry.objects.note(
            repository,
            actor,
            "repository.conflicts",
            decided=changed,
            before=before,
            after=conceded(repository),
        )
        scanning.request(repository, Trigger.CONFLICTS, actor=actor)
    return bool(changed)


def conceded(repository: Repository) -> list[list[object]]:
    """Return every clause that gives way, to what, and who said so; as the audit log keeps it."""
    columns = ("standard_slug", "clause_number", "yields_to", "author_id")
    return [list(row) for row in repository.concessions.order_by(*columns).values_list(*columns)]


def _write(repository: Repository, pair: Pair, choice: str, actor: User) -> None:
    for own, other in ((pair.first, pair.second), (pair.second, pair.first)):
        place = {
            "standard_slug": own.standard.slug,
            "clause_number": own.number,
            "yields_to": key(other),
        }
        if choice == key(own):
            repository.concessions.get_or_create(**place, defaults={"author": actor})
        else:
            repository.concessions.filter(**place).delete()


def yielding(
    repository: Repository, clauses: Mapping[str, Sequence[str]] | None = None
) -> dict[str, dict[str, str]]:
    """Return which clauses ask for nothing: standard slug, then number, to what they give way.

    Args:
        repository: Who has decided.
        clauses: Keys of the clauses that are asked, and the numbers that each contradicts; those
            of the adopted versions if left out.
    """
    rows = list(Concession.objects.filter(repository=repository))
    if rows and clauses is None:
        clauses = _adopted(repository)
    standing = {frozenset(pair) for pair in _contradictions(clauses or {})} if rows else set()
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        own = f"{row.standard_slug}/{row.clause_number}"
        if frozenset({own, row.yields_to}) in standing:
            number = row.yields_to.rpartition("/")[2]
            found.setdefault(row.standard_slug, {})[row.clause_number] = number
    return found
