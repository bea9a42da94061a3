"""Invented repositories, judged by the real engine: what a sample fleet is made of.

A shape is one invented repository from its first scan to its last. Many repositories of a fleet
have the same shape, as services that were made from one template do; so a fleet costs a few
judgements and many rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from checks.compose import compose
from checks.model import Manifest, Observation, Outcome, Report
from checks.outcomes import pack
from checks.rules.specs import ATTESTATION, specs
from checks.waivers import Waiver
from dashboard.services.sample_anatomy import invent_anatomy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from random import Random

    from checks.rules.specs import Key, Spec
    from checks.standard import Standard

LINES = 160
"""Of every invented file."""
TO_A_FILE = 8
FROM_THE_START = 0.7
FIXED = 0.12
SUPPRESSED = 0.03
NOT_APPLICABLE = 0.08
UNKNOWN = 0.11
MOST_WAIVED = 40
FEATURES = (
    "accounts billing carts catalogue checkout contracts couriers devices events exports feeds"
    " identity imports invoices ledger loyalty messages offers orders payments pricing profiles"
    " quotes refunds reports reviews search sessions shipping stock tariffs tickets"
).split()
LAYERS = "api models repositories schemas services tasks".split()
DEEDS = "archive cancel charge confirm create export fetch list notify refund sync update".split()
ROOT = "app/"
ACCEPTED = "The service is replaced next year."
TOOLS = {"ruff": "sample", "radon": "sample"}


class Site(NamedTuple):
    """An observation, and the scans between which it stands: first seen at, first missing at."""

    key: Key
    seen: Observation
    born: int
    gone: int | None

    def stands(self, stage: int) -> bool:
        """Whether a scan sees it."""
        return self.born <= stage and (self.gone is None or stage < self.gone)


@dataclass(frozen=True)
class Shape:
    """An invented repository.

    Attributes:
        standards: What it has adopted.
        stages: The report of each scan, oldest first.
        answers: What the checks answered at the last, as :mod:`checks.outcomes` packs it.
        waivers: Accepted exceptions, whose ids are numbers from 0 on.
        anatomy: What can be drawn of the last, as :mod:`checks.anatomy` packs it.
        paths: Its files.
        attested: Topics that a lead has given their word on.
        due: Topics on which a word is missing.
    """

    standards: Sequence[Standard]
    stages: Sequence[Report]
    answers: bytes
    waivers: Sequence[Waiver]
    anatomy: bytes
    paths: Sequence[str]
    attested: Sequence[str]
    due: Sequence[str]


def invent(
    standards: Sequence[Standard], open_findings: int, stages: int, today: date, chance: Random
) -> Shape:
    """Return a repository with about so many open findings at its last scan."""
    keys = sorted({key for standard in standards for key in standard.demanded()})
    states = {key: _answer(key, chance) for key in keys}
    asked = [key for key in keys if key[0] != ATTESTATION and states[key].state == "measured"]
    paths = _paths(max(1, open_findings // TO_A_FILE), chance)
    sites = _sites(asked, paths, open_findings, stages, chance)
    waivers = _waivers(sites, today, chance)
    reports = []
    for stage in range(stages):
        outcomes = _outcomes(states, [site for site in sites if site.stands(stage)])
        manifest = Manifest(
            files=len(paths) * 2,
            python_files=len(paths),
            analysed=len(paths),
            skipped=(),
            tools=TOOLS,
            engine="sample",
        )
        reports.append(compose(("", "", ""), manifest, outcomes, standards, waivers, today))
    attested = {topic: states[key] for key in keys if (topic := topic_of(key))}
    return Shape(
        standards=standards,
        stages=reports,
        answers=pack(_outcomes(states, [site for site in sites if site.gone is None])),
        waivers=waivers,
        anatomy=invent_anatomy(paths, LINES, standards, chance),
        paths=paths,
        attested=[topic for topic, word in attested.items() if not word.observations],
        due=[topic for topic, word in attested.items() if word.observations],
    )


def renamed(report: Report, repository: str, commit: str, waivers: Sequence[str]) -> Report:
    """Return a report as if it had been made of that repository, whose waivers are called so."""
    findings = tuple(
        msgspec.structs.replace(each, waived=waivers[int(each.waived)]) if each.waived else each
        for each in report.findings
    )
    results = report.waivers and tuple(
        msgspec.structs.replace(each, id=waivers[int(each.id)]) for each in report.waivers
    )
    return msgspec.structs.replace(
        report, repository=repository, commit=commit, findings=findings, waivers=results
    )


def _answer(key: Key, chance: Random) -> Outcome:
    """What a check answers before any observation."""
    name, params = key
    if name == ATTESTATION:
        due = Observation(message="No lead has given their word on this.")
        missing = (due,) if chance.random() < UNKNOWN else ()
        return Outcome(check=name, params=params, sites=1, observations=missing)
    roll = chance.random()
    if roll < NOT_APPLICABLE:
        nothing = "there is nothing of the kind in this repository"
        return Outcome(check=name, params=params, state="not-applicable", reason=nothing)
    if roll < UNKNOWN:
        unread = "a file that it needs could not be read"
        return Outcome(check=name, params=params, state="unknown", reason=unread)
    return Outcome(check=name, params=params, sites=chance.randrange(10, 200))


def topic_of(key: Key) -> str:
    """Return the topic of an attestation, "" for other checks."""
    return str(msgspec.json.decode(key[1])["topic"]) if key[0] == ATTESTATION else ""


def _paths(count: int, chance: Random) -> list[str]:
    words = [f"{deed}_{chance.choice(FEATURES)}" for deed in DEEDS]
    return sorted(
        f"{ROOT}{chance.choice(FEATURES)}/{chance.choice(LAYERS)}/{chance.choice(words)}_{number}.py"
        for number in range(count)
    )


def _sites(
    asked: Sequence[Key], paths: Sequence[str], count: int, stages: int, chance: Random
) -> list[Site]:
    """Observations spread over a part of the checks: few have many, many have few."""
    failing = chance.sample(asked, max(1, int(len(asked) * chance.uniform(0.1, 0.6))))
    weights = [1 / rank for rank in range(1, len(failing) + 1)]
    fixed = int(count * FIXED) if stages > 1 else 0
    keys = chance.choices(failing, weights, k=count + fixed)
    found = []
    for number, key in enumerate(keys):
        # What is fixed goes before the last scan; some of the rest came on the way.
        late = stages > 1 and chance.random() > FROM_THE_START
        born = chance.randrange(1, stages) if late else 0
        gone = None
        if number < fixed:
            gone = chance.randrange(1, stages)
            born = chance.randrange(gone) if late else 0
        found.append(Site(key, _observed(specs()[key[0]], paths, number, chance), born, gone))
    return sorted(found, key=lambda site: (site.seen.path, site.seen.line))


def _observed(spec: Spec, paths: Sequence[str], number: int, chance: Random) -> Observation:
    path, line = chance.choice(paths), chance.randrange(1, LINES)
    name = f"{chance.choice(DEEDS)}_{chance.choice(FEATURES)}_{number}"
    return Observation(
        path=path,
        line=line,
        end_line=min(LINES, line + chance.randrange(4)),
        column=5,
        symbol=f"{path.removesuffix('.py').replace('/', '.')}:{name}",
        message=f"`{name}`: {spec.title[:1].lower()}{spec.title[1:]}.",
        measured=str(chance.randrange(11, 40)),
        limit="10",
        suppressed=chance.random() < SUPPRESSED,
        anchor=name,
    )


def _waivers(sites: Sequence[Site], today: date, chance: Random) -> list[Waiver]:
    """Every other repository has accepted what one check finds."""
    counts: dict[str, int] = {}
    for site in sites:
        counts[site.key[0]] = counts.get(site.key[0], 0) + 1
    stand = {each.key[0] for each in sites if each.gone is None and not each.seen.suppressed}
    few = sorted(check for check in stand if counts[check] <= MOST_WAIVED)
    if not few or chance.random() < 0.5:
        return []
    check = chance.choice(few)
    return [
        Waiver(
            id="0",
            path=ROOT,
            check=check,
            reason=ACCEPTED,
            expires=today + timedelta(days=chance.randrange(5, 200)),
            absorbed=counts[check],
        )
    ]


def _outcomes(states: Mapping[Key, Outcome], sites: Sequence[Site]) -> dict[Key, Outcome]:
    seen: dict[Key, list[Observation]] = {}
    for site in sites:
        seen.setdefault(site.key, []).append(site.seen)
    return {
        key: msgspec.structs.replace(
            outcome, sites=outcome.sites + len(seen[key]), observations=tuple(seen[key])
        )
        if key in seen
        else outcome
        for key, outcome in states.items()
    }
