"""Standards that contradict each other: which clause gives way, and what a scan makes of it."""

from __future__ import annotations

from datetime import date

import pytest

from checks.memorysource import MemorySource
from checks.review import review
from dashboard.models import AuditEntry, Repository, Trigger, User
from dashboard.services import conflicts, rollout, standards
from tests.dashboard import rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]

LOUD = b"""
slug = "loud"
title = "Loud"

[[clause]]
id = "LD-1"
requirement = "Everything is printed."
strength = "must"
checks = [{ id = "no-print" }]
conflicts = ["QT-1"]

[[clause]]
id = "LD-2"
requirement = "Nothing else."
strength = "should"
checks = [{ id = "no-broad-except" }]
"""
QUIET = b"""
slug = "quiet"
title = "Quiet"

[[clause]]
id = "QT-1"
requirement = "Nothing is printed."
strength = "must"
checks = [{ id = "no-print" }]
conflicts = ["LD-1"]
"""
PAIR = "loud/LD-1|quiet/QT-1"


@pytest.fixture
def repository(lead: User) -> Repository:
    return rows.repository(rows.team(lead=lead), rows.standard(LOUD), rows.standard(QUIET))


def test_a_pair_is_found_once_whichever_side_names_it(repository: Repository) -> None:
    (pair,) = conflicts.pairs(repository)

    assert pair.name == PAIR
    assert not pair.yielding
    assert conflicts.undecided(repository) == 1


def test_one_standard_alone_contradicts_nothing(lead: User) -> None:
    alone = rows.repository(rows.team(lead=lead), rows.standard(LOUD))

    assert conflicts.pairs(alone) == []


def test_what_gives_way_asks_for_nothing_and_the_other_still_counts(
    repository: Repository, lead: User
) -> None:
    assert conflicts.decide(repository, {PAIR: "loud/LD-1"}, lead)

    gives_way = conflicts.yielding(repository)
    assert gives_way == {"loud": {"LD-1": "QT-1"}}
    asked = [standard for _, standard in rollout.asked(repository, date(2026, 1, 1))]
    source = MemorySource.of({"app/main.py": "print('hello')\n"}, time=0)
    report = review(source, asked, repository="shop")
    verdicts = {
        clause.id: clause.verdict for standard in report.standards for clause in standard.clauses
    }
    assert verdicts["LD-1"] == "not-applicable"
    assert verdicts["QT-1"] == "fails"
    assert repository.scans.get().trigger == Trigger.CONFLICTS
    noted = AuditEntry.objects.get(action="repository.conflicts").detail
    assert noted["decided"] == {PAIR: "loud/LD-1"}


def test_a_pair_is_settled_by_what_gives_way_in_another(lead: User) -> None:
    third = QUIET.replace(b"quiet", b"silent").replace(b"QT-1", b"SL-1")
    repository = rows.repository(
        rows.team(lead=lead), rows.standard(LOUD), rows.standard(QUIET), rows.standard(third)
    )
    assert conflicts.undecided(repository) == 2

    conflicts.decide(repository, {PAIR: "loud/LD-1"}, lead)

    assert conflicts.undecided(repository) == 0
    assert [pair.elsewhere for pair in conflicts.pairs(repository)] == ["LD-1", "LD-1"]


def test_a_decision_can_be_turned_and_taken_back(repository: Repository, lead: User) -> None:
    conflicts.decide(repository, {PAIR: "loud/LD-1"}, lead)
    assert not conflicts.decide(repository, {PAIR: "loud/LD-1"}, lead)

    conflicts.decide(repository, {PAIR: "quiet/QT-1"}, lead)
    assert conflicts.yielding(repository) == {"quiet": {"QT-1": "LD-1"}}

    conflicts.decide(repository, {PAIR: ""}, lead)
    assert conflicts.yielding(repository) == {}


def test_a_decision_rests_while_the_other_standard_is_not_adopted(
    repository: Repository, lead: User
) -> None:
    conflicts.decide(repository, {PAIR: "loud/LD-1"}, lead)

    loud = [row.standard for row in repository.adoptions.all() if row.slug == "loud"]
    standards.adopt(repository, loud, lead)

    assert conflicts.yielding(repository) == {}


def test_a_decision_rests_when_the_contradiction_is_gone(
    repository: Repository, lead: User
) -> None:
    conflicts.decide(repository, {PAIR: "loud/LD-1"}, lead)
    agreed = [rows.standard(text.replace(b"conflicts", b"# conflicts")) for text in (LOUD, QUIET)]

    standards.adopt(repository, agreed, lead)

    assert conflicts.yielding(repository) == {}


@pytest.mark.parametrize("choice", ["loud/LD-2", "nobody/NB-1", "quiet/LD-1"])
def test_a_clause_of_another_pair_decides_nothing(
    repository: Repository, lead: User, choice: str
) -> None:
    assert not conflicts.decide(repository, {PAIR: choice}, lead)
    assert not conflicts.decide(repository, {"a|b": "loud/LD-1"}, lead)
