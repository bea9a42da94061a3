"""What ends soon: told once as an event, and shown to those whom it concerns."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest
from django.utils import timezone
from structlog.testing import capture_logs

from dashboard import queue
from dashboard.models import Attestation, AuditEntry, PeriodicRun, User, Waiver
from dashboard.services import endings, sweeping
from tests.dashboard import rows
from tests.dashboard.views.conftest import House


def waiver(house: House, days: int | None, **fields: object) -> Waiver:
    end = None if days is None else timezone.localdate() + timedelta(days=days)
    said = {"author": house.mate, "state": "granted", "reason": "Old client.", "matched": 2}
    return Waiver.objects.create(
        repository=house.repository,
        scope="path",
        path_pattern="app/",
        expires_on=end,
        **(said | fields),
    )


def word(house: House, days: int, author: User | None = None) -> Attestation:
    day = timezone.localdate() + timedelta(days=days)
    return Attestation.objects.create(
        repository=house.repository,
        topic="secret-rotation",
        statement="Rotated each quarter.",
        author=author or house.owner,
        # At noon: an hour from now would be another day in the last hour of each.
        expires_at=timezone.make_aware(datetime.combine(day, time(12))),
    )


@pytest.mark.django_db(transaction=True)
def test_an_end_that_is_near_is_noted_once(house: House) -> None:
    near, said = waiver(house, 12), word(house, 20)
    waiver(house, 31)
    waiver(house, None)
    waiver(house, -1)
    waiver(house, 3, state="requested")
    word(house, 40)

    with capture_logs() as logged:
        assert endings.announce() == 2
        assert endings.announce() == 0

    slug = house.repository.slug
    assert [each for each in logged if "ends soon" in each["event"]] == [
        {
            "event": "waiver ends soon",
            "log_level": "info",
            "repository": slug,
            "days": 12,
            "waiver": near.pk,
        },
        {
            "event": "attestation ends soon",
            "log_level": "info",
            "repository": slug,
            "days": 20,
            "topic": said.topic,
        },
    ]
    noted = AuditEntry.objects.filter(action__endswith=".ending").order_by("action")
    assert [(each.action, each.detail["days"], each.actor) for each in noted] == [
        ("attestation.ending", 20, None),
        ("waiver.ending", 12, None),
    ]


def test_the_sweep_announces_once_a_day(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "ring", lambda *_: True)
    sweeping.sweep()
    near = waiver(house, 12)
    PeriodicRun.objects.filter(name="sweep").update(last_run=None)
    sweeping.sweep()
    near.refresh_from_db()
    assert near.announced_at is None

    past = timezone.now() - timedelta(days=2)
    PeriodicRun.objects.filter(name__in=["sweep", "announce"]).update(last_run=past)
    sweeping.sweep()
    near.refresh_from_db()
    assert near.announced_at is not None


def test_who_asked_who_granted_and_who_leads_see_it_and_nobody_else(house: House) -> None:
    granter = rows.user()
    house.team.memberships.create(user=granter, role="viewer")
    near = waiver(house, 12, approver=granter)
    word(house, 1)
    link = f'href="{house.page("waivers/")}?waiver={near.pk}"'

    for person, total in ((house.mate, 1), (granter, 1), (house.owner, 2)):
        mine = house.client(person).get("/me/").content.decode()
        assert f'Ending soon <span class="soft">{total}</span>' in mine
        assert f"{link} data-row>A waiver expires in 12 days</a>" in mine
        assert "2 findings count again then" in mine
        assert ("An attestation expires tomorrow" in mine) == (person == house.owner)
        front = house.client(person).get("/").content.decode()
        assert f'<a href="/me/#ending">{total} waiver' in front
        listed = house.client(person).get("/waivers/?list=expiring&mine=1").content.decode()
        assert f'id="waiver-{near.pk}"' in listed
        assert ", expires in 12 days</dd>" in listed

    viewer = house.client(house.viewer)
    assert "Ending soon" not in viewer.get("/me/").content.decode()
    assert "#ending" not in viewer.get("/").content.decode()
    assert 'id="waiver-' not in viewer.get("/waivers/?list=expiring&mine=1").content.decode()
    assert 'id="waiver-' in viewer.get("/waivers/?list=expiring").content.decode()
    assert "#ending" not in house.client(house.stranger).get("/").content.decode()


def test_more_than_fit_lead_to_all_of_them(house: House) -> None:
    for days in range(12):
        waiver(house, days)

    mine = house.client(house.mate).get("/me/").content.decode()

    assert mine.count(">A waiver expires ") == endings.SHOWN
    assert "A waiver expires today</a>" in mine
    assert '<a href="/waivers/?list=expiring&amp;mine=1">All 12 waivers' in mine
