"""What rows promise whoever reads or writes them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction

from checks.standard import shipped
from dashboard.models import (
    Adoption,
    Clause,
    Finding,
    PeriodicRun,
    Repository,
    Role,
    Scan,
    ScanState,
    Standard,
    Team,
    Trigger,
    User,
    WebhookDelivery,
    Worker,
)
from dashboard.services import scanning, standards
from tests.dashboard import rows

pytestmark = pytest.mark.django_db


def test_a_member_sees_the_repositories_of_the_team_and_a_stranger_none() -> None:
    member, stranger = rows.user(), rows.user()
    mine = rows.repository(rows.team(viewer=member))
    rows.repository(rows.team(viewer=stranger))

    assert list(Repository.objects.visible_to(member)) == [mine]
    assert not Repository.objects.visible_to(stranger).filter(pk=mine.pk).exists()
    assert not Repository.objects.visible_to(AnonymousUser()).exists()


def test_an_administrator_sees_every_repository() -> None:
    rows.repository()
    administrator = rows.user(is_superuser=True)

    assert Repository.objects.visible_to(administrator).count() == Repository.objects.count()


def test_a_person_who_left_or_was_barred_sees_nothing_at_once() -> None:
    member = rows.user()
    team = rows.team(owner=member)
    rows.repository(team)
    User.objects.filter(pk=member.pk).update(is_active=False)

    assert not Repository.objects.visible_to(User.objects.get(pk=member.pk)).exists()
    User.objects.filter(pk=member.pk).update(is_active=True)
    team.memberships.all().delete()
    assert not Repository.objects.visible_to(User.objects.get(pk=member.pk)).exists()


@pytest.mark.parametrize("role", list(Role))
def test_a_role_includes_the_smaller_ones_and_no_larger(role: Role) -> None:
    member = rows.user()
    team = rows.team(**{role.value: member})
    order = list(Role)

    for asked in order:
        allowed = order.index(asked) <= order.index(role)
        assert member.may(asked, team) is allowed
        assert Team.objects.with_role(member, asked).exists() is allowed


@pytest.mark.parametrize("model", [Scan, Finding])
def test_what_belongs_to_a_repository_is_hidden_with_it(model: type[Scan | Finding]) -> None:
    member, stranger = rows.user(), rows.user()
    repository = rows.repository(rows.team(viewer=member))
    scan = scanning.request(repository, Trigger.MANUAL)
    Finding.objects.create(
        repository=repository,
        component=repository.components.get(),
        check_id="no-print",
        fingerprint="f",
        strength="must",
        severity=0,
        message="m",
        first_scan=scan,
    )

    assert model.objects.visible_to(member).count() == 1
    assert not model.objects.visible_to(stranger).exists()
    assert not WebhookDelivery.objects.visible_to(stranger).exists()


@pytest.mark.parametrize("state", [ScanState.QUEUED, ScanState.RUNNING])
def test_a_repository_has_one_queued_and_one_running_scan(state: ScanState) -> None:
    repository = rows.repository()
    first = scanning.request(repository, Trigger.MANUAL)
    Scan.objects.filter(pk=first.pk).update(state=state)

    with pytest.raises(IntegrityError), transaction.atomic():
        Scan.objects.create(
            repository=repository, branch=first.branch, number=99, trigger="manual", state=state
        )


def test_a_version_of_a_standard_is_stored_once_and_the_last_is_the_newest() -> None:
    first = rows.standard()
    again = rows.standard()
    second = rows.standard(rows.HOUSE_RULES.replace(b"Nothing is", b"Never is anything"))

    assert again.pk == first.pk
    assert list(Standard.objects.newest()) == [second]
    assert Clause.objects.filter(standard=first).count() == 2
    assert standards.parsed(first).version == first.version


def test_every_shipped_standard_becomes_rows_with_all_its_clauses() -> None:
    stored = standards.load_shipped()

    assert {row.slug for row in stored} == {standard.slug for standard in shipped()}
    assert Clause.objects.count() == sum(len(standard.clauses) for standard in shipped())
    assert standards.load_shipped() == stored


def test_a_repository_adopts_one_version_of_a_standard_at_a_time() -> None:
    first = rows.standard()
    second = rows.standard(rows.HOUSE_RULES.replace(b"Nothing is", b"Never is anything"))
    repository = rows.repository(None, first)

    assert standards.adopt(repository, [second], None)
    assert not standards.adopt(repository, [second], None)
    assert [row.standard for row in repository.adoptions.all()] == [second]
    with pytest.raises(IntegrityError), transaction.atomic():
        Adoption.objects.create(repository=repository, standard=first)


def test_the_change_of_a_score_is_worked_out_by_the_database() -> None:
    repository = rows.repository()
    Repository.objects.filter(pk=repository.pk).update(score=80.5, previous_score=78.0)

    assert Repository.objects.get(pk=repository.pk).score_change == pytest.approx(2.5)


def test_a_turn_of_a_periodic_job_is_taken_once() -> None:
    claim = PeriodicRun.objects.claim

    assert claim("job", timedelta(hours=1))
    assert not claim("job", timedelta(hours=1))
    assert claim("other job", timedelta(hours=1))
    assert PeriodicRun.objects.claim_once("first start")
    assert not PeriodicRun.objects.claim_once("first start")


def test_a_worker_that_was_silent_for_long_is_not_alive() -> None:
    Worker.objects.create(name="w")

    assert Worker.objects.alive(timedelta(minutes=1)).exists()
    assert not Worker.objects.alive(timedelta(seconds=-1)).exists()


def test_deleting_a_repository_takes_everything_of_it_along() -> None:
    repository = rows.repository(None, rows.standard())
    scanning.request(repository, Trigger.MANUAL)

    repository.delete()

    assert not Scan.objects.exists()
    assert not Adoption.objects.exists()
