"""Source: only what was judged, only from rows, nothing of it ever alive."""

from __future__ import annotations

import subprocess

import pytest

from checks.memorysource import MemorySource
from dashboard.models import Finding, SourceFile, SourceState
from dashboard.services import source_view
from tests.dashboard import rows
from tests.dashboard.views.conftest import HTMX, House

COMMIT = "a" * 40


def _keep(house: House, data: bytes, path: str = "app/main.py") -> None:
    row = source_view.wanted(house.repository, COMMIT, path)
    source_view.set_data(row, data)
    row.save()


def _get(house: House, path: str = "app/main.py", query: str = "") -> str:
    answer = house.client(house.owner).get(house.page(f"code/{path}{query}"))
    assert answer.status_code == 200
    return answer.content.decode()


def test_findings_stand_beside_their_lines(house: House) -> None:
    house.scan(rows.finding("f1", line=2))
    _keep(house, b"import os\nprint(os)\n")

    page = _get(house)

    assert '<tr class="hit" id="L2">' in page
    assert Finding.objects.get().get_absolute_url() in page
    assert '<span class="k">import</span>' in page


def test_another_commit_is_shown_only_when_it_was_judged(house: House) -> None:
    house.scan(rows.finding("f1"))

    answer = house.client(house.owner).get(house.page(f"code/app/main.py?at={'b' * 40}"))

    assert answer.status_code == 404


def test_before_the_first_scan_there_is_no_source(house: House) -> None:
    assert house.client(house.owner).get(house.page("code/app/main.py")).status_code == 404


@pytest.mark.parametrize("path", ["../../etc/passwd", "%2e%2e/secret", "/etc/passwd", "a%00b"])
def test_a_path_is_looked_up_and_never_walked(house: House, path: str) -> None:
    house.scan(rows.finding("f1"))

    answer = house.client(house.owner).get(house.page(f"code/{path}"))

    assert answer.status_code in (200, 404)
    assert b"root:" not in answer.content


def test_no_process_is_started_in_a_request(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.scan(rows.finding("f1"))
    monkeypatch.setattr(subprocess, "Popen", None)

    assert "Reading the file" in _get(house)


def test_markup_and_invisible_characters_are_shown_for_what_they_are(house: House) -> None:
    house.scan(rows.finding("f1", path="page.txt"))
    _keep(house, '<script>alert(1)</script>\nadmin = "\u202euser"\u200b\n'.encode(), "page.txt")

    page = _get(house, "page.txt")

    assert "<script>alert" not in page
    assert "U+202E" in page
    assert "U+200B" in page
    assert "\u202e" not in page


def test_a_large_file_is_shown_in_windows_and_without_colours(house: House) -> None:
    house.scan(rows.finding("f1"))
    _keep(house, b"".join(b"value_%d = 'x' * 40 + 'y' * 40\n" % n for n in range(4000)))

    first, second = _get(house), _get(house, query="?from=1501")

    assert '<span class="s">' not in first
    assert 'id="L1500"' in first
    assert 'id="L1501"' not in first
    assert 'id="L1501"' in second
    assert "1500 of 4000 lines" in second


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"\x00\x01", "contains NUL bytes"), ("x".encode("utf-16"), "is UTF-16 or UTF-32 text")],
)
def test_what_is_no_text_is_not_shown_and_says_why(house: House, data: bytes, words: str) -> None:
    house.scan(rows.finding("f1"))
    _keep(house, data)

    page = _get(house)

    assert words in page
    assert "Not shown" in page


def test_the_answer_to_a_poll_carries_no_trigger_once_the_file_is_there(house: House) -> None:
    house.scan(rows.finding("f1"))
    client = house.client(house.owner)
    address = house.page("code/app/main.py")
    assert b"hx-trigger" in client.get(address, headers=HTMX).content

    _keep(house, b"x = 1\n")

    answer = client.get(address, headers=HTMX)
    assert b"hx-trigger" not in answer.content
    assert b"<html" not in answer.content


# --- how a worker fills the rows


def _source(files: dict[str, bytes]) -> MemorySource:
    source = MemorySource.of(files, time=0)
    source.commit = COMMIT
    return source


def test_a_worker_reads_one_file_by_its_exact_path(house: House) -> None:
    row = source_view.wanted(house.repository, COMMIT, "a.py")

    source_view.fill(row, _source({"a.py": b"x = 1\n", "b.py": b"y = 2\n"}))

    row.refresh_from_db()
    assert row.state == SourceState.READY
    assert source_view.text_of(row) == "x = 1\n"


def test_a_file_that_is_not_in_the_tree_is_refused(house: House) -> None:
    row = source_view.wanted(house.repository, COMMIT, "A.py")

    source_view.fill(row, _source({"a.py": b"x = 1\n"}))

    row.refresh_from_db()
    assert (row.state, row.note) == (SourceState.REFUSED, source_view.NOT_THERE)


def test_a_scan_keeps_the_files_it_found_something_in_and_may_do_so_twice(house: House) -> None:
    source = _source({"a.py": b"x = 1\n", "b.py": b"y = 2\n", "big.py": b"#" * 1_100_000})

    for _ in range(2):
        source_view.keep(house.repository, source, {"a.py", "big.py", ""})

    assert [row.path for row in SourceFile.objects.all()] == ["a.py"]
    assert SourceFile.objects.get().state == SourceState.READY
