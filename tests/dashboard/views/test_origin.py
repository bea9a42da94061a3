"""The pages on which a lead has a standard read from a repository."""

from __future__ import annotations

import html

import pytest

from dashboard.models import OriginState, StandardOrigin
from dashboard.services import origins
from dashboard.standard_forms import MOST_FOUND
from tests.dashboard import rows
from tests.dashboard.views.conftest import HTMX, House
from tests.dashboard.views.test_own_standard import TEXT

NEW = "/standards/new/repository/"


def _register(house: House, **fields: object) -> StandardOrigin:
    data = {"team": house.team.pk, "repository": house.repository.slug, "path": "/docs/rules.toml"}
    answer = house.client(house.owner).post(NEW, data | fields)
    assert answer.status_code == 302, answer.content.decode()
    row = StandardOrigin.objects.get()
    assert answer["Location"] == f"{NEW}{row.pk}/"
    return row


def _page(house: House, address: str) -> str:
    return html.unescape(house.client(house.owner).get(address).content.decode())


def test_a_registered_file_waits_for_its_reading(house: House) -> None:
    row = _register(house)

    assert row.path == "docs/rules.toml"
    assert "the file is read at the end of" in _page(house, f"{NEW}{row.pk}/")


def test_the_same_file_is_registered_once(house: House) -> None:
    row = _register(house)

    answer = house.client(house.owner).post(
        NEW, {"team": house.team.pk, "repository": house.repository.slug, "path": row.path}
    )

    assert answer.status_code == 422
    assert "read from this file already" in answer.content.decode()


@pytest.mark.parametrize("path", ["", "../rules.toml", "a/../../b.toml", "/"])
def test_a_path_that_leads_out_is_refused(house: House, path: str) -> None:
    data = {"team": house.team.pk, "repository": house.repository.slug, "path": path}

    assert house.client(house.owner).post(NEW, data).status_code == 422


def test_a_repository_that_one_does_not_see_cannot_be_chosen(house: House) -> None:
    foreign = rows.repository()

    answer = house.client(house.owner).post(
        NEW, {"team": house.team.pk, "repository": foreign.slug, "path": "rules.toml"}
    )

    assert answer.status_code == 422
    assert foreign.name not in answer.content.decode()


def test_a_repository_is_found_by_a_part_of_its_name_without_a_script(house: House) -> None:
    others = [rows.repository(house.team) for _ in range(2)]
    part = {"team": house.team.pk, "repository": "repo", "path": "rules.toml"}

    answer = house.client(house.owner).post(NEW, part)

    assert answer.status_code == 422
    page = answer.content.decode()
    assert all(f'name="repository" value="{row.slug}"' in page for row in others)
    # A press on one of them sends its name behind what was typed, and what was typed else.
    _register(house, repository=["repo", others[1].slug], path="rules.toml")
    assert StandardOrigin.objects.get().repository == others[1]


def test_a_name_that_only_one_has_is_enough(house: House) -> None:
    rows.repository(house.team)
    house.repository.name = "The only one"
    house.repository.save()

    _register(house, repository="The only one")

    assert StandardOrigin.objects.get().repository == house.repository


def test_what_is_offered_is_found_as_one_types_and_never_foreign(house: House) -> None:
    for number in range(MOST_FOUND + 5):
        rows.repository(house.team, url=f"https://git.example.org/orders-{number:02}.git")
    foreign = rows.repository(url="https://git.example.org/orders-foreign.git")
    client = house.client(house.owner)

    offered = client.get(f"{NEW}?repository=orders", headers=HTMX).content.decode()
    page = client.get(f"{NEW}?repository=orders").content.decode()

    assert offered.count("<option") == MOST_FOUND
    assert "<html" not in offered
    assert 'value="orders"' in page
    assert foreign.slug not in page + offered
    narrowed = client.get(f"{NEW}?repository=orders-24", headers=HTMX).content.decode()
    assert narrowed.count("<option") == 1


def test_mistakes_and_source_stand_on_both_pages(house: House) -> None:
    row = _register(house)
    house.scan()
    origins._write(row.pk, "a" * 40, "b" * 40, TEXT.encode())
    origins._write(row.pk, "c" * 40, "d" * 40, TEXT.replace("must", "mus").encode())

    own, standard = _page(house, f"{NEW}{row.pk}/"), _page(house, "/standards/team-rules/")

    for page in (own, standard):
        assert "strength 'mus' is not one of must, should, may" in page
        assert "docs/rules.toml" in page
        assert house.repository.name in page
    assert "aaaaaaaaaa" in standard


def test_who_does_not_see_the_repository_learns_nothing_of_it(house: House) -> None:
    row = _register(house)
    origins._write(row.pk, "a" * 40, "b" * 40, TEXT.encode())
    origins._write(row.pk, "c" * 40, "", None, "a secret sentence")
    client = house.client(house.stranger)

    page = client.get("/standards/team-rules/").content.decode()

    assert client.get(f"{NEW}{row.pk}/").status_code == 404
    assert house.repository.name not in page
    assert "docs/rules.toml" not in page
    assert "a secret sentence" not in page


def test_only_leads_have_it_read_again_or_no_longer(house: House) -> None:
    row = _register(house)
    origins._write(row.pk, "a" * 40, "b" * 40, TEXT.encode())

    assert house.client(house.mate).post(f"{NEW}{row.pk}/stop/").status_code == 403
    assert house.client(house.mate).get(NEW).status_code == 403
    assert house.client(house.mate).get(f"{NEW}{row.pk}/").status_code == 200
    house.client(house.owner).post(f"{NEW}{row.pk}/again/")
    assert StandardOrigin.objects.get().state == OriginState.WAITING
    assert origins.READ_STANDARD in house.rung
    house.client(house.owner).post(f"{NEW}{row.pk}/stop/")
    assert not StandardOrigin.objects.exists()
