"""Registering: address, the server's answer, choices; refusals name the next step."""

from __future__ import annotations

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from dashboard.models import Credential, Probe, ProbeState, Repository, Scan, Trigger
from dashboard.services import registration, repositories
from tests.dashboard import rows
from tests.dashboard.views.conftest import HTMX, House
from tests.gitservers import GitServer, Origin

ADDRESS = "https://git.example.org/team/shop.git"


def _given(house: House, **changes: object) -> dict[str, object]:
    return {
        "team": house.team.pk,
        "clone_url": ADDRESS,
        "credential_kind": "none",
        "username": "",
        "secret": "",
    } | changes


def _reached(house: House, **fields: object) -> Probe:
    probe: Probe = Probe.objects.create(
        team=house.team,
        asked_by=house.owner,
        clone_url=ADDRESS,
        state=ProbeState.REACHED,
        default_branch="main",
        branches=["main", "release"],
        **fields,
    )
    return probe


def test_an_address_becomes_a_question_to_a_worker(
    house: House, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        answer = house.client(house.owner).post("/repos/new/", _given(house))

    probe = Probe.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/repos/new/{probe.identity}/")
    assert probe.clone_url == ADDRESS
    assert house.rung == [registration.ANSWER_PROBE]
    assert not Repository.objects.filter(clone_url=ADDRESS).exists()


@pytest.mark.parametrize(
    "address",
    [
        "",
        "file:///etc/passwd",
        "ext::sh -c id",
        "--upload-pack=id",
        "https://user:secret@git.example.org/a.git",
        "https://127.0.0.1/a.git",
        "https://git.example.org/a.git\n",
        "../repository",
    ],
)
def test_an_address_that_is_not_used_is_refused_in_the_form(house: House, address: str) -> None:
    answer = house.client(house.owner).post(
        "/repos/new/", _given(house, clone_url=address + "\x00")
    )

    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in page
    assert not Probe.objects.exists()


def test_a_known_address_is_refused_with_its_name(house: House) -> None:
    answer = house.client(house.owner).post(
        "/repos/new/", _given(house, clone_url=house.repository.clone_url)
    )

    assert answer.status_code == 422
    assert f"registered this already, as {house.repository.name}" in answer.content.decode()


def test_nobody_registers_for_a_team_in_which_they_are_no_lead(house: House) -> None:
    for person in (house.mate, house.stranger):
        answer = house.client(person).post("/repos/new/", _given(house))
        assert answer.status_code == 422
    assert not Probe.objects.exists()


def test_a_person_without_a_team_to_register_for_is_told_whom_to_ask(house: House) -> None:
    page = house.client(house.mate).get("/repos/new/").content.decode()

    assert "You may not register repositories yet" in page


def test_a_credential_is_kept_encrypted_and_never_shown_again(house: House, home: object) -> None:
    client = house.client(house.owner)

    answer = client.post(
        "/repos/new/",
        _given(house, credential_kind="token", username="bot", secret="s3cr3t-t0ken"),
    )

    assert answer.status_code == 302
    row = Credential.objects.get()
    assert "s3cr3t" not in row.secret
    assert Probe.objects.get().credential == row
    assert "s3cr3t" not in client.get(answer["Location"]).content.decode()


def test_a_refused_form_does_not_send_the_secret_back(house: House) -> None:
    answer = house.client(house.owner).post(
        "/repos/new/",
        _given(house, clone_url="nonsense", credential_kind="token", secret="s3cr3t-t0ken"),
    )

    assert answer.status_code == 422
    assert "s3cr3t" not in answer.content.decode()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"credential_kind": "token", "secret": " "}, "Enter the token or key"),
        ({"credential_kind": "none", "secret": "x"}, "Choose what kind of credential"),
        ({"credential_kind": "ssh-key", "secret": "x"}, "needs a user name and token"),
    ],
)
def test_a_credential_that_does_not_fit_is_refused_with_a_sentence(
    house: House, home: object, changes: dict[str, object], words: str
) -> None:
    answer = house.client(house.owner).post("/repos/new/", _given(house, **changes))

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Credential.objects.exists()


# --- the server's answer


def test_the_page_waits_for_the_answer_and_works_without_script(house: House) -> None:
    probe = Probe.objects.create(team=house.team, asked_by=house.owner, clone_url=ADDRESS)
    address = f"/repos/new/{probe.identity}/"

    page = house.client(house.owner).get(address).content.decode()

    assert f'hx-get="{address}" hx-trigger="every 2s"' in page
    assert f'<a href="{address}">look again</a>' in page


def test_a_failure_is_one_sentence_with_ways_on(house: House) -> None:
    probe = Probe.objects.create(
        team=house.team,
        asked_by=house.owner,
        clone_url=ADDRESS,
        state=ProbeState.FAILED,
        message="The server sends us to another address; enter the new address.",
        offered_url="https://git.example.org/team/store.git",
    )
    client, address = house.client(house.owner), f"/repos/new/{probe.identity}/"

    fragment = client.get(address, headers=HTMX).content.decode()
    assert "The server sends us to another address" in fragment
    assert "hx-trigger" not in fragment

    client.post(address + "again/", {"follow": "1"})
    probe.refresh_from_db()
    assert (probe.state, probe.clone_url) == (ProbeState.WAITING, probe.clone_url)
    assert probe.clone_url == "https://git.example.org/team/store.git"


def test_the_choices_register_the_repository_and_ask_for_its_first_scan(house: House) -> None:
    probe = _reached(house)

    answer = house.client(house.owner).post(
        f"/repos/new/{probe.identity}/",
        {"name": "Shop", "branch": "release", "standards": [house.standard.pk]},
    )

    row = Repository.objects.get(clone_url=ADDRESS)
    assert (answer.status_code, answer["Location"]) == (302, f"/r/{row.slug}/webhook/?new=1")
    assert (row.name, row.watched_branch, row.team) == ("Shop", "release", house.team)
    assert row.adoptions.get().standard == house.standard
    assert Scan.objects.get(repository=row).trigger == Trigger.REGISTRATION
    assert not Probe.objects.exists()


def test_of_two_repositories_with_one_name_the_second_is_named_with_its_owner(house: House) -> None:
    first, second, third = (
        repositories.register(
            team=house.team,
            clone_url=f"https://git.example.org/{owner}/api.git",
            adopted=[house.standard],
            name=name,
        )
        for owner, name in (("ada", ""), ("grace", ""), ("edith", "api"))
    )

    assert (first.name, second.name, third.name) == ("api", "grace/api", "api")


def test_the_form_proposes_a_name_that_no_other_repository_of_the_team_has(house: House) -> None:
    repositories.register(
        team=house.team, clone_url="https://git.example.org/ada/api.git", adopted=[house.standard]
    )
    probe = _reached(house)
    Probe.objects.update(clone_url="https://git.example.org/grace/api.git")

    page = house.client(house.owner).get(f"/repos/new/{probe.identity}/").content.decode()

    assert 'name="name" value="grace/api"' in page


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"standards": []}, "Choose at least one standard"),
        ({"branch": "no-such"}, "Select a valid choice"),
        ({"name": ""}, "This field is required"),
    ],
)
def test_choices_that_cannot_be_are_refused(
    house: House, changes: dict[str, object], words: str
) -> None:
    probe = _reached(house)
    given = {"name": "Shop", "branch": "", "standards": [house.standard.pk]} | changes

    answer = house.client(house.owner).post(f"/repos/new/{probe.identity}/", given)

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert Probe.objects.exists()


def test_an_address_that_a_colleague_registered_meanwhile_is_refused(house: House) -> None:
    probe = _reached(house)
    rows.repository(house.team, url=ADDRESS)

    answer = house.client(house.owner).post(
        f"/repos/new/{probe.identity}/",
        {"name": "Shop", "branch": "", "standards": [house.standard.pk]},
    )

    assert answer.status_code == 422
    assert "registered already" in answer.content.decode()


# --- the worker's part


def _probe(house: House, url: str) -> Probe:
    probe = registration.ask(team=house.team, clone_url=url, credential=None, actor=house.owner)
    registration.answer(probe.pk)
    probe.refresh_from_db()
    return probe


def test_a_worker_learns_the_branches_from_the_server(
    house: House, server: GitServer, remote: Origin
) -> None:
    probe = _probe(house, server.url("team/shop.git"))

    assert (probe.state, probe.message) == (ProbeState.REACHED, "")
    assert probe.default_branch in probe.branches


def test_a_worker_turns_a_missing_repository_into_a_sentence(
    house: House, server: GitServer
) -> None:
    probe = _probe(house, server.url("team/nothing.git"))

    assert probe.state == ProbeState.FAILED
    assert probe.code
    assert probe.message.endswith(".")


def test_an_address_that_is_no_longer_allowed_is_not_asked(house: House) -> None:
    probe = _probe(house, "https://127.0.0.1/a.git")

    assert probe.state == ProbeState.FAILED


def test_an_answer_to_a_question_that_was_withdrawn_is_not_written(house: House) -> None:
    probe = _reached(house)

    registration.answer(probe.pk)

    probe.refresh_from_db()
    assert probe.state == ProbeState.REACHED
