"""Newer versions are shown clause by clause and adopted on purpose, here or in many places."""

from __future__ import annotations

import html

import pytest

from dashboard.models import Repository, Scan, Standard, Trigger
from dashboard.services import standards
from tests.dashboard import rows
from tests.dashboard.views.conftest import House

ADOPT = "/standards/house-rules/versions/adopt/"
LATER = (
    rows.HOUSE_RULES.replace(b'strength = "should"', b'strength = "must"')
    .replace(b'{ id = "no-print" }', b'{ id = "function-length", params = { max_lines = 30 } }')
    .replace(b"No broad except.", b"No except that is broad.")
    + b"""
[[clause]]
id = "HR-3"
requirement = "Modules are short."
strength = "must"
checks = [{ id = "module-size" }]
enforced_from = 2030-01-01
"""
)


@pytest.fixture
def later(house: House) -> Standard:
    return rows.standard(LATER)


def _page(house: House, address: str) -> str:
    return html.unescape(house.client(house.owner).get(address).content.decode())


def test_what_a_newer_version_changes_is_shown_before_it_is_adopted(
    house: House, later: Standard
) -> None:
    page = _page(house, house.page("settings/versions/"))

    for text in (
        "should becomes must",
        "also asks for function-length with max_lines = 30",
        "no longer asks for no-print",
        "was: No broad except.",
        "counts from 2030-01-01",
        "1 new, 2 changed",
    ):
        assert text in page, text
    assert house.repository.adoptions.get().standard == house.standard


def test_a_changed_limit_and_a_clause_that_is_gone_are_named(house: House, later: Standard) -> None:
    standards.adopt(house.repository, [later], house.owner)
    head, _, _ = LATER.replace(b"max_lines = 30", b"max_lines = 40").partition(
        b'[[clause]]\nid = "HR-3"'
    )
    rows.standard(head)

    page = _page(house, house.page("settings/versions/"))

    assert "function-length: max_lines 30 becomes 40" in page
    assert "1 gone, 1 changed" in page


def test_only_what_is_ticked_is_adopted_and_the_repository_judged_again(
    house: House, later: Standard
) -> None:
    client, address = house.client(house.owner), house.page("settings/versions/")

    client.post(address, {})
    assert house.repository.adoptions.get().standard == house.standard
    answer = client.post(address, {"standard": [later.pk]})

    assert answer.status_code == 302
    adoption = house.repository.adoptions.get()
    assert adoption.standard == later
    assert set(adoption.fresh) == {"HR-3"}
    assert Scan.objects.get().trigger == Trigger.STANDARDS
    assert "Nothing newer" in _page(house, address)


def test_a_version_that_is_outdated_meanwhile_is_not_adopted(house: House, later: Standard) -> None:
    rows.standard(LATER + b"# newer still\n")

    house.client(house.owner).post(
        house.page("settings/versions/"), {"standard": [later.pk]}, follow=True
    )

    assert house.repository.adoptions.get().standard == house.standard


def test_all_repositories_that_one_leads_are_listed_with_what_changes_for_them(
    house: House, later: Standard
) -> None:
    behind = house.repository
    without = rows.repository(house.team)
    current = rows.repository(house.team, later)
    foreign = rows.repository(None, house.standard)

    page = _page(house, ADOPT)

    assert "should becomes must" in page
    assert f'value="{behind.pk}" checked' in page
    assert f'value="{without.pk}">' in page
    assert f'value="{current.pk}"' not in page
    assert f'value="{foreign.pk}"' not in page
    assert "1 behind" in _page(house, "/standards/house-rules/")


def test_a_version_is_adopted_in_many_repositories_at_once(house: House, later: Standard) -> None:
    second = rows.repository(house.team, house.standard)
    foreign = rows.repository(None, house.standard)
    chosen = [house.repository.pk, second.pk, foreign.pk]

    answer = house.client(house.owner).post(
        ADOPT, {"version": later.version, "repository": chosen}, follow=True
    )

    assert "Adopted in 2 repositories" in answer.content.decode()
    assert set(Repository.objects.filter(adoptions__standard=later)) == {house.repository, second}
    assert Scan.objects.count() == 2


def test_another_version_than_the_one_shown_is_not_adopted(house: House, later: Standard) -> None:
    house.client(house.owner).post(
        ADOPT, {"version": house.standard.version, "repository": [house.repository.pk]}
    )

    assert house.repository.adoptions.get().standard == house.standard


def test_the_pages_take_a_constant_number_of_queries(
    house: House, later: Standard, django_assert_max_num_queries: object
) -> None:
    client = house.client(house.owner)
    for _ in range(5):
        rows.repository(house.team, house.standard)
    with django_assert_max_num_queries(12):  # type: ignore[operator]
        client.get(ADOPT)


def test_only_leads_adopt(house: House, later: Standard) -> None:
    assert house.client(house.mate).get(ADOPT).status_code == 403
    assert house.client(house.mate).get(house.page("settings/versions/")).status_code == 403
