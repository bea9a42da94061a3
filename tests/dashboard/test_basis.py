"""What a forecast rests on is named when it changes; until then what was told holds."""

from __future__ import annotations

import datetime
import zlib
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from checks.gate import Gate
from checks.standard import parse
from dashboard.models import (
    Adoption,
    Attestation,
    Component,
    Concession,
    DatedTable,
    Forecast,
    ForecastState,
    Membership,
    Repository,
    Role,
    Simulation,
    SimulationState,
    User,
    Waiver,
    WaiverState,
)
from dashboard.models.simulation import ForecastQuerySet
from dashboard.services import basis, gates, proposals, simulating, simulation_page, standards
from tests.dashboard import rows
from tests.dashboard.proposed import OWN, SHOP, text
from tests.dashboard.scans import scan_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_machine")]

LOOSER = text(OWN, (b'strength = "must"', b'strength = "may"'))
DATED = OWN.replace(
    b'id = "HR-2"', b'id = "HR-2"\nadvisory_from = 2030-01-01\nenforced_from = 2030-02-01'
)


def _waive(repository: Repository) -> None:
    Waiver.objects.create(
        repository=repository,
        scope="path",
        path_pattern="app/",
        reason="It goes in spring.",
        state=WaiverState.GRANTED,
        expires_on=timezone.localdate() + timedelta(days=30),
        absorbed=5,
    )


def _attest(repository: Repository) -> None:
    Attestation.objects.create(
        repository=repository,
        topic="hr-4",
        statement="It is so.",
        author=User.objects.get(username="the-lead"),
        expires_at=timezone.now() + timedelta(days=30),
    )


def _yield(repository: Repository) -> None:
    Concession.objects.create(
        repository=repository, standard_slug="a", clause_number="A-1", yields_to="b/B-1"
    )


def _bring(repository: Repository) -> None:
    data = zlib.compress(b"{}")
    DatedTable.objects.create(name="advisories", data=data, dated=timezone.localdate(), rows=0)


CHANGES: dict[str, Callable[[Repository], object]] = {
    "scan": scan_of,
    "adopted": lambda each: standards.adopt(each, [rows.standard()], None),
    "yielding": _yield,
    "folders": lambda each: Component.objects.create(repository=each, path="backend"),
    "waivers": _waive,
    "attested": _attest,
    "gate": lambda each: gates.choose(each, Gate(minimum=90), None),
    "tables": _bring,
}


def asked(lead: User) -> Simulation:
    return simulating.begin(simulating.Wish([proposals.part_of(LOOSER, "house-rules")]), lead)


@pytest.mark.parametrize("name", CHANGES)
def test_what_changes_between_the_question_and_the_answer_is_named(
    name: str, make: Callable[..., Repository], lead: User
) -> None:
    repository = make("shop", SHOP)
    row = asked(lead)

    CHANGES[name](repository)
    simulating.work(row.pk)

    forecast = row.forecasts.get()
    assert (forecast.state, forecast.moved) == (ForecastState.DONE, [name])
    (compared,) = basis.compared([forecast], proposals.read(row))
    assert compared.moved == []
    assert simulating.ask_again(row) == 1
    simulating.work(row.pk)
    assert row.forecasts.get().moved == []
    assert simulating.ask_again(row) == 0


def test_what_changes_after_the_answer_is_named_and_asked_again_with_it(
    make: Callable[..., Repository], lead: User
) -> None:
    repository = make("shop", SHOP)
    row = asked(lead)
    simulating.work(row.pk)
    before = row.forecasts.get()
    proposal = proposals.read(row)
    assert basis.compared([before], proposal)[0].moved == []

    _waive(repository)
    gates.choose(repository, Gate(minimum=99), None)

    (compared,) = basis.compared([row.forecasts.get()], proposal)
    assert compared.words == "its waivers and its gate"
    assert simulating.ask_again(row) == 1
    row.refresh_from_db()
    assert row.state == SimulationState.RUNNING
    simulating.work(row.pk)
    told = row.forecasts.get()
    assert (told.moved, told.gates_failing + told.gates_passing) == ([], 1)
    proposals.save(proposal, lead)
    adopted = simulating.adopt(row, [repository.pk], lead)
    assert (adopted.count, adopted.moved) == (1, 0)
    scan = scan_of(repository)
    assert (told.score, told.open_must) == (scan.score, scan.open_must)
    assert told.score != before.score


def test_adopting_says_what_is_not_any_more_as_it_was_judged(
    make: Callable[..., Repository], lead: User
) -> None:
    repository = make("shop", SHOP)
    row = asked(lead)
    simulating.work(row.pk)
    proposals.save(proposals.read(row), lead)
    _attest(repository)

    adopted = simulating.adopt(row, [repository.pk], lead)

    assert (adopted.count, adopted.moved, adopted.words) == (1, 1, "its attestations")


def test_what_a_proposal_did_itself_is_no_reason_to_ask_again(
    make: Callable[..., Repository], lead: User
) -> None:
    one, other = make("shop", SHOP), make("till", SHOP)
    row = asked(lead)
    simulating.work(row.pk)
    proposals.save(proposals.read(row), lead)
    assert simulating.adopt(row, [one.pk], lead).count == 1
    scan_of(one)

    told = simulation_page.read_results(lead, row, simulation_page.ResultQuery())
    assert (told.stale, simulating.ask_again(row)) == (0, 0)

    _waive(one)
    _waive(other)
    told = simulation_page.read_results(lead, row, simulation_page.ResultQuery())
    assert (told.stale, [each.moved for each in told.rows if each.moved]) == (1, [["waivers"]])
    assert simulating.ask_again(row) == 1


def test_what_is_on_another_page_of_the_results_is_counted_as_changed(
    make: Callable[..., Repository], lead: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = make("shop", SHOP), make("till", SHOP)
    row = asked(lead)
    simulating.work(row.pk)
    _waive(one)
    monkeypatch.setattr(simulation_page, "PAGE_SIZE", 1)

    query = simulation_page.ResultQuery(sort="name", page="2")
    told = simulation_page.read_results(lead, row, query)

    assert (told.stale, [each.moved for each in told.rows]) == (1, [[]])


def test_a_worker_that_comes_late_ends_nothing_that_was_asked_again(
    make: Callable[..., Repository], lead: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = make("shop", SHOP)
    row = asked(lead)
    simulating.work(row.pk)
    Simulation.objects.update(state=SimulationState.RUNNING)
    unfinished = simulating.unfinished
    looked: list[Simulation] = []

    def ask_meanwhile(each: Simulation) -> ForecastQuerySet:
        if not looked:
            looked.append(each)
            assert not unfinished(each).exists()
            _waive(repository)
            assert simulating.ask_again(each) == 1
            return Forecast.objects.none()
        return unfinished(each)

    monkeypatch.setattr(simulating, "unfinished", ask_meanwhile)
    simulating.work(row.pk)

    row.refresh_from_db()
    assert (looked, row.state) == ([row], SimulationState.RUNNING)


def test_days_count_only_where_something_begins_or_ends_on_them() -> None:
    repository = rows.repository(None, rows.standard(DATED))
    own = Repository.objects.filter(pk=repository.pk)
    proposed = [parse(DATED.replace(b"2030", b"2031"), "test")]
    Adoption.objects.update(fresh={"HR-1": "2029-01-01"})
    _waive(repository)
    end = datetime.date(2035, 3, 1)
    Waiver.objects.update(expires_on=end)

    def differs(first: str, second: str) -> list[str]:
        then, now = (datetime.date.fromisoformat(each) for each in (first, second))
        past, future = (basis.of(own, proposed, each)[repository.pk] for each in (then, now))
        return basis.moved(past, future)

    assert differs("2027-06-01", "2028-06-01") == []
    assert differs("2028-12-31", "2029-01-01") == ["adopted"]
    assert differs("2029-12-31", "2030-01-01") == ["adopted"]
    assert differs("2030-12-31", "2031-01-01") == ["dates"]
    assert differs(end.isoformat(), (end + timedelta(days=1)).isoformat()) == ["waivers"]


def test_the_word_of_somebody_who_leads_no_longer_has_changed() -> None:
    lead = rows.user("the-lead")
    repository = rows.repository(rows.team(lead=lead))
    _attest(repository)
    own = Repository.objects.filter(pk=repository.pk)
    before = basis.of(own, [], timezone.localdate())[repository.pk]

    Membership.objects.update(role=Role.VIEWER)

    assert basis.moved(before, basis.of(own, [], timezone.localdate())[repository.pk]) == [
        "attested"
    ]


def test_many_repositories_are_asked_as_one() -> None:
    standard = rows.standard(DATED)

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            basis.of(Repository.objects.all(), [], timezone.localdate())
        return len(seen)

    rows.repository(None, standard)
    few = queries()
    for _ in range(5):
        rows.repository(None, standard)
    assert queries() == few
