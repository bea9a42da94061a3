"""From the answers of the checks to a report: judged, counted and named. Reads no repository.

Whoever kept the answers can judge them again by other standards without looking at the code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from checks.fingerprint import findings
from checks.model import Manifest, Outcome, Report
from checks.rules.specs import Key
from checks.scoring import tallies
from checks.standard import Standard
from checks.verdict import judge


def compose(
    names: tuple[str, str, str],
    manifest: Manifest,
    outcomes: Mapping[Key, Outcome],
    standards: Sequence[Standard],
) -> Report:
    """The report that some answers make.

    Args:
        names: Repository, commit and component, as the report names them.
        manifest: What was looked at.
        outcomes: Answers by check id and canonical limits; more than the standards ask for do
            no harm, a missing one is a check that is not built.
        standards: Judged one at a time, in this order.
    """
    repository, commit, component = names
    counted = tallies(outcomes)
    return Report(
        repository=repository,
        commit=commit,
        component=component,
        manifest=manifest,
        standards=tuple(judge(standard, outcomes, counted) for standard in standards),
        findings=findings(outcomes, standards, counted),
    )
