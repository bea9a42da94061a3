"""The pages that answer "what if": for whom, with what, and adopting what was tried."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard import queue
from dashboard.models import (
    Adoption,
    Forecast,
    ForecastState,
    Repository,
    Scan,
    Simulation,
    SimulationState,
    Standard,
    User,
)
from dashboard.services import proposals, simulating, simulation_page, standards, sweeping
from tests.dashboard import rows
from tests.dashboard.views.conftest import HTMX, House

pytestmark = pytest.mark.django_db

OWN = rows.HOUSE_RULES.decode()
LOOSER = OWN.replace('strength = "must"', 'strength = "may"')


@pytest.fixture
def tried(judged: House) -> Simulation:
    """What if the must were a may."""
    wish = simulating.Wish([proposals.part_of(LOOSER, "house-rules")], title="Print freely")
    row = simulating.begin(wish, judged.owner)
    simulating.work(row.pk)
    return Simulation.objects.get(pk=row.pk)


def body(client: Client, address: str, **headers: str) -> str:
    response = client.get(address, headers=headers)
    assert response.status_code == 200, address
    return response.content.decode()


def test_a_clause_is_changed_on_its_own_page_and_tried(judged: House) -> None:
    client = judged.client(judged.viewer)
    where = "/simulate/new/house-rules/HR-1/"
    assert where in body(client, "/standards/house-rules/HR-1/")
    page = body(client, where)
    assert "Nothing is printed." in page
    assert "No broad except." not in page

    response = client.post(where, {"0-strength": "may", "0-0-in_scripts": "on"})

    row = Simulation.objects.get()
    assert response["Location"] == row.get_absolute_url()
    assert row.parts[0]["replaces"] == "house-rules"
    assert '"may"' in row.parts[0]["source"]
    assert row.author == judged.viewer


def test_a_clause_that_is_switched_off_is_left_out(judged: House) -> None:
    client = judged.client(judged.owner)

    client.post("/simulate/new/house-rules/HR-1/", {"0-strength": "must", "0-off": "on"})

    tried = proposals.read(Simulation.objects.get()).parts[0].standard
    assert [clause.id for clause in tried.clauses] == ["HR-2"]


def test_what_belongs_to_the_whole_standard_stays_when_one_clause_is_tried(judged: House) -> None:
    heavier = rows.HOUSE_RULES + b"\n[weights]\nmust = 6\n\n[gate]\nminimum = 50\n"
    before = rows.standard(heavier)
    client = judged.client(judged.owner)

    client.post("/simulate/new/house-rules/HR-2/", {"1-strength": "must"})

    tried = proposals.read(Simulation.objects.get()).parts[0].standard
    assert tried.weights == standards.parsed(before).weights
    assert tried.gate == standards.parsed(before).gate
    assert [clause.strength for clause in tried.clauses] == ["must", "must"]


def test_there_is_no_page_for_a_clause_that_is_not_there(judged: House) -> None:
    client = judged.client(judged.owner)

    assert client.get("/simulate/new/house-rules/HR-77/").status_code == 404
    assert client.get("/simulate/new/nothing/HR-1/").status_code == 404


def test_a_changed_text_is_brought_along_and_its_place_is_proposed(judged: House) -> None:
    client = judged.client(judged.owner)
    copy = LOOSER.replace('"house-rules"', '"ours"')

    page = client.post("/simulate/new/", {"source": copy}).content.decode()
    assert 'value="house-rules" selected' in page
    client.post("/simulate/new/", {"source": copy, "replaces": "house-rules", "try": "1"})

    assert Simulation.objects.get().parts == [{"replaces": "house-rules", "source": copy}]


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({}, "Nothing changes yet"),
        ({"source": 'no = "standard"'}, "field slug is missing"),
        ({"adopt": "house-rules", "drops": "house-rules"}, "come and go at once"),
        ({"drops": "unknown"}, "not one of the available choices"),
    ],
)
def test_what_cannot_be_tried_is_refused_with_a_sentence(
    sent: dict[str, str], says: str, judged: House
) -> None:
    response = judged.client(judged.owner).post("/simulate/new/", {**sent, "try": "1"})

    assert response.status_code == 422
    assert says in response.content.decode()
    assert not Simulation.objects.exists()


def test_the_results_say_what_changes_and_link_to_it(judged: House, tried: Simulation) -> None:
    page = body(judged.client(judged.owner), tried.get_absolute_url())

    assert "Print freely" in page
    assert "must becomes may" in page
    assert f"/simulate/{tried.pk}/{judged.repository.slug}/" in page
    assert "hx-trigger" not in page
    detail = body(judged.client(judged.owner), f"/simulate/{tried.pk}/{judged.repository.slug}/")
    assert "HR-1" in detail


def test_an_open_page_asks_for_news_until_the_last_repository_is_judged(judged: House) -> None:
    row = simulating.begin(
        simulating.Wish([proposals.part_of(LOOSER, "house-rules")]), judged.owner
    )
    client = judged.client(judged.owner)
    assert 'hx-trigger="every 2s"' in body(client, row.get_absolute_url(), **HTMX)

    simulating.work(row.pk)

    fragment = body(client, row.get_absolute_url(), **HTMX)
    assert "hx-trigger" not in fragment
    assert "<html" not in fragment


@pytest.mark.parametrize("key", [*simulation_page.SHOWS, "nonsense"])
def test_no_filter_breaks_the_page(key: str, judged: House, tried: Simulation) -> None:
    client = judged.client(judged.owner)

    body(client, f"{tried.get_absolute_url()}?show={key}&page=7")


@pytest.mark.parametrize("key", [*simulation_page.SORTS, "nonsense"])
def test_no_order_breaks_the_page(key: str, judged: House, tried: Simulation) -> None:
    client = judged.client(judged.owner)

    assert judged.repository.name in body(client, f"{tried.get_absolute_url()}?sort={key}")


@pytest.mark.parametrize("side", ["appearing", "vanishing", "nonsense", ""])
def test_the_findings_of_a_repository_are_listed_by_side_and_check(
    side: str, judged: House, tried: Simulation
) -> None:
    client = judged.client(judged.owner)
    address = f"/simulate/{tried.pk}/{judged.repository.slug}/?side={side}"

    assert ("It prints." in body(client, address)) == (side != "vanishing")
    assert "It prints." not in body(client, f"{address}&check=no-broad-except")


def test_nobody_sees_what_somebody_else_tries(judged: House, tried: Simulation) -> None:
    for person in (judged.mate, judged.stranger):
        client = judged.client(person)
        assert "Print freely" not in body(client, "/simulate/")
        for name in ("", f"{judged.repository.slug}/"):
            assert client.get(f"/simulate/{tried.pk}/{name}").status_code == 404
        for name in ("cancel", "resume", "save", "adopt", "remove"):
            assert client.post(f"/simulate/{tried.pk}/{name}/").status_code == 404


def test_a_repository_that_is_seen_no_longer_leaves_the_results(
    judged: House, tried: Simulation
) -> None:
    judged.team.members.remove(judged.owner)
    client = judged.client(judged.owner)

    assert judged.repository.name not in body(client, tried.get_absolute_url())
    gone = client.get(f"/simulate/{tried.pk}/{judged.repository.slug}/")
    assert gone.status_code == 404


def test_saved_then_adopted_where_it_is_ticked(judged: House, tried: Simulation) -> None:
    client = judged.client(judged.owner)
    where = tried.get_absolute_url()
    ticked = {"repository": [str(judged.repository.pk), "x"]}
    assert (
        "Save the proposed texts"
        in client.post(f"{where}adopt/", ticked, follow=True).content.decode()
    )

    saved = client.post(f"{where}save/", follow=True).content.decode()
    assert "Nobody is judged by it before it is adopted" in saved
    assert Adoption.objects.get().standard.source == OWN
    assert f'name="repository" value="{judged.repository.pk}"' in saved

    client.post(f"{where}adopt/", ticked)
    assert Adoption.objects.get().standard.source == LOOSER
    assert Scan.objects.filter(state="queued").count() == 1


def test_only_leads_save(judged: House) -> None:
    wish = simulating.Wish([proposals.part_of(LOOSER, "house-rules")])
    row = simulating.begin(wish, judged.viewer)
    client = judged.client(judged.viewer)

    assert "Save as a draft" not in body(client, row.get_absolute_url())
    assert client.post(f"{row.get_absolute_url()}save/").status_code == 403
    assert Standard.objects.count() == 1


def test_a_slug_that_is_taken_is_refused_when_it_is_saved(judged: House) -> None:
    Standard.objects.update(team=rows.team())
    wish = simulating.Wish([proposals.part_of(LOOSER, "house-rules")])
    row = simulating.begin(wish, judged.owner)

    page = judged.client(judged.owner).post(f"{row.get_absolute_url()}save/", follow=True)

    assert "belongs to another team" in page.content.decode()


def test_stopped_resumed_and_forgotten(judged: House) -> None:
    wish = simulating.Wish([proposals.part_of(LOOSER, "house-rules")])
    row = simulating.begin(wish, judged.owner)
    client = judged.client(judged.owner)
    where = row.get_absolute_url()

    assert "Stopped after 0 of 1" in client.post(f"{where}cancel/", follow=True).content.decode()
    client.post(f"{where}resume/")
    row.refresh_from_db()
    assert row.state == SimulationState.RUNNING
    client.post(f"{where}remove/")
    assert not Simulation.objects.exists()


def test_what_could_not_be_judged_says_why(judged: House, tried: Simulation) -> None:
    tried.forecasts.update(state=ForecastState.FAILED, message="The copy cannot be read.")
    client = judged.client(judged.owner)

    assert "The copy cannot be read." in body(client, tried.get_absolute_url())
    detail = f"/simulate/{tried.pk}/{judged.repository.slug}/"
    assert "The copy cannot be read." in body(client, detail)


def test_nobody_tries_more_at_once_than_is_allowed(judged: House) -> None:
    client = judged.client(judged.owner)
    drop = {"drops": "house-rules", "try": "1"}
    for _ in range(simulating.MOST_RUNNING):
        assert client.post("/simulate/new/", drop).status_code == 302
    for where, sent in [
        ("/simulate/new/", drop),
        (
            "/simulate/new/house-rules/HR-1/",
            {"slug": "ours", "title": "Ours", "0-strength": "may", "0-0-in_scripts": "on"},
        ),
    ]:
        refused = client.post(where, sent)
        assert refused.status_code == 422
        assert "3 of your simulations are still running" in refused.content.decode()
    assert Simulation.objects.count() == simulating.MOST_RUNNING
    assert judged.client(judged.mate).post("/simulate/new/", drop).status_code == 302

    first, *_ = Simulation.objects.filter(author=judged.owner).order_by("pk")
    simulating.cancel(first)
    assert client.post("/simulate/new/", drop).status_code == 302
    page = client.post(f"{first.get_absolute_url()}resume/", follow=True).content.decode()
    assert "3 of your simulations are still running" in page
    first.refresh_from_db()
    assert first.state == SimulationState.CANCELLED


def test_simulations_of_long_ago_are_forgotten_with_what_they_told(
    judged: House, tried: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulating.forget_old()
    assert Simulation.objects.get() == tried
    Simulation.objects.update(created_at=timezone.now() - simulating.KEEP - timedelta(days=1))
    monkeypatch.setattr(queue, "ring", lambda *_: True)

    sweeping.sweep()

    assert not Simulation.objects.exists()
    assert not Forecast.objects.exists()


FAILS = {
    "standard": "house-rules",
    "turn": "fails",
    "sentences": ["house-rules reaches 61.0, not 90."],
}


def test_gates_that_turn_are_counted_listed_and_explained(judged: House, tried: Simulation) -> None:
    client = judged.client(judged.owner)
    assert "gate fails" not in body(client, tried.get_absolute_url())
    gate = {
        "passed": False,
        "conditions": [
            {"name": "analysed", "standard": "", "passed": True, "sentence": "2 files."},
            {
                "name": "minimum",
                "standard": "not-stored-yet",
                "passed": False,
                "sentence": "house-rules reaches 61.0, not 90.",
            },
            {
                "name": "not_worse",
                "standard": "house-rules",
                "passed": None,
                "sentence": "There is nothing to compare with yet.",
            },
        ],
    }
    row = tried.forecasts.get()
    details = msgspec.json.decode(zlib.decompress(bytes(row.details)))
    row.details = zlib.compress(msgspec.json.encode({**details, "gate": gate}))
    row.gates_failing, row.gate_turns = 1, [FAILS]
    row.save()

    page = body(client, f"{tried.get_absolute_url()}?show=gate-fails")
    assert "house-rules reaches 61.0, not 90." in page
    assert "gate of house-rules" in page
    assert "house-rules reaches" not in body(client, f"{tried.get_absolute_url()}?show=gate-passes")
    detail = body(client, f"/simulate/{tried.pk}/{judged.repository.slug}/")
    assert "The gate fails: 1 of 3 conditions are not met." in detail
    assert "nothing yet" in detail
    assert "/standards/house-rules/" in detail
    assert "/standards/not-stored-yet/" not in detail


@pytest.fixture
def queries(judged: House, tried: Simulation) -> Callable[[User, str], int]:
    def count(person: User, address: str) -> int:
        client = judged.client(person)
        client.get(address)
        with CaptureQueriesContext(connection) as captured:
            client.get(address)
        return len(captured)

    return count


def test_more_repositories_cost_no_more_queries(
    judged: House, tried: Simulation, queries: Callable[[User, str], int]
) -> None:
    before = queries(judged.owner, tried.get_absolute_url())
    for _ in range(5):
        other = rows.repository(judged.team, judged.standard)
        tried.forecasts.create(repository=other, state=ForecastState.DONE, score=50.0)

    assert queries(judged.owner, tried.get_absolute_url()) == before
    assert queries(judged.owner, "/simulate/") <= before


def test_what_changed_is_named_and_asked_again_from_the_page(
    judged: House, tried: Simulation
) -> None:
    client, where = judged.client(judged.owner), tried.get_absolute_url()
    detail = f"{where}{judged.repository.slug}/"
    assert "Ask again" not in body(client, where) + body(client, detail)
    nothing = client.post(f"{where}again/", follow=True).content.decode()
    assert "Nothing has changed since" in nothing

    Forecast.objects.update(moved=["waivers"])
    Repository.objects.update(gate={"minimum": 90})

    for page in (body(client, where), body(client, detail)):
        assert "changed after it was asked, so part of this: its waivers" in page
        assert "changed since it was judged</span> its gate" in page
        assert f'action="{where}again/"' in page
    assert "settings changed" in body(client, f"{where}?show=moved")
    client.post(f"{where}save/")
    adopted = client.post(f"{where}adopt/", {"repository": [judged.repository.pk]}, follow=True)
    assert "1 of them had changed since being judged here (its gate)" in adopted.content.decode()

    client.post(f"{where}again/")
    simulating.work(tried.pk)

    assert Forecast.objects.get().moved == []
    assert "Ask again" not in body(client, where) + body(client, detail)
    assert judged.client(judged.mate).post(f"{where}again/").status_code == 404
