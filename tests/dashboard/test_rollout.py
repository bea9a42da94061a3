"""New clauses never bite on the day they appear; repositories are judged when a day has come."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.utils import timezone

from dashboard.models import Adoption, Clause, Repository, Scan, Trigger
from dashboard.services import rollout, standards
from tests.dashboard import rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]

NEWER = (
    rows.HOUSE_RULES
    + b"""
[[clause]]
id = "HR-3"
requirement = "Functions are short."
strength = "must"
checks = [{ id = "function-length" }]
"""
)


@pytest.fixture
def repository() -> Repository:
    return rows.repository(rows.team(), rows.standard())


def _strengths(repository: Repository, day: date) -> dict[str, str]:
    ((_, standard),) = rollout.asked(repository, day)
    return {clause.id: clause.strength for clause in standard.clauses}


def _judged_at(repository: Repository, days_ago: int) -> None:
    finished = timezone.now() - timedelta(days=days_ago)
    scan = Scan.objects.create(
        repository=repository,
        branch=repository.branches.get_or_create(name="main")[0],
        number=repository.scans.count() + 1,
        trigger=Trigger.PUSH,
        state="complete",
        started_at=finished,
        finished_at=finished,
    )
    Repository.objects.filter(pk=repository.pk).update(last_scan=scan, scan_count=scan.number)


def test_what_a_renewal_brings_along_costs_nothing_for_a_while(repository: Repository) -> None:
    standards.adopt(repository, [rows.standard(NEWER)], None)
    adoption = Adoption.objects.get(repository=repository)
    begins = timezone.localdate() + standards.GRACE

    assert adoption.fresh == {"HR-3": begins.isoformat()}
    assert _strengths(repository, begins - timedelta(days=1)) == {
        "HR-1": "must", "HR-2": "should", "HR-3": "may",
    }  # fmt: skip
    assert _strengths(repository, begins)["HR-3"] == "must"


def test_a_second_renewal_does_not_cut_the_grace_short(repository: Repository) -> None:
    standards.adopt(repository, [rows.standard(NEWER)], None)
    begins = Adoption.objects.get(repository=repository).fresh

    again = NEWER.replace(b"Functions are short.", b"Functions stay short.")
    standards.adopt(repository, [rows.standard(again)], None)

    assert Adoption.objects.get(repository=repository).fresh == begins


def test_a_first_adoption_counts_at_once(repository: Repository) -> None:
    assert Adoption.objects.get(repository=repository).fresh == {}
    assert _strengths(repository, timezone.localdate())["HR-1"] == "must"


def test_a_repository_is_judged_again_when_the_grace_is_over(repository: Repository) -> None:
    standards.adopt(repository, [rows.standard(NEWER)], None)
    _judged_at(repository, 2)
    assert rollout.judge_begun() == 0

    today = timezone.localdate().isoformat()
    Adoption.objects.filter(repository=repository).update(fresh={"HR-3": today})

    assert rollout.judge_begun() == 1
    assert rollout.judge_begun() == 0


@pytest.mark.parametrize(("days", "asked"), [(-1, 1), (0, 1), (1, 0), (-5, 0)])
def test_a_repository_is_judged_again_when_a_clause_begins_to_count(
    repository: Repository, days: int, asked: int
) -> None:
    _judged_at(repository, 3)
    day = timezone.localdate() + timedelta(days=days)
    Clause.objects.filter(number="HR-1").update(enforced_from=day)

    assert rollout.judge_begun() == asked
