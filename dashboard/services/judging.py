"""By what a repository is judged, and one component judged by it: for scans and for the past."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings

from checks.report import json as report_json
from checks.review import review
from dashboard.services import facts, rollout, tables
from dashboard.services.results import Judged

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    import checks.standard as engine
    from checks.reading import Progress
    from checks.source import Source
    from dashboard.models import Component, Repository, Standard


@dataclass(frozen=True, slots=True)
class Ruling:
    """By what a commit is judged.

    Attributes:
        rows: The adopted versions.
        standards: The same as they count for the repository on a day.
        attested: What leads have attested, in the form the library reads.
        tables: Dated data of the product.
    """

    rows: Sequence[Standard]
    standards: Sequence[engine.Standard]
    attested: Sequence[Mapping[str, Any]]
    tables: Mapping[str, Any]


def ruling(repository: Repository, day: date, attested: Sequence[Mapping[str, Any]] = ()) -> Ruling:
    """Return by what the repository is judged on a day.

    Raises:
        checks.standard.StandardError: A stored text asks for what this release cannot read.
    """
    asked = rollout.asked(repository, day)
    return Ruling(
        [row for row, _ in asked], [standard for _, standard in asked], attested, tables.load()
    )


def judge(
    component: Component,
    source: Source,
    ruling: Ruling,
    progress: Progress | None = None,
) -> Judged:
    """Judge one component of one commit, as the command line would.

    Raises:
        checks.errors.InputError: The repository or the component cannot be read.
    """
    answers = bytearray()
    report = review(
        source,
        ruling.standards,
        repository=component.repository.slug,
        component=component.path,
        facts_store=facts.store(),
        jobs=settings.ANALYSIS_JOBS,
        attestations=ruling.attested,
        tables=ruling.tables,
        progress=progress,
        take=answers.extend,
    )
    return Judged(component, report, report_json.rendered(report), bytes(answers))
