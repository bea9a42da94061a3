"""Findings: facets and paging, one finding with its clause and its remedy, exports."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from datetime import UTC, datetime
from urllib.parse import quote

import msgspec
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoCaptureOnCommitCallbacks

from checks import model as engine
from checks.rules.specs import examples, specs
from dashboard.models import Finding, Repository, SourceFile, SourceState
from dashboard.services import source_view, standards
from dashboard.services.transitions import MAX_STORED
from tests.dashboard import rows
from tests.dashboard.views.conftest import HTMX, House


def _changed(finding: engine.Finding, **fields: object) -> engine.Finding:
    return msgspec.structs.replace(finding, **fields)


def _three(house: House) -> None:
    house.scan(
        rows.finding("f1", path="app/api/users.py"),
        rows.finding("f2", path="app/services/mail.py", check="no-broad-except"),
        _changed(rows.finding("f3", path="apps/old.py"), suppressed=True, gain={}),
    )


def _places(house: House, query: str = "") -> list[str]:
    page = house.client(house.owner).get(house.page(f"findings/{query}")).content.decode()
    return re.findall(r'<div class="small soft anywhere"><bdi>(.*?)</bdi>', page)


def test_open_findings_are_listed_musts_first_and_suppressed_ones_apart(house: House) -> None:
    _three(house)

    assert _places(house) == ["app/api/users.py:3", "app/services/mail.py:3"]
    assert _places(house, "?suppressed=1") == ["apps/old.py:3"]


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("?check=no-print", ["app/api/users.py:3"]),
        ("?clause=HR-2", ["app/services/mail.py:3"]),
        ("?strength=should", ["app/services/mail.py:3"]),
        ("?path=app/api/", ["app/api/users.py:3"]),
        ("?state=fixed", []),
        ("?clause=HR", []),
        ("?sort=path", ["app/api/users.py:3", "app/services/mail.py:3"]),
    ],
)
def test_a_facet_narrows_the_list(house: House, query: str, places: list[str]) -> None:
    _three(house)

    assert _places(house, query) == places


def test_facets_count_what_is_left_and_a_chosen_one_can_be_taken_away(house: House) -> None:
    _three(house)

    page = house.client(house.owner).get(house.page("findings/?path=app/")).content.decode()

    assert 'href="?path=app%2Fapi%2F"' in page
    assert 'href="?path=app%2F&amp;check=no-print"' in page or 'href="?check=no-print' in page
    assert "below app/" in page


def test_a_fixed_finding_is_found_under_its_state(house: House) -> None:
    house.scan(rows.finding("f1"))
    house.scan()

    assert _places(house) == []
    assert _places(house, "?state=fixed") == ["app/main.py:3"]
    assert _places(house, "?state=all") == ["app/main.py:3"]


def test_pages_hold_fifty_in_a_constant_number_of_queries(house: House) -> None:
    def count() -> int:
        client = house.client(house.owner)
        with CaptureQueriesContext(connection) as seen:
            client.get(house.page("findings/"))
        return len(seen)

    house.scan(rows.finding("f1"))
    few = count()
    house.scan(*(rows.finding(f"g{index}", line=index + 1) for index in range(60)))

    assert count() == few
    assert len(_places(house)) == 50
    assert len(_places(house, "?page=2")) == 10


def test_hostile_values_in_the_address_never_break_the_page(house: House) -> None:
    _three(house)

    for name in ("check", "clause", "strength", "path", "state", "suppressed", "sort", "page"):
        address = house.page(f"findings/?{name}={quote(chr(0) + chr(34) + '%<x>')}")
        answer = house.client(house.owner).get(address)
        assert answer.status_code == 200
        assert b"<x>" not in answer.content


def test_a_fragment_holds_list_and_facets(house: House) -> None:
    _three(house)

    answer = house.client(house.owner).get(house.page("findings/"), headers=HTMX)

    assert b"<html" not in answer.content
    assert b'<div id="results"' in answer.content


# --- one finding


def _one(house: House) -> str:
    return house.client(house.owner).get(Finding.objects.get().get_absolute_url()).content.decode()


def test_a_finding_shows_clause_remedy_points_and_history(house: House) -> None:
    house.scan(_changed(rows.finding("f1"), measured="12 branches", limit="10 branches"))

    page = _one(house)

    assert "Nothing is printed." in page
    assert "12 branches" in page
    assert "10 branches" in page
    assert "How to fix it" in page
    assert re.search(r"<dt>10\.0</dt><dd><a[^>]*>House rules", page)
    assert re.search(r"opened by <a[^>]*>scan 1</a>", page)


def test_the_code_stands_around_the_line_with_the_finding_beside_it(house: House) -> None:
    house.scan(rows.finding("f1", line=20))
    text = "".join(f"line_{number} = {number}\n" for number in range(1, 41))
    row = source_view.wanted(house.repository, "a" * 40, "app/main.py")
    source_view.set_data(row, text.encode())
    row.save()

    page = _one(house)

    assert re.findall(r'id="L(\d+)"', page) == [str(number) for number in range(12, 29)]
    assert '<tr class="hit" id="L20">' in page


def test_code_that_no_worker_has_read_yet_is_asked_for_once(
    house: House, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    house.scan(rows.finding("f1"))
    house.rung.clear()

    with django_capture_on_commit_callbacks(execute=True):
        first, second = _one(house), _one(house)

    assert "Reading the file" in first
    assert 'hx-trigger="every 1s"' in second
    assert house.rung == [source_view.READ_SOURCE]
    assert SourceFile.objects.get().state == SourceState.WAITING


def test_a_finding_of_the_whole_repository_has_no_code(house: House) -> None:
    house.scan(_changed(rows.finding("f1", path=""), line=0, end_line=0))

    page = _one(house)

    assert "whole repository" in page
    assert 'id="code"' not in page


# --- exports


def test_csv_holds_what_is_filtered_and_no_cell_is_a_formula(house: House) -> None:
    house.scan(
        _changed(rows.finding("f1"), message="=cmd|' /C calc'!A0", path="-rf.py"),
        rows.finding("f2", check="no-broad-except"),
    )

    answer = house.client(house.owner).get(house.page("findings.csv?check=no-print"))
    text = answer.getvalue().decode()
    heading, *lines = csv.reader(io.StringIO(text))

    assert [dict(zip(heading, line, strict=True))["message"] for line in lines] == [
        "'=cmd|' /C calc'!A0"
    ]
    assert lines[0][heading.index("path")] == "'-rf.py"
    assert answer["Content-Disposition"] == (
        f'attachment; filename="{house.repository.slug}-findings.csv"'
    )


def test_json_is_the_stored_report_byte_for_byte(house: House) -> None:
    house.scan(rows.finding("f1"))

    answer = house.client(house.owner).get(house.page("findings.json"))

    assert json.loads(answer.content)["schema"] == 1
    assert json.loads(answer.content)["findings"][0]["check"] == "no-print"


def test_sarif_is_made_of_the_stored_report(house: House) -> None:
    house.scan(rows.finding("f1"))

    document = json.loads(house.client(house.owner).get(house.page("findings.sarif")).content)

    assert document["version"] == "2.1.0"
    assert document["runs"][0]["results"][0]["ruleId"] == "no-print"


@pytest.mark.parametrize("kind", ["json", "sarif"])
def test_there_is_no_report_before_the_first_scan(house: House, kind: str) -> None:
    assert house.client(house.owner).get(house.page(f"findings.{kind}")).status_code == 404


def test_the_example_is_that_of_the_limits_which_the_clause_sets(house: House) -> None:
    spec, variant = next(
        (specs()[name], pair)
        for name, pairs in examples("logging").items()
        for pair in pairs
        if pair.params
    )
    limits = ", ".join(f"{key} = {json.dumps(value)}" for key, value in variant.params.items())
    text = rows.HOUSE_RULES.replace(
        b'{ id = "no-print" }', f'{{ id = "{spec.id}", params = {{ {limits} }} }}'.encode()
    )
    house.standard = rows.standard(text)
    standards.adopt(house.repository, [house.standard], house.owner)
    house.scan(rows.finding("f1"))
    Finding.objects.update(check_id=spec.id)

    page = house.client(house.viewer).get(Finding.objects.get().get_absolute_url())

    assert page.context["example"].params == variant.params
    assert "as the clause asks" in page.content.decode()


def test_every_page_says_which_number_counts_what_where_not_all_findings_are_kept(
    house: House,
) -> None:
    house.scan(rows.finding("f1"), rows.finding("f2", line=9))
    pages = ("", "findings/", "findings/?check=no-print", "gains/", "map/")
    assert not any("listed" in _page(house, each) for each in pages)

    Repository.objects.update(findings_count=MAX_STORED + 1)

    for each in pages:
        page = _page(house, each)
        # The tab leads to as many as it says.
        assert f'Findings <span class="soft">2 of {MAX_STORED + 1}</span>' in page
        assert page.count("listed") >= 1
    assert "The last scan found 20001 findings. 2 of them are listed" in _page(house, "findings/")
    assert '/findings/">2 of them listed</a>' in _page(house)


def test_what_a_scan_opened_and_fixed_leads_to_exactly_that(house: House) -> None:
    hidden = msgspec.structs.replace(rows.finding("f3", line=20), suppressed=True)
    house.scan(rows.finding("f1"), rows.finding("f2", line=9), hidden)
    house.scan(rows.finding("f1"))
    house.scan(rows.finding("f1"), rows.finding("f2", line=9))

    shown = html.unescape(_page(house, "scans/1/") + _page(house, "scans/2/") + _page(house))

    wanted = [("opened", 1, 3), ("fixed", 2, 2), ("opened", 3, 1)]
    for verb, number, count in wanted:
        address = f"?{verb}={number}&state=all&suppressed=any"
        assert re.search(rf'{re.escape(address)}">{count}\b', shown), address
        assert f"<strong>{count}</strong> finding" in _page(house, f"findings/{address}")
    assert "fixed by scan 2" in _page(house, "findings/?fixed=2&state=all")


def _page(house: House, tail: str = "") -> str:
    return house.client(house.viewer).get(house.page(tail)).content.decode()


def test_owners_narrow_the_list_and_the_history_names_the_commit(
    house: House,
) -> None:
    house.scan(rows.finding("f1"), rows.finding("f2", path="app/other.py"))
    client = house.client(house.viewer)
    owned, other = Finding.objects.order_by("fingerprint")
    Finding.objects.filter(pk=owned.pk).update(owners=["@web"])
    when = datetime(2024, 5, 1, tzinfo=UTC)
    owned.events.update(commit="c" * 40, author="Ada <b>", committed_at=when, at_least=True)

    listed = client.get(house.page("findings/"), {"owner": "@web", "sort": "oldest"}).text
    assert owned.get_absolute_url() in listed
    assert other.get_absolute_url() not in listed
    assert "owned by @web" in listed
    page = client.get(owned.get_absolute_url()).text
    assert "brought by" in page
    assert "Ada &lt;b&gt;" in page
    assert "or by an earlier commit" in page
    assert f"?at={'c' * 40}" in page
    address = house.page("code/app/main.py")
    assert client.get(address, {"at": "c" * 40}).status_code == 200
    assert client.get(address, {"at": "d" * 40}).status_code == 404
