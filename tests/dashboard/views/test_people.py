"""A person's own pages, sign-in, and how the pages look."""

from __future__ import annotations

from django.test import Client

from dashboard.models import Trigger
from dashboard.services import scanning
from tests.dashboard import rows
from tests.dashboard.views.conftest import House


def test_my_work_shows_my_teams_and_what_needs_care_there(house: House) -> None:
    house.scan(rows.finding("f1"))

    page = house.client(house.owner).get("/me/").content.decode()

    assert house.team.name in page
    assert house.repository.name in page
    assert house.repository.name not in house.client(house.stranger).get("/me/").content.decode()


def test_my_work_shows_the_scans_i_asked_for(house: House) -> None:
    scanning.request(house.repository, Trigger.MANUAL, actor=house.mate)

    assert "queued" in house.client(house.mate).get("/me/").content.decode()
    assert "None so far" in house.client(house.owner).get("/me/").content.decode()


def test_a_team_shows_members_with_roles_and_repositories(house: House) -> None:
    page = house.client(house.viewer).get(f"/teams/{house.team.slug}/").content.decode()

    assert house.owner.username in page
    assert "developer" in page
    assert house.repository.name in page


def test_the_chosen_colours_come_with_the_next_page(house: House) -> None:
    client = house.client(house.owner)

    assert client.post("/settings/", {"theme": "dark"}).status_code == 302

    assert 'data-se-theme="dark"' in client.get("/").content.decode()
    client.post("/settings/", {"theme": "auto"})
    assert "data-se-theme" not in client.get("/").content.decode()


def test_colours_that_do_not_exist_are_refused(house: House) -> None:
    answer = house.client(house.owner).post("/settings/", {"theme": '"><script>'})

    assert answer.status_code == 422


def test_signing_in_leads_back_to_where_one_wanted_to_go(house: House) -> None:
    house.owner.set_password("correct horse battery")
    house.owner.save()
    client = Client()

    form = client.get(f"/sign-in/?next={house.page()}").content.decode()
    answer = client.post(
        f"/sign-in/?next={house.page()}",
        {"login": house.owner.username, "password": "correct horse battery"},
    )

    assert 'name="login"' in form
    assert (answer.status_code, answer["Location"]) == (302, house.page())


def test_a_wrong_password_and_an_unknown_person_get_the_same_words(house: House) -> None:
    def words(login: str) -> str:
        page = Client().post("/sign-in/", {"login": login, "password": "wrong"}).content.decode()
        return page[page.index("<main") : page.index("</main>")].replace(login, "")

    assert "notice bad" in words(house.owner.username)
    known = words(house.owner.username).split("csrfmiddlewaretoken")
    unknown = words("nobody-at-all").split("csrfmiddlewaretoken")
    assert known[0] == unknown[0]


def test_signing_out_takes_a_post(house: House) -> None:
    client = house.client(house.owner)

    assert b"<form" in client.get("/sign-out/").content
    assert client.get("/").status_code == 200
    client.post("/sign-out/")
    assert client.get("/").status_code == 302


def test_another_host_is_never_a_way_back(house: House) -> None:
    house.owner.set_password("correct horse battery")
    house.owner.save()

    answer = Client().post(
        "/sign-in/?next=https://evil.example/",
        {
            "login": house.owner.username,
            "password": "correct horse battery",
            "next": "https://evil.example/",
        },
    )

    assert answer["Location"] == "/"
