"""What is told of a proposal is what happens when it is adopted, over real repositories."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest
from django.utils import timezone

from checks.report import json as report_json
from dashboard.models import (
    Attestation,
    Concession,
    Finding,
    ForecastState,
    Repository,
    Scan,
    SimulationState,
    Standard,
    StoredReport,
    Trigger,
    User,
    Waiver,
    WaiverState,
)
from dashboard.services import (
    forecasts,
    mirrors,
    own_standards,
    proposals,
    scanning,
    simulating,
    standards,
)
from dashboard.services.proposals import Proposal
from tests.dashboard import rows
from tests.dashboard.proposed import OWN, SHOP, text
from tests.dashboard.scans import scan_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_machine")]

OTHER = b"""
slug = "other-rules"
title = "Other rules"

[[clause]]
id = "OR-1"
requirement = "Functions are not deeply nested."
strength = "must"
checks = [{ id = "nested-function-depth" }]
conflicts = ["HR-1"]

[[clause]]
id = "OR-2"
requirement = "Nothing is printed."
strength = "should"
checks = [{ id = "no-print" }]
"""


CHANGED = {
    "a strength": [(b'strength = "must"', b'strength = "should"')],
    "a strength to must": [(b'strength = "should"', b'strength = "must"')],
    "a limit": [(b"max_lines = 60", b"max_lines = 10")],
    "a clause left out": [
        (OWN[OWN.index(b'\n[[clause]]\nid = "HR-2"') : OWN.index(b'\n[[clause]]\nid = "HR-3"')],
         b"\n")
    ],
    "a new clause": [
        (b'\n[[clause]]\nid = "HR-4"',
         (b'\n[[clause]]\nid = "HR-9"\nrequirement = "New."\nstrength = "must"\n'
         b'checks = [{ id = "nested-function-depth", params = { max_depth = 0 } }]\n'
         b'\n[[clause]]\nid = "HR-4"'))
    ],
    "a weight": [(b'id = "HR-2"', b'id = "HR-2"\nweight = 40')],
    "weights of strengths and a gate": [
        (b"\n[[clause]]", b"\n[weights]\nmust = 1\nshould = 7\n[gate]\nminimum = 50\n\n[[clause]]")
    ],
    "which comments are accepted": [
        (b"\n[[clause]]", b'\n[waivers]\nsuppressions = "reasoned"\n\n[[clause]]')
    ],
    "another topic": [(b'strength = "must"\n', b'strength = "must"\n# said anew\n')],
    "a clause from a later day": [
        (b'id = "HR-2"', f'id = "HR-2"\nenforced_from = {timezone.localdate() + timedelta(days=9)}'
         .encode())
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGED)
def test_what_is_told_is_what_happens_when_it_is_adopted(
    name: str, make: Callable[..., Repository], lead: User
) -> None:
    repository = make("shop", SHOP)
    wish = simulating.Wish([proposals.part_of(text(OWN, *CHANGED[name]), "house-rules")])

    holds_when_adopted(repository, wish, lead)


def test_a_copy_takes_the_place_of_the_standard_it_was_made_from(
    make: Callable[..., Repository], lead: User
) -> None:
    repository = make("shop", SHOP)
    copy = text(OWN, (b'"house-rules"', b'"stricter"'), (b"max_lines = 60", b"max_lines = 5"))

    holds_when_adopted(repository, simulating.Wish([proposals.part_of(copy, "house-rules")]), lead)

    assert list(repository.adoptions.values_list("slug", flat=True)) == ["stricter"]


def test_standards_come_and_go_and_what_was_decided_about_contradictions_counts(
    make: Callable[..., Repository], lead: User
) -> None:
    repository = make("shop", SHOP)
    Concession.objects.create(
        repository=repository,
        standard_slug="house-rules",
        clause_number="HR-1",
        yields_to="other-rules/OR-1",
    )
    added = simulating.Wish([proposals.part_of(OTHER.decode(), "")])
    outlook = holds_when_adopted(repository, added, lead)
    verdicts = {c.id: c.verdict for c in outlook.sides[0].after.standards[0].clauses}
    assert verdicts["HR-1"] == "not-applicable"

    repository = Repository.objects.get(pk=repository.pk)
    dropped = simulating.Wish(drops=frozenset({"house-rules"}))
    holds_when_adopted(repository, dropped, lead)
    assert list(repository.adoptions.values_list("slug", flat=True)) == ["other-rules"]


def test_what_a_lead_has_attested_counts_for_a_question_never_asked(
    make: Callable[..., Repository], lead: User
) -> None:
    repository = make("shop", SHOP)
    Attestation.objects.create(
        repository=repository,
        topic="secret-rotation",
        statement="Rotated each month.",
        evidence="The record of the last drill is in the wiki of the team, page 12.",
        author=lead,
        expires_at=timezone.now() + timedelta(days=30),
    )
    asked = (
        b'\n[[clause]]\nid = "HR-4"',
        (
            b'\n[[clause]]\nid = "HR-5"\nrequirement = "Secrets are rotated."\nstrength = "must"\n'
            b'checks = [{ id = "lead-attestation", params = { topic = "secret-rotation" } }]\n'
            b'\n[[clause]]\nid = "HR-4"'
        ),
    )
    wish = simulating.Wish([proposals.part_of(text(OWN, asked), "house-rules")])

    outlook = holds_when_adopted(repository, wish, lead)

    verdicts = {c.id: c.verdict for c in outlook.sides[0].after.standards[0].clauses}
    assert verdicts["HR-5"] == "attested"


def test_what_a_lead_has_attested_since_the_scan_counts_as_it_will(
    make: Callable[..., Repository], lead: User
) -> None:
    repository = make("shop", SHOP)
    Attestation.objects.create(
        repository=repository,
        topic="HR-4",
        statement="I vouch for it.",
        evidence="The record of the last drill is in the wiki of the team, page 12.",
        author=lead,
        expires_at=timezone.now() + timedelta(days=30),
    )
    looser = text(OWN, (b"max_lines = 60", b"max_lines = 70"))
    wish = simulating.Wish([proposals.part_of(looser, "house-rules")])

    outlook = holds_when_adopted(repository, wish, lead)

    (before,), (after,) = outlook.sides[0].before.standards, outlook.sides[0].after.standards
    verdicts = [{c.id: c.verdict for c in each.clauses}["HR-4"] for each in (before, after)]
    assert verdicts == ["due", "attested"]


def test_what_is_waived_stays_waived_as_far_as_the_proposal_names_it(
    make: Callable[..., Repository], lead: User
) -> None:
    repository = make("shop", SHOP)
    for clause in ("house-rules/HR-1", "house-rules/HR-2"):
        Waiver.objects.create(
            repository=repository,
            scope="clause",
            clause=clause,
            reason="Until the rewrite.",
            state=WaiverState.GRANTED,
            author=lead,
            approver=rows.user(),
            absorbed=1,
            expires_on=timezone.localdate() + timedelta(days=30),
        )
    scanning.request(repository, Trigger.MANUAL)
    scan_of(repository)
    repository = Repository.objects.get(pk=repository.pk)
    waived = repository.waived_count
    assert waived
    stricter = text(OWN, (b"max_lines = 60", b"max_lines = 10"))

    outlook = holds_when_adopted(
        repository, simulating.Wish([proposals.part_of(stricter, "house-rules")]), lead
    )
    assert outlook.after.waived_count == waived

    repository = Repository.objects.get(pk=repository.pk)
    copy = stricter.replace('"house-rules"', '"another"')
    outlook = holds_when_adopted(
        repository, simulating.Wish([proposals.part_of(copy, "house-rules")]), lead
    )
    assert outlook.after.waived_count == 0


def holds_when_adopted(
    repository: Repository, wish: simulating.Wish, lead: User
) -> forecasts.Outlook:
    """Try, save, adopt and scan; the report told before is the one stored after, byte for byte."""
    proposal = Proposal(wish.parts, wish.drops)
    told = forecasts.forecast(repository, proposal, timezone.localdate())
    row = simulating.begin(wish, lead)
    simulating.work(row.pk)
    row.refresh_from_db()
    assert row.state == SimulationState.DONE
    forecast = row.forecasts.get()
    assert forecast.state == ForecastState.DONE, forecast.message

    proposals.save(proposal, lead)
    assert proposals.adopt(proposal, [repository.pk], lead) == 1
    before = {(each.check_id, each.fingerprint) for each in _open(repository)}
    scan = scan_of(repository)

    (side,) = told.sides
    stored = zlib.decompress(StoredReport.objects.get().data)
    assert stored.decode() == report_json.render(side.after)
    numbers = ("score", "raw_score", "low", "letter", "open_must", "findings_count")
    assert [getattr(forecast, each) for each in numbers] == [
        getattr(scan, each) for each in numbers
    ]
    after = {(each.check_id, each.fingerprint) for each in _open(repository)}
    assert (forecast.appearing, forecast.vanishing) == (len(after - before), len(before - after))
    assert msgspec.json.decode(zlib.decompress(forecast.details))["gate"] == scan.gate
    return told


def _open(repository: Repository) -> list[Finding]:
    standing = repository.findings.filter(state__in=["open", "reopened"], suppressed=False)
    return list(standing.filter(waived_by__isnull=True))


def test_what_the_answers_at_hand_tell_needs_no_copy_of_the_repository(
    make: Callable[..., Repository], lead: User
) -> None:
    repository = make("shop", SHOP)
    mirrors.remove(repository.pk)
    looser = text(OWN, (b'strength = "must"', b'strength = "may"'))

    row = simulating.begin(simulating.Wish([proposals.part_of(looser, "house-rules")]), lead)
    simulating.work(row.pk)

    forecast = row.forecasts.get()
    assert (forecast.state, forecast.asked) == (ForecastState.DONE, 0)
    assert not mirrors.path(repository).exists()
    assert forecast.change != 0


def _damage_answers() -> None:
    StoredReport.objects.update(answers=b"damaged")


def _change_release() -> None:
    for scan in Scan.objects.all():
        scan.ruling = {**(scan.ruling or {}), "engine": "another"}
        scan.save(update_fields=["ruling"])


@pytest.mark.parametrize("happens", [_damage_answers, _change_release])
def test_answers_of_another_release_are_asked_again(
    happens: Callable[[], None], make: Callable[..., Repository], lead: User
) -> None:
    repository = make("shop", SHOP)
    proposal = Proposal([proposals.part_of(OWN.decode(), "house-rules")])
    assert forecasts.forecast(repository, proposal, timezone.localdate()).asked == 0

    happens()
    repository = Repository.objects.get(pk=repository.pk)
    outlook = forecasts.forecast(repository, proposal, timezone.localdate())

    assert outlook.asked == 4
    assert outlook.after == outlook.before


def test_the_details_name_what_opens_appears_and_vanishes(
    make: Callable[..., Repository], lead: User
) -> None:
    make("shop", SHOP)
    changed = text(
        OWN,
        (b'strength = "should"', b'strength = "must"'),
        (b"max_lines = 60", b"max_lines = 10"),
        (b'checks = [{ id = "no-print" }]', b'checks = [{ id = "nested-function-depth" }]'),
    )
    row = simulating.begin(simulating.Wish([proposals.part_of(changed, "house-rules")]), lead)
    simulating.work(row.pk)

    forecast = row.forecasts.get()
    details = msgspec.json.decode(zlib.decompress(forecast.details))
    assert details["appearing"]["checks"] == [["function-length", 1]]
    assert details["vanishing"]["checks"] == [["no-print", 1]]
    assert details["vanishing"]["rows"][0]["path"] == "app/main.py"
    opened = [c["id"] for c in details["standards"][0]["clauses"] if c["opens"]]
    assert opened == ["HR-2"]
    assert forecast.new_musts == 1


def test_only_what_the_proposal_touches_is_judged_and_the_rest_is_counted(
    make: Callable[..., Repository], lead: User
) -> None:
    team = make("shop", SHOP).team
    rows.repository(team, rows.standard(OTHER))
    rows.repository(team, Standard.objects.get(slug="house-rules"))
    rows.repository(rows.team(), Standard.objects.get(slug="house-rules"))

    row = simulating.begin(simulating.Wish(drops=frozenset({"house-rules"})), lead)

    assert row.forecasts.count() == 1
    assert (row.untouched, row.unscanned) == (1, 1)


def test_a_text_that_is_not_stored_is_adopted_by_nobody(
    make: Callable[..., Repository], lead: User
) -> None:
    repository = make("shop", SHOP)
    proposal = Proposal([proposals.part_of(OTHER.decode(), "")])

    with pytest.raises(proposals.UnsavedError):
        proposals.adopt(proposal, [repository.pk], lead)
    stranger = rows.user()
    with pytest.raises(own_standards.RefusedError):
        proposals.save(Proposal([proposals.part_of(OWN.decode() + "# own\n", "")]), stranger)
    standards.store(proposal.parts[0].standard, OTHER)
    assert proposals.adopt(proposal, [repository.pk], stranger) == 0
