"""What concerns one person: new since their visit, theirs, asked of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard.models import Finding, Repository, User, Waiver, WaiverScope, WaiverState
from dashboard.services import conflicts, my_work, standards
from tests.dashboard import rows
from tests.dashboard.views.conftest import House

OTHER = rows.HOUSE_RULES.replace(b"house-rules", b"other-rules").replace(b"HR-", b"OR-")
OTHER = OTHER.replace(b'id = "OR-1"', b'id = "OR-1"\nconflicts = ["HR-1"]')


def _wait(person: User, how_long: timedelta) -> User:
    now = timezone.now()
    User.objects.filter(pk=person.pk).update(visited_at=now - how_long)
    return User.objects.get(pk=person.pk)


def test_findings_are_new_until_the_visit_after_the_one_that_showed_them(house: House) -> None:
    house.scan(rows.finding("f0", line=9))
    mate = house.mate
    my_work.note_visit(mate)
    assert my_work.read_my_work(mate).new.total == 0, "what the first look finds is no news"
    house.scan(rows.finding("f0", line=9), rows.finding("f1"))
    assert my_work.read_my_work(mate).new.total == 1

    my_work.note_visit(mate)
    assert my_work.read_my_work(mate).new.total == 1, "the same visit"
    Finding.objects.update(opened_at=timezone.now() - timedelta(hours=3))
    mate = _wait(mate, timedelta(hours=2))
    my_work.note_visit(mate)

    assert my_work.read_my_work(mate).new.total == 0
    assert User.objects.get(pk=mate.pk).visited_before == mate.visited_before


def _name_owners(house: House) -> None:
    """Note on the repository what a scan notes."""
    owners = Finding.objects.filter(repository=house.repository).owner_names()
    Repository.objects.filter(pk=house.repository.pk).update(owners=owners)


@pytest.mark.parametrize("owner", ["@{0.username}", "{0.email}"])
def test_a_finding_is_mine_by_the_file_of_owners(house: House, owner: str) -> None:
    house.scan(rows.finding("f1"), rows.finding("f2", line=9))
    named = Finding.objects.get(fingerprint="f1")
    Finding.objects.filter(pk=named.pk).update(owners=["@web", owner.format(house.mate).upper()])
    _name_owners(house)

    assert my_work.read_my_work(house.mate).mine.rows == [named]
    assert my_work.read_my_work(house.viewer).mine.total == 0


def test_a_finding_is_mine_by_the_name_of_its_author(house: House) -> None:
    User.objects.filter(pk=house.mate.pk).update(first_name="Ada", last_name="Byron")
    house.scan(rows.finding("f1"), rows.finding("f2", line=9))
    brought = Finding.objects.get(fingerprint="f2")
    brought.events.update(author="ada byron")

    assert my_work.read_my_work(User.objects.get(pk=house.mate.pk)).mine.rows == [brought]


def _waiver(house: House, author: User, state: WaiverState = WaiverState.REQUESTED) -> Waiver:
    return Waiver.objects.create(
        repository=house.repository,
        scope=WaiverScope.CLAUSE,
        clause="house-rules/HR-1",
        reason="Old client.",
        author=author,
        state=state,
    )


def test_leads_are_asked_for_what_others_want_and_nobody_for_their_own(house: House) -> None:
    wish = _waiver(house, house.mate)
    own = _waiver(house, house.owner)
    _waiver(house, house.mate, WaiverState.REFUSED)
    Repository.objects.update(due_count=2)

    work = my_work.read_my_work(house.owner)
    assert work.asked
    assert work.asked.waivers.rows == [wish]
    assert work.waivers.rows == [own]
    assert (work.asked.due_total, list(work.asked.due)) == (2, [house.repository])
    mates = my_work.read_my_work(house.mate)
    assert mates.asked is None
    assert mates.waivers.rows == [wish]


def test_undecided_contradictions_are_counted_as_on_the_page_of_each(house: House) -> None:
    other = rows.standard(OTHER)
    both = rows.repository(house.team, house.standard, other)
    decided = rows.repository(house.team, house.standard, other)
    decided.concessions.create(
        standard_slug="house-rules", clause_number="HR-1", yields_to="other-rules/OR-1"
    )

    found = conflicts.undecided_in(Repository.objects.filter(team=house.team))

    assert found == [(both, 1)]
    for row in (house.repository, both, decided):
        assert dict(found).get(row, 0) == conflicts.undecided(row)


def test_the_page_takes_the_same_number_of_queries_however_much_there_is(house: House) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert house.client(house.owner).get("/me/").status_code == 200
        return len(seen)

    house.scan(rows.finding("f1"))
    _waiver(house, house.mate)
    count()
    few = count()
    house.scan(*(rows.finding(f"g{number}", line=number + 1) for number in range(20)))
    for _ in range(5):
        standards.adopt(rows.repository(house.team), [house.standard], None)
        _waiver(house, house.mate)

    assert count() == few


def test_an_administrator_in_no_team_looks_after_all(house: House) -> None:
    administrator = rows.user(is_superuser=True)

    assert my_work.read_my_work(administrator).repositories.total == Repository.objects.count()
    assert my_work.read_my_work(house.stranger).repositories.total == 0


def test_a_long_list_leads_to_all_of_it(house: House) -> None:
    house.scan()
    house.scan(*(rows.finding(f"f{number}", line=number + 1) for number in range(60)))
    client = house.client(house.mate)

    assert 'href="?all=new">all 60' in client.get("/me/").text
    assert client.get("/me/?all=new").text.count('href="/f/') == 50
    assert client.get("/me/?all=new&page=2").text.count('href="/f/') == 10
    assert client.get("/me/?all=mine").text.count('href="/f/') == 0


def test_what_is_both_owned_and_brought_is_mine_once_and_only_while_it_counts(
    house: House,
) -> None:
    house.scan(rows.finding("f1"), rows.finding("f2", line=9))
    Finding.objects.update(owners=[f"@{house.mate.username}"])
    for row in Finding.objects.all():
        row.events.update(author=house.mate.username.upper())
    _name_owners(house)
    assert my_work.read_my_work(house.mate).mine.total == 2

    Finding.objects.filter(fingerprint="f1").update(suppressed=True)

    assert [row.fingerprint for row in my_work.read_my_work(house.mate).mine.rows] == ["f2"]


def test_a_scan_notes_whom_the_open_findings_name(house: House) -> None:
    house.scan(rows.finding("f1"), rows.finding("f2", line=9))
    Finding.objects.filter(fingerprint="f2").update(owners=["@Web", "@web", "a@example.org"])
    assert Finding.objects.owner_names() == ["@web", "a@example.org"]
    Repository.objects.update(owners=["@gone"])

    house.scan(rows.finding("f1"))

    house.repository.refresh_from_db()
    assert house.repository.owners == []


def test_lists_that_nobody_reads_to_the_end_are_not_counted_to_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.scan(*(rows.finding(f"f{number}", line=number + 1) for number in range(5)))
    Finding.objects.update(owners=[f"@{house.mate.username}"])
    _name_owners(house)
    assert my_work.read_my_work(house.mate).mine.words == "5"
    monkeypatch.setattr(my_work, "MOST", 3)

    assert my_work.read_my_work(house.mate).mine.words == "more than 3"
    assert my_work.read_all(house.mate, "mine", "1").paginator.count == 3
