"""How a repository would be judged under a proposal: from kept answers, without reading it again.

Guarantee: the report is the one that a scan of the same commit makes once the proposal is adopted.
Only what no scan has asked before is asked now, from the facts of the blobs that are kept.
"""

from __future__ import annotations

import zlib
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec

from checks.compose import compose
from checks.errors import InputError
from checks.facts.version import rules_version
from checks.fresh import ask
from checks.gitsource import GitSource
from checks.model import Report
from checks.outcomes import pack, unpack
from checks.standard import Clause, Standard
from checks.verdict import OPEN
from dashboard.models import StoredReport
from dashboard.services import (
    attestations,
    facts,
    gate_turns,
    gates,
    judging,
    mirrors,
    proposals,
    results,
    tables,
    waivers,
)
from dashboard.services.ledger import SAID
from dashboard.services.results import Judged

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from checks.gate import Gate, GateResult
    from checks.model import Finding, Outcome, StandardResult
    from checks.rules.specs import Key
    from checks.standard import ClauseCheck
    from dashboard.models import Component, Repository, Scan
    from dashboard.services.proposals import Proposal
    from dashboard.services.results import Summary

SHOWN = 500
"""Findings of each kind that are kept for a page; all are counted."""


class UnansweredError(Exception):
    """There is no result yet that a proposal could be compared with."""


@dataclass(frozen=True, slots=True)
class Sides:
    """The reports of one component: of the last scan, and under the proposal."""

    component: Component
    before: Report
    after: Report


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a proposal would do to a repository.

    Attributes:
        commit: The judged commit.
        sides: Both reports of each component.
        before: The numbers of the last scan.
        after: The numbers under the proposal.
        asked: Questions that had to be asked anew.
        gate_before: What the gates said of the last scan, as it is stored.
        gate: What the gates would say, None without any.
    """

    commit: str
    sides: Sequence[Sides]
    before: Summary
    after: Summary
    asked: int
    gate_before: dict[str, Any] | None
    gate: GateResult | None


def forecast(repository: Repository, proposal: Proposal, day: date) -> Outlook:
    """Work out how a repository would be judged at the commit of its last scan.

    Raises:
        UnansweredError: It has no result.
        checks.errors.InputError: What was never asked cannot be asked: the copy is unreadable.
        checks.standard.StandardError: A stored text asks for what this release cannot read.
    """
    scan = repository.last_scan
    rows = StoredReport.objects.filter(scan=scan).select_related("component")
    if scan is None or not (kept := list(rows.order_by("component__path"))):
        raise UnansweredError("It has not been judged yet; it is part of this after its next scan.")
    wanted = proposals.asked(repository, proposal, day)
    ruling = judging.Ruling(
        [],
        wanted,
        waivers=waivers.in_force(repository, day),
        on=day,
        names=waivers.names(repository),
    )
    said = judging.said(attestations.in_force(repository), tables.load())
    sides, asked, answered = [], 0, []
    for row in kept:
        before = msgspec.json.decode(zlib.decompress(row.data), type=Report)
        answers = _answers(row, scan, said)
        missing = _missing(wanted, answers)
        if missing:
            answers |= _ask(repository, scan.commit, row.component.path, missing)
            asked += len(missing)
        names = (before.repository, before.commit, before.component)
        after = compose(names, before.manifest, answers, wanted, ruling.accepted, day)
        sides.append(Sides(row.component, before, after))
        answered.append(answers)
    return Outlook(
        commit=scan.commit,
        sides=sides,
        before=results.summarise([each.before for each in sides]),
        after=results.summarise([each.after for each in sides]),
        asked=asked,
        gate_before=scan.gate,
        gate=_gate(repository, sides, answered, ruling),
    )


def _gate(
    repository: Repository,
    sides: Sequence[Sides],
    answered: Sequence[Mapping[Key, Outcome]],
    ruling: judging.Ruling,
) -> GateResult | None:
    """What the gates would say; the commits that they compare with are judged if need be."""
    judged = [Judged(each.component, each.after, b"") for each in sides]
    asked = gates.gates(repository, ruling.standards)
    if gates.compares(repository, asked):
        ruling = replace(
            ruling,
            attested=_attested(repository, sides[0].after.commit, asked),
            tables=tables.load(),
        )
        judged = [
            replace(each, answers=pack(found)) for each, found in zip(judged, answered, strict=True)
        ]
    return gates.judge(repository, judged, ruling)


def _attested(
    repository: Repository, commit: str, asked: Mapping[str, Gate]
) -> Sequence[Mapping[str, Any]]:
    """The words that count for a commit.

    Without a copy *not worse* compares with what was stored, which asks for none of them.
    """
    try:
        source = GitSource(mirrors.at_hand(repository), commit, remember=facts.store())
        return attestations.records(repository, source)
    except InputError:
        if any(gate.no_new_findings for gate in asked.values()):
            raise
        return ()


def _answers(row: StoredReport, scan: Scan, said: Mapping[str, Any]) -> dict[Key, Outcome]:
    """What has been answered before and would be answered alike today; the rest is asked again.

    Of another release that is nothing. What no commit holds, words of leads and dated data, may
    have changed since the scan.
    """
    ruling = scan.ruling or {}
    if ruling.get("engine") != rules_version():
        return {}
    try:
        known = unpack(bytes(row.answers))
    except ValueError:
        return {}
    if ruling.get("said") == said:
        return known
    return {key: outcome for key, outcome in known.items() if key[0] not in SAID}


def _missing(wanted: Iterable[Standard], answers: Mapping[Key, Outcome]) -> list[ClauseCheck]:
    found = {
        check.key: check
        for standard in wanted
        for clause in standard.clauses
        for check in clause.checks
        if check.key not in answers
    }
    return list(found.values())


def _ask(
    repository: Repository, commit: str, component: str, missing: Sequence[ClauseCheck]
) -> dict[Key, Outcome]:
    """Ask what no scan has asked, as a standard of one clause."""
    source = GitSource(mirrors.at_hand(repository), commit, remember=facts.store())
    clause = Clause(
        id="asked",
        section="",
        requirement="",
        strength="may",
        area="",
        automation="automated",
        checks=tuple(missing),
    )
    standard = Standard(slug="asked", title="", version="", summary="", clauses=(clause,))
    said = {"attestations": attestations.records(repository, source), "tables": tables.load()}
    _, outcomes = ask(source, [standard], component, facts.store(), said, jobs=1, progress=None)
    return outcomes


# --- what differs


def differences(outlook: Outlook, proposal: Proposal) -> dict[str, Any]:
    """Return the numbers and the details that a page shows of both sides."""
    appearing = _only([e.after for e in outlook.sides], [e.before for e in outlook.sides])
    vanishing = _only([e.before for e in outlook.sides], [e.after for e in outlook.sides])
    judged = [_standards(each, proposal) for each in outlook.sides]
    rows = [row for each in judged for row in each]
    gate = gates.stored(outlook.gate)
    turned = gate_turns.turns(outlook.gate_before, gate, _origin(proposal))
    return {
        "gates_failing": sum(each["turn"] == "fails" for each in turned),
        "gates_passing": sum(each["turn"] != "fails" for each in turned),
        "gate_turns": turned,
        "new_musts": sum(clause["opens"] for row in rows for clause in row["clauses"]),
        "appearing": len(appearing),
        "vanishing": len(vanishing),
        "details": zlib.compress(
            msgspec.json.encode(
                {
                    "standards": rows,
                    "gate": gate,
                    "appearing": _shown(appearing),
                    "vanishing": _shown(vanishing),
                }
            )
        ),
    }


def _only(here: Sequence[Report], there: Sequence[Report]) -> list[Finding]:
    """Findings that count in these reports and not in the others, component by component."""
    found = []
    for own, other in zip(here, there, strict=True):
        known = {(each.check, each.fingerprint) for each in _counting(other)}
        found += [each for each in _counting(own) if (each.check, each.fingerprint) not in known]
    return found


def _counting(report: Report) -> list[Finding]:
    return [each for each in report.findings if not (each.suppressed or each.waived)]


def _shown(findings: Sequence[Finding]) -> dict[str, Any]:
    return {
        "checks": Counter(each.check for each in findings).most_common(),
        "rows": [
            {
                "check": each.check,
                "path": each.path,
                "line": each.line,
                "message": each.message,
                "clauses": each.clauses,
            }
            for each in findings[:SHOWN]
        ],
    }


def _standards(sides: Sides, proposal: Proposal) -> list[dict[str, Any]]:
    """Both sides of each standard of a component, with the clauses that differ."""
    origin = _origin(proposal)
    titles = {part.standard.slug: part.standard.title for part in proposal.parts}
    before = {each.slug: each for each in sides.before.standards}
    rows = []
    for after in sides.after.standards:
        was = before.pop(origin.get(after.slug, after.slug), None) or before.pop(after.slug, None)
        rows.append(_standard(was, after))
    rows += [_standard(was, None) for was in before.values()]
    for row in rows:
        slug = (row["after"] or row["before"])["slug"]
        row |= {"component": sides.component.path, "slug": slug, "title": titles.get(slug, "")}
    return rows


def _origin(proposal: Proposal) -> dict[str, str]:
    """By the slug of each proposed text the standard whose place it takes."""
    return {part.standard.slug: part.replaces for part in proposal.parts if part.replaces}


def _standard(before: StandardResult | None, after: StandardResult | None) -> dict[str, Any]:
    return {
        "before": _figures(before),
        "after": _figures(after),
        "clauses": _clauses(before, after),
    }


def _figures(result: StandardResult | None) -> dict[str, Any] | None:
    if result is None:
        return None
    names = ("slug", "score", "letter", "open_must", "coverage")
    return {name: getattr(result, name) for name in names}


def _clauses(before: StandardResult | None, after: StandardResult | None) -> list[dict[str, Any]]:
    was = {clause.id: clause for clause in before.clauses} if before else {}
    becomes = {clause.id: clause for clause in after.clauses} if after else {}
    rows = []
    for name in dict.fromkeys([*becomes, *was]):
        old, new = was.get(name), becomes.get(name)
        seen = [each and (each.strength, each.verdict, each.score) for each in (old, new)]
        if seen[0] == seen[1]:
            continue
        opened = new is not None and new.strength == "must" and new.verdict in OPEN
        open_before = old is not None and old.strength == "must" and old.verdict in OPEN
        rows.append(
            {
                "id": name,
                "before": old and [old.strength, old.verdict, old.loss],
                "after": new and [new.strength, new.verdict, new.loss],
                "opens": opened and not open_before,
            }
        )
    return rows
