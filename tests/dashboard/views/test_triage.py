"""The findings list as a place of work: groups, views that are kept, waivers asked for at once."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard.models import Finding, SavedView, Waiver, WaiverState
from dashboard.services import saved_views, waiver_batches
from tests.dashboard import rows
from tests.dashboard.views.conftest import HTMX, House

GROUP = re.compile(r'class="grouphead"><th[^>]*><bdi[^>]*>(.*?)</bdi>.*?href="(.*?)">(\d+) finding')


def _fill(house: House) -> None:
    house.scan(
        rows.finding("f1", path="app/a.py"),
        rows.finding("f2", path="app/a.py", line=9),
        rows.finding("f3", path="app/b.py", check="no-broad-except"),
    )
    now = timezone.now()
    Finding.objects.filter(fingerprint="f1").update(
        owners=["@web", "@api"], since=now - timedelta(days=800)
    )
    Finding.objects.filter(fingerprint="f2").update(since=now - timedelta(days=10))


def _list(house: House, query: str = "") -> str:
    return house.client(house.mate).get(house.page(f"findings/{query}")).text


def _groups(house: House, group: str) -> list[tuple[str, int]]:
    return [(name, int(count)) for name, _, count in GROUP.findall(_list(house, f"?group={group}"))]


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("clause", [("HR-1", 2), ("HR-2", 1)]),
        ("check", [("no-print", 2), ("no-broad-except", 1)]),
        ("file", [("app/a.py", 2), ("app/b.py", 1)]),
        ("owner", [("owned by nobody", 2), ("@api", 1), ("@web", 1)]),
        ("age", [("up to a week", 1), ("a week to a month", 1), ("more than a year", 1)]),
    ],
)
def test_a_list_is_grouped_with_the_number_of_each_group(
    house: House, group: str, expected: list[tuple[str, int]]
) -> None:
    _fill(house)

    assert _groups(house, group) == expected


@pytest.mark.parametrize("group", ["clause", "check", "file", "owner", "age"])
def test_the_number_of_a_group_leads_to_as_many_findings(house: House, group: str) -> None:
    _fill(house)
    house.scan(rows.finding("f1", path="app/a.py"), rows.finding("f4", path="", line=0))

    found = GROUP.findall(_list(house, f"?group={group}"))
    assert found
    for _, address, count in found:
        page = _list(house, address.replace("&amp;", "&"))
        assert f"<strong>{count}</strong> finding" in page
        assert "grouphead" not in page


def test_groups_take_the_same_number_of_queries_however_many_there_are(house: House) -> None:
    def count() -> int:
        client = house.client(house.owner)
        with CaptureQueriesContext(connection) as seen:
            client.get(house.page("findings/?group=file"))
        return len(seen)

    house.scan(rows.finding("f1"))
    few = count()
    house.scan(*(rows.finding(f"g{index}", path=f"app/{index}.py") for index in range(30)))

    assert count() == few
    assert len(GROUP.findall(_list(house, "?group=file"))) == 10
    assert len(GROUP.findall(_list(house, "?group=file&page=3"))) == 10


# --- views that are kept


def test_a_view_is_kept_under_a_name_for_its_owner_alone(house: House) -> None:
    _fill(house)
    client = house.client(house.viewer)

    kept = client.post(
        house.page("findings/views/"),
        {"name": " Prints ", "query": "check=no-print&group=file&evil=1"},
    )

    assert kept["Location"] == house.page("findings/?check=no-print&group=file")
    page = client.get(house.page("findings/")).text
    assert 'href="?check=no-print&amp;group=file"' in page
    assert "Prints" in page
    assert "Prints" not in _list(house)


def test_a_view_can_be_replaced_and_forgotten_by_its_owner_alone(house: House) -> None:
    client = house.client(house.viewer)
    for query in ("check=no-print", "check=no-broad-except"):
        client.post(house.page("findings/views/"), {"name": "Mine", "query": query})
    row = SavedView.objects.get()
    assert row.query == "check=no-broad-except"
    address = house.page(f"findings/views/{row.pk}/remove/")

    assert house.client(house.mate).post(address).status_code == 404
    assert client.get(address).status_code == 405
    assert client.post(address, {"query": "sort=path"})["Location"].endswith("?sort=path")
    assert not SavedView.objects.exists()


def test_a_view_without_a_name_and_one_too_many_are_refused_in_words(house: House) -> None:
    client = house.client(house.viewer)
    page = client.post(house.page("findings/views/"), {"name": " "}, follow=True).text
    assert "Give the view a name." in page

    for number in range(saved_views.MOST):
        saved_views.save(house.viewer, str(number), "")
    page = client.post(house.page("findings/views/"), {"name": "more"}, follow=True).text
    assert "views already" in page
    assert SavedView.objects.count() == saved_views.MOST


# --- waivers of many findings


def _ask(house: House, **data: object) -> str:
    form = {"which": "selected", "reason": "Kept for the old client.", **data}
    return house.client(house.mate).post(house.page("findings/waivers/"), form, follow=True).text


def test_a_waiver_is_asked_for_each_selected_finding_and_taken_back_with_one_press(
    house: House,
) -> None:
    _fill(house)
    chosen = list(Finding.objects.filter(check_id="no-print").values_list("pk", flat=True))
    client = house.client(house.mate)

    page = client.post(
        house.page("findings/waivers/"),
        {"which": "selected", "reason": "Old client.", "finding": chosen, "query": "sort=path"},
        follow=True,
    )

    assert "2 waivers asked for" in page.text
    assert set(Waiver.objects.values_list("finding", flat=True)) == set(chosen)
    assert set(Waiver.objects.values_list("state", "reason", "author")) == {
        (WaiverState.REQUESTED, "Old client.", house.mate.pk)
    }
    assert "waivers asked for" not in client.get(house.page("findings/")).text

    asked = re.search(r'name="waivers" value="(.*?)"', page.text)
    assert asked
    undone = client.post(
        house.page("findings/waivers/undo/"), {"waivers": asked[1], "query": ""}, follow=True
    )
    assert "2 requests for a waiver taken back" in undone.text
    assert set(Waiver.objects.values_list("state", flat=True)) == {WaiverState.WITHDRAWN}


def test_all_that_match_are_asked_for_but_not_a_second_time(house: House) -> None:
    _fill(house)

    assert "2 waivers asked for" in _ask(house, which="all", query="check=no-print")
    assert "1 waiver asked for" in _ask(house, which="all")
    assert "Nothing is left to ask for" in _ask(house, which="all")
    assert Waiver.objects.count() == 3


def test_only_own_requests_that_nobody_decided_are_taken_back(house: House) -> None:
    _fill(house)
    _ask(house, which="all")
    granted, refused, mine = Waiver.objects.order_by("pk")
    Waiver.objects.filter(pk=granted.pk).update(state=WaiverState.GRANTED)
    Waiver.objects.filter(pk=refused.pk).update(author=house.owner)

    taken = waiver_batches.withdraw(
        house.repository, [granted.pk, refused.pk, mine.pk, 10**9], house.mate
    )

    assert taken == 1
    assert Waiver.objects.get(state=WaiverState.WITHDRAWN) == mine


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"which": "selected"}, "Select findings first"),
        ({"which": "selected", "finding": "x"}, "Select findings first"),
        ({"which": "all", "reason": " "}, "Say why."),
        ({"which": "all", "expires_on": "2020-01-01"}, "The last day, 2020-01-01, is past"),
        ({"which": "all", "query": "check=other"}, "Nothing is left"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_in_words(
    house: House, data: dict[str, object], words: str
) -> None:
    _fill(house)

    assert words in _ask(house, **data)
    assert not Waiver.objects.exists()


def test_findings_of_another_repository_are_not_covered(house: House) -> None:
    _fill(house)
    other = rows.repository(rows.team(owner=house.stranger), house.standard)
    Finding.objects.filter(fingerprint="f1").update(repository=other)

    assert "Nothing is left" in _ask(house, finding=[Finding.objects.get(fingerprint="f1").pk])


def test_too_many_are_refused_with_the_next_step(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill(house)
    monkeypatch.setattr(waiver_batches, "MOST", 2)

    assert "narrow the list" in _ask(house, which="all")
    assert not Waiver.objects.exists()


def test_a_fragment_does_not_use_up_the_chance_to_undo(house: House) -> None:
    _fill(house)
    client = house.client(house.mate)
    client.post(house.page("findings/waivers/"), {"which": "all", "reason": "Old."})

    client.get(house.page("findings/?page=1"), headers=HTMX)

    assert "3 waivers asked for" in client.get(house.page("findings/")).text


def test_who_may_not_ask_sees_no_boxes(house: House) -> None:
    _fill(house)

    assert 'class="pick"' in _list(house)
    assert 'class="pick"' not in house.client(house.viewer).get(house.page("findings/")).text
