"""The page on which leads vouch, and the one that says what ends next."""

from __future__ import annotations

import pytest

from dashboard.models import Attestation, Clause, ClauseResult, Repository, ScanStandard
from dashboard.services import standards
from tests.dashboard import rows
from tests.dashboard.test_attestations import RULES
from tests.dashboard.views.conftest import House

SAID = {
    "topic": "secret-rotation",
    "statement": "All of them, each quarter.",
    "evidence": "https://wiki.example.org/rotation",
    "days": "30",
    "watched": "deploy/*.yaml\n",
}


@pytest.fixture
def asked(house: House) -> House:
    """The house, whose standard wants two things attested."""
    standards.adopt(house.repository, [house.standard, rows.standard(RULES)], house.owner)
    return house


def test_a_lead_attests_and_everybody_sees_it(asked: House) -> None:
    page = asked.page("attestations/")

    answer = asked.client(asked.owner).post(page, SAID)

    assert answer.status_code == 302
    record = Attestation.objects.get()
    assert record.watched == ["deploy/*.yaml"]
    shown = asked.client(asked.viewer).get(page).content.decode()
    assert "All of them, each quarter." in shown
    assert "WR-1" in shown
    assert "1 of 2 topics due" in shown
    assert 'name="statement"' not in shown
    ending = asked.client(asked.viewer).get("/attestations/").content.decode()
    assert "secret-rotation" in ending
    assert (
        "secret-rotation" not in asked.client(asked.stranger).get("/attestations/").content.decode()
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"days": "5000"}, "for 90 days at most"),
        ({"evidence": "trust me"}, "Give a link, or at least 20 characters."),
        ({"statement": " "}, "Say what you vouch for."),
    ],
)
def test_what_does_not_count_is_refused_with_what_was_typed_kept(
    asked: House, change: dict[str, str], sentence: str
) -> None:
    answer = asked.client(asked.owner).post(asked.page("attestations/"), SAID | change)

    page = answer.content.decode()
    assert answer.status_code == 422
    assert sentence in page
    assert "deploy/*.yaml" in page
    assert not Attestation.objects.exists()


def test_only_leads_attest_and_withdraw(asked: House) -> None:
    page = asked.page("attestations/")
    asked.client(asked.owner).post(page, SAID)
    record = Attestation.objects.get()

    assert asked.client(asked.mate).post(page, SAID).status_code == 403
    assert asked.client(asked.stranger).post(page, SAID).status_code == 404
    assert asked.client(asked.mate).post(f"{page}{record.pk}/withdraw/").status_code == 403
    assert asked.client(asked.owner).post(f"{page}{record.pk}/withdraw/").status_code == 302
    record.refresh_from_db()
    assert record.withdrawn_at is not None


def test_a_topic_that_nobody_asks_for_cannot_be_attested(asked: House) -> None:
    answer = asked.client(asked.owner).post(asked.page("attestations/"), SAID | {"topic": "x"})

    assert answer.status_code == 404


def test_a_repository_without_such_clauses_says_so(house: House) -> None:
    page = house.client(house.viewer).get(house.page("attestations/")).content.decode()

    assert "Nothing to attest" in page


def test_a_pattern_that_matched_no_file_is_warned_about(asked: House) -> None:
    asked.client(asked.owner).post(asked.page("attestations/"), SAID)
    assert "matched no file" not in _page(asked)

    Attestation.objects.update(seen={})

    assert "matched no file in the judged commit" in _page(asked)


def test_a_topic_stands_in_words(asked: House) -> None:
    assert ">Secret rotation</h2>" in _page(asked)


def _page(asked: House) -> str:
    return asked.client(asked.viewer).get(asked.page("attestations/")).content.decode()


def test_what_is_due_stands_in_the_tab_the_menu_and_the_list(asked: House) -> None:
    scan = asked.scan()
    clause = Clause.objects.get(standard__slug="word-rules", number="WR-1")
    head = ScanStandard.objects.create(
        scan=scan,
        component=asked.repository.components.get(),
        standard=clause.standard,
        version=clause.standard.version,
        coverage=1.0,
        open_must=1,
    )
    numbers = {"weight": 4, "loss": 40.0, "sites": 1, "violations": 0, "suppressed": 0}
    ClauseResult.objects.create(scan_standard=head, clause=clause, verdict="due", **numbers)
    Repository.objects.update(due_count=1)

    assert _page(asked).count(">1 due</span>") == 2
    listed = asked.client(asked.viewer).get("/attestations/").content.decode()
    foreign = asked.client(asked.stranger).get("/attestations/").content.decode()
    assert "Secret rotation</a>" in listed
    assert "−40.0" in listed
    assert "Secret rotation" not in foreign
