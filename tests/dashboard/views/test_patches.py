"""The patch on a finding's page, and the way through the list from there."""

from __future__ import annotations

import re

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from checks.rules.specs import specs
from dashboard.models import Finding, FindingPatch, SourceState
from dashboard.services import patches, source_view
from tests.dashboard import rows
from tests.dashboard.views.conftest import HTMX, House

BY_RUFF = next(spec.id for spec in specs().values() if "E711" in spec.ruff)
CODE = "def run(value: object) -> bool:\n    return value == None\n"


def _finding(house: House, check: str = BY_RUFF) -> Finding:
    house.scan(rows.finding("f1", line=2))
    Finding.objects.update(check_id=check)
    row = source_view.wanted(house.repository, "a" * 40, "app/main.py")
    source_view.set_data(row, CODE.encode())
    row.save()
    return Finding.objects.get()


def test_a_patch_is_asked_for_once_made_by_a_worker_and_handed_out(
    house: House, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    address = _finding(house).get_absolute_url()
    client = house.client(house.viewer)
    house.rung.clear()
    with django_capture_on_commit_callbacks(execute=True):
        assert "Asking ruff" in client.get(address).text
        assert "Asking ruff" in client.get(address).text
    assert house.rung == [patches.MAKE_PATCH]
    assert client.get(f"{address}fix.patch").status_code == 404

    patches.make(FindingPatch.objects.get().pk)

    fragment = client.get(address, headers=HTMX | {"HX-Target": "patch"}).text
    assert fragment.lstrip().startswith('<div id="patch"')
    assert "+    return value is None" in fragment
    assert "every 1s" not in fragment
    handed = client.get(f"{address}fix.patch")
    assert handed.text.startswith("--- a/app/main.py\n+++ b/app/main.py\n")
    assert handed["Content-Disposition"].startswith("attachment; ")
    assert house.client(house.stranger).get(f"{address}fix.patch").status_code == 404


def test_where_ruff_has_no_fix_the_page_says_so(house: House) -> None:
    finding = _finding(house)
    Finding.objects.update(line=1)
    client = house.client(house.viewer)
    assert "Asking ruff" in client.get(finding.get_absolute_url()).text

    patches.make(FindingPatch.objects.get().pk)

    page = client.get(finding.get_absolute_url()).text
    assert "ruff has no fix for this line." in page
    assert "Asking ruff" not in page


@pytest.mark.parametrize(
    ("check", "code", "removes"),
    [
        ("no-print", b"def run() -> None:\n    print(1)\n", True),
        (BY_RUFF, CODE.encode(), False),
    ],
)
def test_a_patch_that_only_removes_says_so_before_it(
    house: House, check: str, code: bytes, removes: bool
) -> None:
    finding = _finding(house, check)
    row = source_view.wanted(house.repository, "a" * 40, "app/main.py")
    source_view.set_data(row, code)
    row.save()
    patches.wanted(finding)
    patches.make(FindingPatch.objects.get().pk)
    assert FindingPatch.objects.get().unsafe

    page = house.client(house.viewer).get(finding.get_absolute_url()).text

    assert ("This patch only removes the statement" in page) is removes
    if removes:
        assert page.index("This patch only removes") < page.index('id="patch-text"')


def test_a_finding_that_moved_gets_a_new_patch(house: House) -> None:
    finding = _finding(house)
    patches.wanted(finding)
    patches.make(FindingPatch.objects.get().pk)
    Finding.objects.update(line=1)

    again = patches.wanted(Finding.objects.get())

    assert again
    assert again.state == SourceState.WAITING
    patches.make(again.pk)
    assert FindingPatch.objects.get().state == SourceState.REFUSED
    assert patches.ready(finding) == ""


@pytest.mark.parametrize(
    "change", [{"check_id": "readme-present"}, {"state": "fixed"}, {"line": 0}]
)
def test_where_ruff_does_not_decide_nothing_is_asked(
    house: House, change: dict[str, object]
) -> None:
    finding = _finding(house)
    Finding.objects.update(**change)

    page = house.client(house.viewer).get(finding.get_absolute_url()).text

    assert "Asking ruff" not in page
    assert not FindingPatch.objects.exists()


# --- the way through a list


def test_a_finding_leads_to_its_neighbours_in_the_list_it_was_reached_from(house: House) -> None:
    house.scan(*(rows.finding(f"f{number}", line=number) for number in (1, 2, 3)))
    client = house.client(house.viewer)
    listed = client.get(house.page("findings/?sort=path&check=no-print")).text
    links = re.findall(r'href="(/f/\d+/\?from=[^"]*)"', listed)
    assert len(links) == 3

    first, middle, last = (client.get(link).text for link in links)
    assert "2 of 3" in middle
    assert f'rel="prev" href="{links[0]}"' in middle
    assert f'rel="next" href="{links[2]}"' in middle
    assert 'rel="prev"' not in first
    assert 'rel="next"' not in last
    assert f'href="{house.page("findings/")}?check=no-print&amp;sort=path"' in middle


def test_a_finding_that_left_the_list_leads_to_its_first(house: House) -> None:
    house.scan(rows.finding("f1"), rows.finding("f2", line=9))
    gone, left = Finding.objects.order_by("pk")
    Finding.objects.filter(pk=gone.pk).update(state="fixed")

    page = house.client(house.viewer).get(f"{gone.get_absolute_url()}?from=").text

    assert "no longer among the 1" in page
    assert f'rel="next" href="{left.get_absolute_url()}?from="' in page


def test_without_a_list_there_is_no_way_through_it(house: House) -> None:
    house.scan(rows.finding("f1"))

    page = house.client(house.viewer).get(Finding.objects.get().get_absolute_url()).text

    assert 'class="near"' not in page
