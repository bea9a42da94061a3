"""From the answers of the checks to a report: judged, counted and named. Reads no repository.

Whoever kept the answers can judge them again by other standards without looking at the code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from msgspec import UNSET

from checks.cycles import unsearched
from checks.fingerprint import findings
from checks.hidden import governed
from checks.model import Manifest, Outcome, Report, StandardResult
from checks.outcomes import unpack
from checks.rules.specs import Key
from checks.scoring import Tally, tallies
from checks.standard import Standard
from checks.verdict import judge
from checks.waivers import Applied, Waiver, apply, within


@unsearched()
def compose(
    names: tuple[str, str, str],
    manifest: Manifest,
    outcomes: Mapping[Key, Outcome],
    standards: Sequence[Standard],
    waivers: Sequence[Waiver] = (),
    on: date | None = None,
) -> Report:
    """The report that some answers make.

    Args:
        names: Repository, commit and component, as the report names them.
        manifest: What was looked at.
        outcomes: Answers by check id and canonical limits; more than the standards ask for do
            no harm, a missing one is a check that is not built.
        standards: Judged one at a time, in this order.
        waivers: Accepted exceptions, those of other folders among them. What they cover counts in
            the raw score alone.
        on: The day, for waivers that end.
    """
    repository, commit, component = names
    outcomes, standards = governed(outcomes, standards)
    counted = tallies(outcomes)
    results, applied = judged(outcomes, standards, counted, within(waivers, component), on)
    return Report(
        repository=repository,
        commit=commit,
        component=component,
        manifest=manifest,
        standards=results,
        findings=findings(
            outcomes,
            standards,
            counted,
            gain=applied.gain if applied else None,
            waived=applied.waived if applied else None,
        ),
        waivers=applied.results if applied else UNSET,
    )


def judged(
    outcomes: Mapping[Key, Outcome],
    standards: Sequence[Standard],
    counted: Mapping[Key, Tally],
    waivers: Sequence[Waiver],
    on: date | None,
) -> tuple[tuple[StandardResult, ...], Applied | None]:
    """The result of each standard, and what the waivers did where there are any."""
    plain = tuple(judge(standard, outcomes, counted) for standard in standards)
    if not waivers:
        return plain, None
    applied = apply(outcomes, standards, waivers, on)
    return tuple(map(applied.judge, standards, plain)), applied


def again(
    report: Report,
    answers: bytes,
    standards: Sequence[Standard],
    waivers: Sequence[Waiver] = (),
    on: date | None = None,
) -> Report:
    """A report that was made before, with other standards or waivers.

    Args:
        report: What was said of the commit.
        answers: What it was made of, as :mod:`checks.outcomes` packs them.
        standards: Judged one at a time, in this order.
        waivers: Accepted exceptions.
        on: The day, for waivers that end.

    Raises:
        ValueError: The answers cannot be read.
    """
    names = (report.repository, report.commit, report.component)
    return compose(names, report.manifest, unpack(answers), standards, waivers, on)
