"""Quality gates on the server: which are asked, what they are compared with, what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec
from django.db import transaction

from checks.errors import InputError
from checks.gate import Gate, GateResult, as_table, evaluate, read
from dashboard.models import AuditEntry, Repository, Trigger
from dashboard.services import scanning
from dashboard.services.gate_bases import Bases, older

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import checks.standard as engine
    from dashboard.models import User
    from dashboard.services.judging import Ruling
    from dashboard.services.results import Judged

type GateStanding = Literal["passes", "untold", "fails"]


class BrokenGateError(InputError):
    """A stored gate that this release cannot read."""


def of_repository(repository: Repository) -> Gate | None:
    """Return the gate that the repository's own settings ask, None for none.

    Raises:
        BrokenGateError: The stored fields are no gate.
    """
    if not repository.gate:
        return None
    mistakes: list[str] = []
    gate = read(repository.gate, mistakes)
    if mistakes:
        raise BrokenGateError("; ".join(mistakes))
    return gate


@transaction.atomic
def choose(repository: Repository, gate: Gate | None, actor: User | None) -> bool:
    """Ask this gate of every scan from now on; True when that changes anything."""
    table = dict(as_table(gate)) if gate else {}
    # A gate without any field is still one: it allows no open must.
    if gate and not table:
        table = {"open_musts": 0}
    if table == repository.gate:
        return False
    repository.gate = table
    repository.save(update_fields=["gate"])
    AuditEntry.objects.note(repository, actor, "repository.gate", gate=table)
    scanning.request(repository, Trigger.STANDARDS, actor=actor)
    return True


def judge(repository: Repository, judged: Sequence[Judged], ruling: Ruling) -> GateResult | None:
    """Return what the gates of the repository and of its standards say, None without any.

    Args:
        repository: Still with the results before the one that is asked about.
        judged: What was found, one judgement for each component.
        ruling: By what it was judged; the base is judged by the same.
    """
    asked = gates(repository, ruling.standards)
    if not asked:
        return None
    bases = Bases(repository, judged, ruling, asked)
    return evaluate(
        asked,
        [each.report for each in judged],
        base=bases.base() if any(gate.no_new_findings for gate in asked.values()) else None,
        earlier=bases.earlier() if any(gate.not_worse for gate in asked.values()) else None,
    )


def gates(repository: Repository, standards: Sequence[engine.Standard]) -> dict[str, Gate]:
    """Return the gates that a repository with these standards has to pass.

    They are by the slug of the standard that asks, "" for the repository's own.
    """
    own = of_repository(repository)
    return ({"": own} if own else {}) | {each.slug: each.gate for each in standards if each.gate}


def compares(repository: Repository, asked: Mapping[str, Gate]) -> bool:
    """Whether another commit may have to be judged."""
    if any(gate.no_new_findings for gate in asked.values()):
        return True
    return any(gate.not_worse for gate in asked.values()) and older(repository).exists()


def stored(result: GateResult | None) -> dict[str, Any] | None:
    """Return the result as it is kept with the scan."""
    kept: dict[str, Any] | None = None if result is None else msgspec.to_builtins(result)
    return kept


def standing(kept: Mapping[str, Any]) -> GateStanding:
    """Return how a stored result stands; without a failure it passes only when all was told."""
    passed = [each["passed"] for each in kept["conditions"]]
    return "fails" if False in passed else "untold" if None in passed else "passes"


def in_words(kept: Mapping[str, Any]) -> str:
    """Return how a stored result stands, in a sentence."""
    passed = [each["passed"] for each in kept["conditions"]]
    count = len(passed)
    match standing(kept):
        case "fails":
            return f"The gate fails: {passed.count(False)} of {count} conditions are not met."
        case "untold":
            untold = passed.count(None)
            verb = "has" if untold == 1 else "have"
            return (
                f"The gate does not fail: {passed.count(True)} of {count} conditions are met, and"
                f" {untold} {verb} nothing to compare with yet."
            )
        case "passes":
            return f"The gate passes: all {count} conditions are met."
