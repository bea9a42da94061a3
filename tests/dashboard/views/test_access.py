"""The questions that every address is asked: who may, who may not, and by which method."""

from __future__ import annotations

import pytest
from django.urls import URLPattern

from dashboard.models import Finding, Probe
from dashboard.urls import urlpatterns
from tests.dashboard import rows
from tests.dashboard.views.conftest import House

# name of the address -> who is turned away from it, and how
FOR_ITS_TEAM = {
    "repository": "",
    "repository-progress": "progress/",
    "history": "history/",
    "map": "map/",
    "layers": "layers/",
    "sizes": "sizes/",
    "gains": "gains/",
    "repository-past": "past/",
    "findings": "findings/",
    "findings-csv": "findings.csv",
    "findings-json": "findings.json",
    "findings-sarif": "findings.sarif",
    "webhook": "webhook/",
    "attestations": "attestations/",
    "repository-waivers": "waivers/",
    "waivers-export": "waivers.toml",
    "conflicts": "conflicts/",
    "scan": "scans/1/",
    "source": "code/app/main.py",
}
FOR_LEADS = {"repository-settings": "settings/", "repository-renew": "settings/versions/"}
ONLY_POST = {
    "repository-scan": "scan/",
    "repository-remove": "remove/",
    "repository-gate": "settings/gate/",
    "past-turn": "past/turn/pause/",
    "hook-rotate": "webhook/1/rotate/",
    "hook-remove": "webhook/1/remove/",
    "attestation-withdraw": "attestations/1/withdraw/",
    "waiver-decide": "waivers/1/decide/",
    "findings-ask": "findings/waivers/",
    "findings-undo": "findings/waivers/undo/",
}
FOR_EVERYBODY_SIGNED_IN = {
    "fleet": "/",
    "report": "/report/",
    "areas": "/areas/",
    "repositories": "/repos/",
    "repository-new": "/repos/new/",
    "standards": "/standards/",
    "standard-help": "/standards/new/help/",
    "standard": "/standards/house-rules/",
    "clause": "/standards/house-rules/HR-1/",
    "attestations-ending": "/attestations/",
    "waivers": "/waivers/",
    "scoring": "/scoring/",
    "checks": "/checks/",
    "check": "/checks/no-print/",
    "simulations": "/simulate/",
    "simulation-new": "/simulate/new/",
    "simulation-clause": "/simulate/new/house-rules/HR-1/",
    "me": "/me/",
    "search": "/search/?q=print",
    "settings": "/settings/",
    "words": "/words/",
}
FOR_MACHINES = ("hooks/", "api/", "metrics")
ASKED_ELSEWHERE = {
    "simulation",
    "simulation-adopt",
    "simulation-again",
    "simulation-cancel",
    "simulation-remove",
    "simulation-repository",
    "simulation-resume",
    "simulation-save",
    "standard-adopt",
    "waiver-new",
    "standard-clauses",
    "standard-new",
    "past",
    "origin",
    "origin-again",
    "origin-new",
    "origin-stop",
    "healthz",
    "readyz",
    "account_login",
    "account_logout",
    "account_change_password",
    "repository-probe",
    "repository-probe-again",
    "finding",
    "finding-patch",
    "view-remove",
    "view-save",
    "team",
    "ops",
    "badge",
    "styleguide",
    "undo",
}


def test_every_page_of_the_site_map_is_asked() -> None:
    pages = [each for each in urlpatterns if not str(each.pattern).startswith(FOR_MACHINES)]
    named = {each.name for each in pages if isinstance(each, URLPattern)}
    asked = {
        *FOR_ITS_TEAM,
        *FOR_LEADS,
        *ONLY_POST,
        *FOR_EVERYBODY_SIGNED_IN,
        *ASKED_ELSEWHERE,
    }
    assert named - asked == set()


@pytest.mark.parametrize("tail", [*FOR_ITS_TEAM.values(), *FOR_LEADS.values()])
def test_a_page_of_a_repository_does_not_exist_for_strangers(house: House, tail: str) -> None:
    house.scan(rows.finding("f1"))
    address = house.page(tail)

    assert house.client(house.owner).get(address).status_code == 200
    assert house.client(house.stranger).get(address).status_code == 404
    away = house.client(None).get(address)
    assert (away.status_code, away["Location"].split("?")[0]) == (302, "/sign-in/")


@pytest.mark.parametrize("tail", FOR_ITS_TEAM.values())
def test_a_page_of_a_repository_opens_for_all_of_its_team(house: House, tail: str) -> None:
    house.scan(rows.finding("f1"))

    assert house.client(house.mate).get(house.page(tail)).status_code == 200
    assert house.client(house.viewer).get(house.page(tail)).status_code == 200


TAKE_FORMS = {"webhook/", "attestations/", "conflicts/"}


@pytest.mark.parametrize("tail", sorted(set(FOR_ITS_TEAM.values()) - TAKE_FORMS))
def test_a_page_that_shows_refuses_to_be_posted_to(house: House, tail: str) -> None:
    assert house.client(house.owner).post(house.page(tail)).status_code == 405


@pytest.mark.parametrize("tail", ONLY_POST.values())
def test_a_deed_is_only_done_by_post_and_never_by_strangers(house: House, tail: str) -> None:
    address = house.page(tail)

    assert house.client(house.owner).get(address).status_code == 405
    assert house.client(house.stranger).post(address).status_code == 404
    assert house.client(house.viewer).post(address).status_code == 403
    assert house.client(None).post(address).status_code == 302


@pytest.mark.parametrize("tail", FOR_LEADS.values())
def test_what_leads_do_is_refused_to_developers_with_the_next_step(house: House, tail: str) -> None:
    answer = house.client(house.mate).get(house.page(tail))

    assert answer.status_code == 403
    assert b"needs the role lead" in answer.content


@pytest.mark.parametrize("address", FOR_EVERYBODY_SIGNED_IN.values())
def test_a_common_page_opens_for_everybody_who_is_signed_in(house: House, address: str) -> None:
    assert house.client(house.stranger).get(address).status_code == 200
    assert house.client(None).get(address).status_code == 302
    assert house.client(house.stranger).delete(address).status_code == 405


def test_a_finding_does_not_exist_for_strangers(house: House) -> None:
    house.scan(rows.finding("f1"))
    address = Finding.objects.get().get_absolute_url()

    assert house.client(house.viewer).get(address).status_code == 200
    assert house.client(house.stranger).get(address).status_code == 404
    assert house.client(house.owner).post(address).status_code == 405


def test_a_team_does_not_exist_for_strangers(house: House) -> None:
    address = f"/teams/{house.team.slug}/"

    assert house.client(house.viewer).get(address).status_code == 200
    assert house.client(house.stranger).get(address).status_code == 404


def test_a_probe_is_seen_by_the_person_who_asked_alone(house: House) -> None:
    probe = Probe.objects.create(
        team=house.team, asked_by=house.owner, clone_url="https://git.example.org/a.git"
    )
    address = f"/repos/new/{probe.identity}/"

    assert house.client(house.owner).get(address).status_code == 200
    assert house.client(house.mate).get(address).status_code == 404
    assert house.client(house.stranger).post(address + "again/").status_code == 404
    assert house.client(house.owner).get(address + "again/").status_code == 405


def test_operations_are_for_administrators(house: House) -> None:
    administrator = rows.user(is_staff=True, is_superuser=True)

    assert house.client(administrator).get("/ops/").status_code == 200
    assert house.client(house.owner).get("/ops/").status_code == 403


def test_a_member_who_leaves_sees_nothing_from_the_next_request_on(house: House) -> None:
    client = house.client(house.mate)
    assert client.get(house.page()).status_code == 200

    house.team.memberships.filter(user=house.mate).delete()

    assert client.get(house.page()).status_code == 404


def test_a_fragment_sends_a_browser_without_session_to_the_sign_in_page_as_a_whole(
    house: House,
) -> None:
    answer = house.client(None).get(
        house.page("progress/"),
        headers={
            "HX-Request": "true",
            "HX-Current-URL": f"http://testserver{house.page()}",
        },
    )

    assert answer.status_code == 204
    assert answer["HX-Redirect"] == f"/sign-in/?next=%2Fr%2F{house.repository.slug}%2F"


def test_pages_forbid_inline_script_and_framing(house: House) -> None:
    answer = house.client(house.owner).get("/")

    policy = answer["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "<script>" not in answer.content.decode()
    assert " style=" not in answer.content.decode()
