"""Three people and a repository: what every page is asked with."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from django.test import Client

from checks import model as engine
from checks.facts.version import rules_version
from checks.model import Observation, Outcome
from checks.outcomes import pack
from checks.report import json as report_json
from checks.rules.specs import specs
from dashboard import queue
from dashboard.models import (
    Branch,
    Repository,
    Scan,
    Standard,
    StoredReport,
    Team,
    Trigger,
    User,
)
from dashboard.services import lease, results, scanning
from tests.dashboard import rows

HTMX = {"HX-Request": "true"}


@dataclass
class House:
    """A team with an owner, a developer and a viewer; a stranger; one repository."""

    team: Team
    owner: User
    mate: User
    viewer: User
    stranger: User
    standard: Standard
    repository: Repository
    rung: list[str] = field(default_factory=list)

    def client(self, person: User | None) -> Client:
        """A browser in which the person is signed in; None for nobody."""
        client = Client()
        if person is not None:
            client.force_login(person)
        return client

    def page(self, name: str = "") -> str:
        """Address of a page of the repository."""
        return f"/r/{self.repository.slug}/{name}"

    def scan(
        self,
        *findings: engine.Finding,
        score: float | None = 80.0,
        skipped: tuple[engine.Skipped, ...] = (),
        states: dict[str, engine.CheckState] | None = None,
        anatomy: bytes = b"",
    ) -> Scan:
        """Store the result of a scan through the real services, and return it."""
        asked = scanning.request(self.repository, Trigger.PUSH)
        held = lease.claim(asked.pk)
        assert held
        self.finish(held, *findings, score=score, skipped=skipped, states=states, anatomy=anatomy)
        return Scan.objects.get(pk=asked.pk)

    def finish(
        self,
        held: lease.Lease,
        *findings: engine.Finding,
        score: float | None = 80.0,
        skipped: tuple[engine.Skipped, ...] = (),
        states: dict[str, engine.CheckState] | None = None,
        anatomy: bytes = b"",
    ) -> None:
        """Store the result of the scan that is held."""
        report = rows.report(
            self.standard.version, *findings, score=score, skipped=skipped, states=states
        )
        branch = Branch.objects.get(scans=held.pk)
        held.write(commit=report.commit, commit_subject="Say <b>hello</b>", wanted=branch.wanted)
        component = self.repository.components.judged().get()
        data = report_json.render(report).encode()
        judged = results.Judged(component, report, data, anatomy=anatomy)
        results.store(held, [judged], [self.standard], {"review": 1.5})
        self.repository.refresh_from_db()


@pytest.fixture
def house(db: None, monkeypatch: pytest.MonkeyPatch) -> House:
    """Return the house; what would ring the broker is noted instead."""
    owner, mate, viewer, stranger = (rows.user() for _ in range(4))
    team = rows.team(owner=owner, developer=mate, viewer=viewer)
    rows.team(owner=stranger)
    standard = rows.standard()
    house = House(team, owner, mate, viewer, stranger, standard, rows.repository(team, standard))

    def ring(task: str, args: list[int]) -> bool:
        house.rung.append(task)
        return True

    monkeypatch.setattr(queue, "ring", ring)
    return house


def answers() -> bytes:
    """Two printing functions of ten, and no broad except."""
    seen = tuple(
        Observation(path="app/main.py", line=line, message="It prints.", anchor=str(line))
        for line in (3, 8)
    )
    found = {"no-print": seen, "no-broad-except": ()}
    keys = {name: specs()[name].key({}) for name in found}
    return pack(
        {
            key: Outcome(check=name, params=key[1], sites=10, observations=found[name])
            for name, key in keys.items()
        }
    )


@pytest.fixture
def judged(house: House) -> House:
    """The house with a result and its answers."""
    house.scan(rows.finding("a" * 32))
    StoredReport.objects.update(answers=answers())
    Scan.objects.update(ruling={"engine": rules_version()})
    Standard.objects.update(team=house.team)
    return house
