"""By what a repository is judged, and one component judged by it: for scans and for the past."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from django.conf import settings

from checks import rollout as engine_rollout
from checks.compose import again, compose
from checks.facts.version import rules_version
from checks.fingerprint import anchors
from checks.fresh import ask
from checks.report import json as report_json
from checks.review import review
from checks.standard import StandardError
from checks.waivers import followed
from dashboard.models import DatedTable, Standard
from dashboard.services import facts, rollout, standards, tables
from dashboard.services.results import Judged

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    import checks.standard as engine
    from checks.facts.store import FactStore
    from checks.model import Report
    from checks.reading import Progress
    from checks.source import Source
    from checks.waivers import Waiver
    from dashboard.models import Component, Repository


@dataclass(frozen=True, slots=True)
class Ruling:
    """By what a commit is judged.

    Attributes:
        rows: The adopted versions.
        standards: The same as they count for the repository on a day.
        attested: What leads have attested, in the form the library reads.
        tables: Dated data of the product.
        waivers: Accepted exceptions, those of single findings by what stays when code moves.
        on: The day, for waivers that end.
        names: What these findings are called in the judged commit.
    """

    rows: Sequence[Standard]
    standards: Sequence[engine.Standard]
    attested: Sequence[Mapping[str, Any]] = ()
    tables: Mapping[str, Any] = field(default_factory=dict)
    waivers: Sequence[Waiver] = ()
    on: date | None = None
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def accepted(self) -> Sequence[Waiver]:
        """The waivers as the library matches them."""
        return followed(self.waivers, self.names)

    def kept(self, folders: Sequence[str]) -> dict[str, Any]:
        """Return what a later scan needs to tell what has changed since, as JSON.

        Args:
            folders: The components that are to be judged.
        """
        return {
            "engine": rules_version(),
            "folders": sorted(folders),
            "standards": [
                _kept(row, standard)
                for row, standard in zip(self.rows, self.standards, strict=True)
            ],
            "said": said(self.attested, self.tables),
            "waivers": msgspec.to_builtins(list(self.waivers)),
            "on": self.on.isoformat() if self.on else None,
        }


def said(attested: Sequence[Mapping[str, Any]], tables: Mapping[str, Any]) -> dict[str, Any]:
    """Return what tells words of leads and dated data from those of another day, as JSON."""
    return {"attested": _digest(attested), "tables": _versions(tables)}


def ruling(
    repository: Repository,
    day: date,
    attested: Sequence[Mapping[str, Any]] = (),
    waivers: Sequence[Waiver] = (),
    names: Mapping[str, str] | None = None,
) -> Ruling:
    """Return by what the repository is judged on a day.

    Args:
        repository: What is judged.
        day: When.
        attested: What leads have attested.
        waivers: Accepted exceptions.
        names: What their findings are called.

    Raises:
        checks.standard.StandardError: A stored text asks for what this release cannot read.
    """
    asked = rollout.asked(repository, day)
    return Ruling(
        [row for row, _ in asked],
        [standard for _, standard in asked],
        attested,
        tables.load(),
        waivers,
        day if waivers else None,
        names or {},
    )


def judge(
    component: Component,
    source: Source,
    ruling: Ruling,
    progress: Progress | None = None,
    took: Callable[[Mapping[str, float]], None] | None = None,
    store: FactStore | None = None,
    *,
    draw: bool = False,
) -> Judged:
    """Judge one component of one commit, as the command line would.

    Args:
        component: What is judged.
        source: Its repository at the commit.
        ruling: By what.
        progress: Told about each phase.
        took: Given the CPU seconds of each check.
        store: Where facts are kept; None for the store of this machine.
        draw: Whether pages are to draw the commit; what is only compared goes without.

    Raises:
        checks.errors.InputError: The repository or the component cannot be read.
    """
    answers, anatomy = bytearray(), bytearray()
    report = review(
        source,
        ruling.standards,
        repository=component.repository.slug,
        component=component.path,
        facts_store=facts.store() if store is None else store,
        jobs=settings.ANALYSIS_JOBS,
        attestations=ruling.attested,
        tables=ruling.tables,
        progress=progress,
        take=answers.extend,
        took=took,
        draw=anatomy.extend if draw else None,
    )
    if ruling.waivers:
        report = again(report, bytes(answers), ruling.standards, ruling.accepted, ruling.on)
    return Judged(
        component,
        report,
        report_json.rendered(report),
        bytes(answers),
        surroundings=source.surroundings(),
        anatomy=bytes(anatomy),
    )


def waived(judged: Judged, ruling: Ruling) -> Judged:
    """Return a judgement that was made without waivers as the ruling's make it."""
    if not ruling.waivers:
        return judged
    report = again(judged.report, judged.answers, ruling.standards, ruling.accepted, ruling.on)
    return replace(judged, report=report, data=report_json.rendered(report))


class Looked(NamedTuple):
    """What was found in a folder of an earlier commit, and what its checks call the places."""

    report: Report
    anchors: Mapping[tuple[str, str], str]


def review_past(component: Component, source: Source, ruling: Ruling) -> Looked:
    """Judge a commit that nobody will ask for again: the same report, and nothing is remembered.

    Raises:
        checks.errors.InputError: The repository or the component cannot be read.
    """
    beside = {"attestations": ruling.attested, "tables": ruling.tables}
    jobs, path = settings.ANALYSIS_JOBS, component.path
    store = facts.store()
    manifest, answers = ask(source, ruling.standards, path, store, beside, jobs=jobs, progress=None)
    names = (component.repository.slug, source.commit, path)
    report = compose(names, manifest, answers, ruling.standards, ruling.accepted, ruling.on)
    return Looked(report, anchors(answers))


def earlier_standards(kept: Mapping[str, Any]) -> list[engine.Standard] | None:
    """Return the standards of an earlier ruling as they counted then; None when they are gone."""
    slugs = {each["slug"] for each in kept["standards"]}
    rows = {(row.slug, row.version): row for row in Standard.objects.filter(slug__in=slugs)}
    found = []
    for each in kept["standards"]:
        row = rows.get((each["slug"], each["version"]))
        if row is None:
            return None
        try:
            text = standards.parsed(row)
        except StandardError:
            return None
        text = engine_rollout.advisory(text, each["advisory"])
        found.append(engine_rollout.without(text, each["silent"]))
    return found


def _kept(row: Standard, standard: engine.Standard) -> dict[str, Any]:
    """Which version, and which of its clauses cost nothing or asked for nothing."""
    written = {clause.id: clause for clause in standards.parsed(row).clauses}
    counted = standard.clauses
    return {
        "slug": row.slug,
        "version": row.version,
        "advisory": [c.id for c in counted if c.strength != written[c.id].strength],
        "silent": [c.id for c in counted if not c.checks and written[c.id].checks],
    }


def _digest(attested: Sequence[Mapping[str, Any]]) -> str:
    text = msgspec.json.encode([dict(each) for each in attested], order="sorted", enc_hook=str)
    return hashlib.sha256(text).hexdigest()[:32]


def _versions(loaded: Mapping[str, Any]) -> dict[str, str]:
    """When each table that was used was brought up to date; the data itself is long."""
    rows = DatedTable.objects.filter(name__in=loaded).values_list("name", "updated_at")
    return {name: updated.isoformat() for name, updated in rows}
