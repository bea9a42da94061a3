"""Standards, clauses and checks: every clause and every check has its page."""

from __future__ import annotations

import html
import re

import pytest
from django.utils.html import conditional_escape

from checks.rules.flagged import flagged
from checks.rules.specs import examples, specs
from dashboard.models import DatedTable
from dashboard.services import standards
from tests.dashboard import rows
from tests.dashboard.views.conftest import HTMX, House


def _get(house: House, address: str) -> str:
    answer = house.client(house.viewer).get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


def test_a_standard_lists_its_clauses_and_how_each_is_decided(house: House) -> None:
    page = _get(house, "/standards/house-rules/")

    assert "Nothing is printed." in page
    assert "HR-2" in page
    assert house.repository.name in page


def test_a_clause_names_its_checks_and_its_neighbours(house: House) -> None:
    page = _get(house, "/standards/house-rules/HR-1/")

    assert 'href="/checks/no-print/"' in page
    assert 'href="/standards/house-rules/HR-2/"' in page
    assert "Weighs 4 of the 5" in page


def test_a_clause_says_what_its_standard_lets_it_weigh(house: House) -> None:
    text = rows.HOUSE_RULES.replace(b'id = "HR-1"', b'id = "HR-1"\nweight = 7', 1)
    rows.standard(text.replace(b'"should"', b'"may"'))

    assert "Weighs 7 of the 7" in _get(house, "/standards/house-rules/HR-1/")
    assert "it weighs nothing" in _get(house, "/standards/house-rules/HR-2/")


@pytest.mark.parametrize(
    "address",
    ["/standards/nothing/", "/standards/house-rules/HR-9/", "/checks/no-such-check/"],
)
def test_what_does_not_exist_is_not_found(house: House, address: str) -> None:
    assert house.client(house.viewer).get(address).status_code == 404


def test_a_check_shows_why_fix_limits_examples_and_clauses(house: House) -> None:
    page = _get(house, "/checks/no-print/")

    assert "Do this instead" in page
    assert "Violates" in page
    assert 'href="/standards/house-rules/HR-1/"' in page


def test_a_bad_example_is_marked_where_the_check_flags_it(house: House) -> None:
    page = _get(house, "/checks/no-print/")
    place = flagged()["no-print"][0]
    bad = examples("logging")["no-print"][0].bad.strip("\n").split("\n")
    start = bad.index(f"#-- {place.path}")

    marked = re.findall(r'<tr class="flagged"><td>(.*?)</td></tr><tr class="note">', page)

    shown = html.unescape(re.sub(r"<[^>]+>", "", marked[0]))
    assert shown == bad[start + place.line]
    assert conditional_escape(place.message.replace("`", "")) in re.sub(r"</?code>", "", page)


def test_what_no_line_holds_is_said_above_the_example(house: House) -> None:
    page = _get(house, "/checks/alembic-configured/")

    assert flagged()["alembic-configured"][0].line == 0
    assert "Alembic is not set up" in page.partition("example-note")[2]


def test_a_check_names_the_limits_that_a_clause_sets(house: House) -> None:
    for row in standards.load_shipped():
        row.refresh_from_db()

    page = _get(house, "/checks/function-length/")

    assert re.search(r"asks for <code>\w+ = [^<]+</code>", page)


def test_a_check_that_rests_on_a_table_says_of_which_day_it_is(house: House) -> None:
    assert "No table is here yet" in _get(house, "/checks/known-vulnerabilities/")

    DatedTable.objects.create(name="advisory-table.json", data=b"", dated="2024-06-01", rows=7)

    page = _get(house, "/checks/known-vulnerabilities/")
    assert "7 rows, the newest of 2024-06-01" in page
    assert "Its table" not in _get(house, "/checks/no-print/")


def test_a_standard_and_its_clauses_say_what_the_repositories_make_of_them(house: House) -> None:
    house.scan(rows.finding("a" * 32))

    standard = _get(house, "/standards/house-rules/")
    clause = _get(house, "/standards/house-rules/HR-1/")
    stranger = house.client(house.stranger).get("/standards/house-rules/HR-1/").content.decode()

    assert "1 fails" in standard
    assert house.repository.name in clause
    assert f"{house.page('findings/')}?clause=HR-1" in clause
    assert house.repository.name not in stranger


def test_a_ledger_says_what_is_heuristic_contradicts_and_counts_from_when(house: House) -> None:
    text = b"""
slug = "ledger"
title = "Ledger"
[[clause]]
id = "LG-1"
requirement = "Nothing is cached in Redis."
strength = "must"
checks = [{ id = "no-print" }]
conflicts = ["HR-2"]
enforced_from = 2031-05-06
[[clause]]
id = "LG-2"
requirement = "Names say what things are."
strength = "should"
automation = "heuristic"
checks = [{ id = "no-broad-except" }]
[[clause]]
id = "LG-3"
requirement = "The team meets."
strength = "may"
[[clause]]
id = "LG-4"
requirement = "Functions are short."
strength = "may"
checks = [{ id = "function-length" }]
"""
    rows.standard(text)
    page = _get(house, "/standards/ledger/")

    assert 'contradicts <a href="/standards/house-rules/HR-2/">HR-2</a>' in page
    assert "counts from 2031-05-06" in page
    assert "checked, heuristic" in page
    assert "75 %" in page
    assert "None has adopted it" in page


def test_a_standard_leads_to_its_results_and_says_who_was_not_judged(house: House) -> None:
    assert "not judged by it yet" in _get(house, "/standards/house-rules/")
    house.scan(rows.finding("a" * 32))
    page = _get(house, "/standards/house-rules/")

    assert "not judged by it yet" not in page
    assert "Median coverage" in page
    assert f"{house.page('')}?standard=house-rules" in page


def test_every_check_has_a_page(house: House) -> None:
    for identifier in specs():
        _get(house, f"/checks/{identifier}/")


def test_every_shipped_standard_opens_with_all_its_clauses(house: House) -> None:
    for row in standards.load_shipped():
        page = _get(house, f"/standards/{row.slug}/")
        for number in row.clauses.values_list("number", flat=True):
            assert f"/standards/{row.slug}/{number}/" in page


def test_checks_are_found_by_name_and_by_whether_they_are_built(house: House) -> None:
    client = house.client(house.viewer)

    found = client.get("/checks/?q=no-print", headers=HTMX).content.decode()
    nothing = client.get("/checks/?q=zzz&only=built", headers=HTMX).content.decode()

    assert "no-print" in found
    assert "no-broad-except" not in found
    assert "Nothing matches" in nothing


def test_checks_can_be_narrowed_to_an_area(house: House) -> None:
    page = _get(house, "/checks/?area=logging")

    assert 'href="/checks/no-print/"' in page
    assert 'href="/checks/no-broad-except/"' not in page
    assert 'href="/checks/no-broad-except/"' in _get(house, "/checks/?area=nothing")


def test_a_check_links_to_its_open_findings(house: House) -> None:
    house.scan(rows.finding("f1"), rows.finding("f2", line=9))

    page = _get(house, "/checks/no-print/")
    strange = house.client(house.stranger).get("/checks/no-print/").content.decode()

    address = f'/r/{house.repository.slug}/findings/?check=no-print"'
    assert re.search(rf"{re.escape(address)}.*?>2<", page, re.DOTALL)
    assert address not in strange


def test_a_line_that_stands_for_many_says_so_in_words(house: House) -> None:
    for identifier in ("function-length", "module-size"):
        page = _get(house, f"/checks/{identifier}/")
        assert "lines like this" in page
        assert "#-- repeat" not in page
