"""What comments in the code hide from a standard: only what it accepts.

A check says where a comment suppresses what it found. Whether that counts is for each standard to
say, so one that accepts less is judged by answers of its own, in which what it refuses is open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from checks.fingerprint import numberless
from checks.model import Observation, Outcome
from checks.rules.specs import Key
from checks.standard import Clause, Standard
from checks.waiverrules import COUNTS, Suppressions


def governed(
    outcomes: Mapping[Key, Outcome], standards: Sequence[Standard]
) -> tuple[Mapping[Key, Outcome], Sequence[Standard]]:
    """Answers and standards between which only accepted suppressions hide anything.

    Doing it again changes nothing. Findings keep their fingerprints, whoever refuses what.

    Args:
        outcomes: Answers by check id and canonical limits, as the checks gave them.
        standards: Whose rules say what a comment may hide.

    Returns:
        The answers with further ones for those who refuse something, and the standards that ask
        for these.
    """
    if all(each.waivers.suppressions == "any" for each in standards):
        return outcomes, standards
    made: dict[Key, Outcome] = {}
    asking = [_asking(each, outcomes, made) for each in standards]
    return {**outcomes, **made}, asking


def _asking(
    standard: Standard, outcomes: Mapping[Key, Outcome], made: dict[Key, Outcome]
) -> Standard:
    """The standard with questions of its own where it refuses something; adds their answers."""
    rule = standard.waivers.suppressions
    own: dict[Key, Key] = {}
    for key in standard.demanded():
        outcome = outcomes.get(key)
        if outcome and any(_refused(each, rule) for each in outcome.observations):
            # No check has such limits.
            own[key] = key[0], f"{key[1]} accepting {rule}"
            made[own[key]] = _opened(outcome, rule)
    if not own:
        return standard
    clauses = tuple(_renamed(clause, own) for clause in standard.clauses)
    return msgspec.structs.replace(standard, clauses=clauses)


def _renamed(clause: Clause, own: Mapping[Key, Key]) -> Clause:
    checks = tuple(
        msgspec.structs.replace(each, key=own.get(each.key, each.key)) for each in clause.checks
    )
    return msgspec.structs.replace(clause, checks=checks)


def _refused(seen: Observation, rule: Suppressions) -> bool:
    return seen.suppressed and (rule == "none" or (rule == "reasoned" and seen.bare))


def _opened(outcome: Outcome, rule: Suppressions) -> Outcome:
    observations = tuple(
        _open(each, COUNTS[rule]) if _refused(each, rule) else each for each in outcome.observations
    )
    return msgspec.structs.replace(outcome, observations=observations)


def _open(seen: Observation, why: str) -> Observation:
    """The observation as a violation that says why; what names the place stays as it was."""
    return msgspec.structs.replace(
        seen,
        suppressed=False,
        message=f"{seen.message} ({why})",
        anchor=seen.anchor or ("" if seen.symbol else numberless(seen.message)),
    )
