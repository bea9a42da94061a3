"""Decisions can be undone for a short while, as long as nothing has happened since."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from django.db.models import F

from dashboard.models import (
    Adoption,
    Attestation,
    AuditEntry,
    Concession,
    Membership,
    Repository,
    Scan,
    ScanState,
    Standard,
    Waiver,
    WaiverState,
)
from dashboard.services import standards
from dashboard.services.undoing import MINUTES, UndoError, undo
from tests.dashboard import rows
from tests.dashboard.test_attestations import RULES as ATTESTED
from tests.dashboard.test_conflicts import LOUD, PAIR, QUIET
from tests.dashboard.test_waivers import RULES, scan
from tests.dashboard.views.conftest import House
from tests.dashboard.views.test_attestations import SAID
from tests.dashboard.views.test_versions import LATER
from tests.dashboard.views.test_waivers import said

OFFER = re.compile(r'name="entries" value="([\d,]+)">.*?name="back" value="(.*?)">')


@pytest.fixture
def judged(house: House) -> House:
    """The house with two findings, by a standard that wants a second person."""
    house.repository = rows.repository(house.team, rows.standard(RULES))
    scan(house.repository)
    return house


def _decide(house: House, row: Waiver, action: str) -> str:
    """Decide as the owner and return the page that follows."""
    address = house.page(f"waivers/{row.pk}/decide/")
    form = {"action": action, "words": "Fine."}
    return house.client(house.owner).post(address, form, follow=True).text


def _request(house: House, path: str = "app/") -> Waiver:
    house.client(house.mate).post(house.page("waivers/new/"), said(path_pattern=path))
    return Waiver.objects.latest("pk")


def _offer(page: str) -> dict[str, str]:
    found = OFFER.findall(page)
    assert found, "no way back is offered"
    # Messages of pages that nobody has seen yet stand above.
    entries, back = found[-1]
    return {"entries": entries, "back": html.unescape(back)}


def _undo(house: House, page: str) -> str:
    """Press the button that the page offers."""
    return house.client(house.owner).post("/undo/", _offer(page), follow=True).text


def _active() -> int:
    return Scan.objects.filter(state=ScanState.QUEUED).count()


@pytest.mark.parametrize("action", ["grant", "refuse"])
def test_a_decided_request_waits_again(judged: House, action: str) -> None:
    row = _request(judged)

    page = _undo(judged, _decide(judged, row, action))

    assert "Undone" in page
    row.refresh_from_db()
    assert (row.state, row.approver, row.decided_at, row.decision, row.absorbed) == (
        WaiverState.REQUESTED,
        None,
        None,
        "",
        0,
    )
    assert _active() == (action == "grant")
    entry = AuditEntry.objects.filter(action__endswith=".undone").get()
    assert entry.actor == judged.owner
    assert entry.detail["waiver"] == row.pk


def test_a_waiver_that_was_taken_back_counts_again_as_it_was_granted(judged: House) -> None:
    row = _request(judged)
    _decide(judged, row, "grant")
    scan(judged.repository)
    before = Waiver.objects.values().get()

    page = _decide(judged, row, "revoke")
    assert "Undone" in _undo(judged, page)

    assert Waiver.objects.values().get() == before
    assert _active() == 1


def test_what_was_decided_again_since_is_not_undone(judged: House) -> None:
    row = _request(judged)
    granted = _decide(judged, row, "grant")
    _decide(judged, row, "revoke")

    page = _undo(judged, granted)

    assert "The waiver of" in page
    assert "has changed since, so nothing is undone" in page
    assert Waiver.objects.get().state == WaiverState.REVOKED


def test_a_second_press_changes_nothing(judged: House) -> None:
    row = _request(judged)
    refused = _decide(judged, row, "refuse")
    _undo(judged, refused)
    _decide(judged, row, "refuse")

    # The same state as after the first refusal, but another decision.
    assert "nothing is undone" in _undo(judged, refused)
    assert Waiver.objects.get().state == WaiverState.REFUSED


def test_a_refusal_stands_once_the_same_was_asked_for_anew(judged: House) -> None:
    refused = _decide(judged, _request(judged), "refuse")
    _request(judged)

    assert "asked for again since" in _undo(judged, refused)
    assert set(Waiver.objects.values_list("state", flat=True)) == {"refused", "requested"}


def test_after_a_while_and_for_others_there_is_no_way_back(judged: House) -> None:
    offer = _offer(_decide(judged, _request(judged), "refuse"))
    (entry,) = [int(each) for each in offer["entries"].split(",")]

    with pytest.raises(UndoError, match="nothing of yours"):
        undo([entry], judged.mate)
    with pytest.raises(UndoError, match="nothing of yours"):
        undo([entry, 10**9], judged.owner)
    assert "nothing of yours" in judged.client(judged.owner).post("/undo/", follow=True).text
    Membership.objects.filter(user=judged.owner).update(role="developer")
    with pytest.raises(UndoError, match="You do not lead"):
        undo([entry], judged.owner)
    Membership.objects.filter(user=judged.owner).update(role="lead")
    AuditEntry.objects.update(at=F("at") - timedelta(minutes=MINUTES, seconds=1))
    with pytest.raises(UndoError, match=f"for {MINUTES} minutes"):
        undo([entry], judged.owner)
    assert Waiver.objects.get().state == WaiverState.REFUSED


def test_the_way_back_never_leads_elsewhere(judged: House) -> None:
    offer = _offer(_decide(judged, _request(judged), "refuse"))
    assert offer["back"].startswith(judged.page("waivers/"))
    client = judged.client(judged.owner)

    answer = client.post("/undo/", offer | {"back": "https://evil.example/"})

    assert answer["Location"] == "/"
    assert client.get("/undo/").status_code == 405
    assert judged.client(None).post("/undo/", offer).status_code == 302


def test_who_has_asked_takes_a_request_back(judged: House) -> None:
    row = _request(judged)
    address = judged.page(f"waivers/{row.pk}/decide/")
    mine = judged.client(judged.mate).get(judged.page("waivers/?list=requested")).text
    assert "Take my request back" in mine
    others = judged.client(judged.owner).get(judged.page("waivers/?list=requested")).text
    assert "Take my request back" not in others

    withdraw = {"action": "withdraw"}
    page = judged.client(judged.owner).post(address, withdraw, follow=True).text
    assert "no request of yours" in page
    page = judged.client(judged.mate).post(address, withdraw, follow=True).text

    assert "Your request is taken back." in page
    assert Waiver.objects.get().state == WaiverState.WITHDRAWN


# --- attestations, contradictions, standards


@pytest.fixture
def asked(house: House) -> House:
    """The house, whose standard wants two things attested."""
    standards.adopt(house.repository, [house.standard, rows.standard(ATTESTED)], house.owner)
    return house


def test_a_word_that_replaced_another_gives_way_to_it_again(asked: House) -> None:
    client, address = asked.client(asked.owner), asked.page("attestations/")
    client.post(address, SAID)
    first = Attestation.objects.get()
    page = client.post(address, SAID | {"statement": "Each month."}, follow=True).text

    assert "Undone" in _undo(asked, page)

    (counting,) = Attestation.objects.filter(withdrawn_at__isnull=True)
    assert counting == first


def test_a_word_that_was_taken_back_counts_again_unless_there_is_a_newer(asked: House) -> None:
    client, address = asked.client(asked.owner), asked.page("attestations/")
    client.post(address, SAID)
    record = Attestation.objects.get()
    withdrawn = client.post(f"{address}{record.pk}/withdraw/", follow=True).text
    assert "Undone" in _undo(asked, withdrawn)
    record.refresh_from_db()
    assert record.withdrawn_at is None

    withdrawn = client.post(f"{address}{record.pk}/withdraw/", follow=True).text
    client.post(address, SAID)
    assert "What is attested" in _undo(asked, withdrawn)
    assert Attestation.objects.filter(withdrawn_at__isnull=True).count() == 1


def test_a_decided_contradiction_is_open_again(house: House) -> None:
    standards.adopt(house.repository, [rows.standard(LOUD), rows.standard(QUIET)], house.owner)
    client, address = house.client(house.owner), house.page("conflicts/")
    first = client.post(address, {"everywhere": "loud"}, follow=True).text
    kept = Concession.objects.values_list("standard_slug", "author")[0]
    second = client.post(address, {f"pair:{PAIR}": "quiet/QT-1"}, follow=True).text

    assert "What gives way" in _undo(house, first)
    assert "Undone" in _undo(house, second)
    assert Concession.objects.values_list("standard_slug", "author").get() == kept


def test_a_version_that_was_adopted_in_many_is_given_up_in_all_or_none(house: House) -> None:
    other = rows.repository(house.team, house.standard)
    Adoption.objects.filter(repository=other).update(fresh={"HR-2": "2030-01-01"})
    later = rows.standard(LATER)
    client, address = house.client(house.owner), "/standards/house-rules/versions/adopt/"
    form = {"version": later.version, "repository": [house.repository.pk, other.pk]}
    page = client.post(address, form, follow=True).text
    assert "Adopted in 2 repositories" in page
    assert _offer(page)["entries"].count(",") == 1
    standards.adopt(other, [], house.mate)

    assert "What is adopted" in _undo(house, page)
    assert house.repository.adoptions.get().standard == later

    standards.adopt(other, [house.standard], house.mate)
    form["repository"] = [other.pk]
    Adoption.objects.filter(repository=other).update(fresh={"HR-2": "2030-01-01"})
    page = client.post(address, form, follow=True).text
    assert "Undone" in _undo(house, page)
    back = other.adoptions.get()
    assert (back.standard, back.fresh) == (house.standard, {"HR-2": "2030-01-01"})


def test_settings_offer_a_way_back_only_where_it_goes_all_the_way(house: House) -> None:
    client = house.client(house.owner)
    name = house.repository.name
    more = rows.standard(QUIET)
    form = {"name": name, "branch": "", "standards": [house.standard.pk, more.pk]}

    page = client.post(house.page("settings/"), form, follow=True).text
    assert "Undone" in _undo(house, page)
    assert house.repository.adoptions.get().standard == house.standard

    page = client.post(house.page("settings/"), form | {"name": "Shop"}, follow=True).text
    assert Repository.objects.filter(name="Shop").exists()
    assert not OFFER.search(page)
    assert Standard.objects.filter(adoptions__repository=house.repository).count() == 2
