"""Search: what is found, what strangers do not see, and how many queries it takes."""

from __future__ import annotations

import re

import msgspec
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dashboard.services.search import CAP, KINDS
from tests.dashboard import rows
from tests.dashboard.views.conftest import HTMX, House
from tests.services import on_postgresql


def _found(house: House, text: str, **more: str) -> str:
    return house.client(house.viewer).get("/search/", {"q": text, **more}).text


def test_every_kind_is_found_by_part_of_a_word(house: House) -> None:
    finding = msgspec.structs.replace(
        rows.finding("f1", path="app/Ledger.py"), symbol="app.ledger:book"
    )
    house.scan(finding)

    assert house.page() in _found(house, house.repository.name[:6].upper())
    assert "/standards/house-rules/HR-1/" in _found(house, "hr-1")
    assert "/standards/house-rules/HR-1/" in _found(house, "is printed")
    assert "/checks/no-print/" in _found(house, "no-pri")
    by_path = _found(house, "LEDGER")
    assert "findings/?path=app%2FLedger.py" in by_path
    assert "1 finding" in by_path
    assert "/f/" in by_path
    assert "/f/" in _found(house, "ledger:BOOK")
    assert "/f/" in _found(house, "writes to standard")


@pytest.mark.skipif(not on_postgresql(), reason="SQLite has no trigrams")
def test_the_index_of_trigrams_is_about_what_is_asked(house: House) -> None:
    asked, _ = KINDS["findings"][1](house.owner, "ledger").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'finding_search'")
        (kept,) = cursor.fetchone()

    # An index is used for the very expression that it was made of, and for no other.
    for column in ("message", "path", "symbol"):
        assert re.search(rf'UPPER\("\w+"."{column}"::text\) LIKE UPPER\(%s\)', asked)
        assert re.search(rf"upper\(\(?{column}\)?(::text)?\) gin_trgm_ops", kept)


def test_of_what_too_many_hold_a_part_is_shown_and_the_page_says_so(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.services.search.MOST", 8)
    house.scan(*(rows.finding(f"f{n}", path=f"app/ledger{n % 2}.py", line=n + 1) for n in range(9)))

    page = _found(house, "ledger", only="findings")
    assert page.count('href="/f/') == 8
    assert "a longer text finds fewer" in page
    files = _found(house, "ledger", only="files")
    assert "5 findings" in files
    assert "4 findings" in files
    assert "a longer text finds fewer" in files
    assert "a longer text finds fewer" not in _found(house, "ledger1", only="files")
    assert "a longer text finds fewer" not in _found(house, "ledger1", only="findings")


def test_strangers_find_nothing_of_a_repository(house: House) -> None:
    house.scan(rows.finding("f1", path="app/ledger.py"))

    for text in ("ledger", house.repository.name, "standard output", house.repository.slug):
        page = house.client(house.stranger).get("/search/", {"q": text}).text
        assert "/f/" not in page
        assert house.page() not in page


def test_a_finding_that_is_fixed_is_not_found(house: House) -> None:
    house.scan(rows.finding("f1", path="app/ledger.py"))
    house.scan()

    assert "Nothing found" in _found(house, "ledger")


def test_a_kind_with_many_hits_leads_to_all_of_them(house: House) -> None:
    house.scan(
        *(rows.finding(f"f{number}", path="app/ledger.py", line=number + 1) for number in range(60))
    )

    few = _found(house, "ledger")
    assert few.count('href="/f/') == CAP
    assert "?q=ledger&amp;only=findings" in few
    assert _found(house, "ledger", only="findings").count('href="/f/') == 50
    assert _found(house, "ledger", only="findings", page="2").count('href="/f/') == 10
    assert "all files" not in few


def test_the_number_of_queries_does_not_depend_on_what_is_found(house: House) -> None:
    client = house.client(house.viewer)

    def count(text: str) -> int:
        with CaptureQueriesContext(connection) as seen:
            client.get("/search/", {"q": text})
        return len(seen)

    nothing = count("no such thing")
    other = rows.repository(house.team, house.standard)
    house.scan(*(rows.finding(f"f{n}", path=f"app/print{n}.py") for n in range(20)))
    assert count("print") == nothing
    assert count(other.name[:5]) == nothing


def test_short_odd_and_hostile_texts_are_answered(house: House) -> None:
    house.scan(rows.finding("f1"))

    assert "Three letters at least" in _found(house, "ab")
    assert "What are you looking for?" in _found(house, " ")
    assert "Nothing found" in _found(house, "%%%")
    assert "<x>" not in _found(house, '"><x>\x00')
    assert "no such" in _found(house, "no such" * 100)
    assert "Checks" in _found(house, "print", only="other", page="-3")


def test_a_fragment_holds_the_hits_alone(house: House) -> None:
    answer = house.client(house.viewer).get("/search/", {"q": "print"}, headers=HTMX)

    assert b"<html" not in answer.content
    assert b'<div id="hits"' in answer.content
