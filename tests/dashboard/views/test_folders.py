"""The map of folders: sums, order, what is cut, and the sentence above it."""

from __future__ import annotations

import re
from urllib.parse import parse_qs

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dashboard.services.folders import LEVELS, MOST_DEEPER, FolderMap, read_folders
from tests.dashboard import rows
from tests.dashboard.views.conftest import HTMX, House

MOST_QUERIES = 9


def _scan(house: House, *paths: str) -> None:
    house.scan(*(rows.finding(f"f{at}", path=path) for at, path in enumerate(paths)))


def _seen(shown: FolderMap) -> list[tuple[str, int]]:
    return [(line.node.path, int(line.findings.number)) for line in shown.lines]


def test_a_folder_counts_what_lies_inside_and_is_followed_by_it(house: House) -> None:
    _scan(house, "app/api/a.py", "app/api/a.py", "app/api/b.py", "app/main.py", "setup.py")

    shown = read_folders(house.repository)

    assert _seen(shown) == [
        ("app/", 4),
        ("app/api/", 3),
        ("app/api/a.py", 2),
        ("app/api/b.py", 1),
        ("app/main.py", 1),
        ("setup.py", 1),
    ]
    assert [line.node.files for line in shown.lines] == [3, 2, 1, 1, 1, 1]
    assert [line.gain.number for line in shown.lines] == [40, 30, 20, 10, 10, 10]
    assert shown.all == 5


def test_below_the_third_level_a_folder_is_opened_by_itself(house: House) -> None:
    _scan(house, "a/b/c/d/e.py")

    assert max(line.node.level for line in read_folders(house.repository).lines) == LEVELS
    inside = read_folders(house.repository, "a/b/c/")
    assert _seen(inside) == [("a/b/c/d/", 1), ("a/b/c/d/e.py", 1)]
    assert [node.path for node in inside.trail] == ["a/", "a/b/", "a/b/c/"]
    # A folder that begins alike is another one.
    assert not read_folders(house.repository, "a/b/c/d/e").lines


def test_the_strengths_share_the_findings_and_a_large_part_is_hot(house: House) -> None:
    house.scan(
        *(rows.finding(f"f{at}", path="hot/a.py") for at in range(9)),
        rows.finding("mild", path="mild/a.py", check="no-broad-except"),
    )

    hot, _, mild, _ = read_folders(house.repository).lines

    assert [heat.number for _, heat in hot.strengths] == [9, 0, 0]
    assert [heat.number for _, heat in mild.strengths] == [0, 1, 0]
    assert (hot.findings.grade, mild.findings.grade) == ("e", "c")
    assert dict(mild.strengths)["should"].grade == "e"


def test_what_holds_less_than_a_hundredth_has_no_line_of_its_own(house: House) -> None:
    _scan(house, *["a/hot.py"] * 120, "a/cold.py", "cold.py")

    shown = read_folders(house.repository)

    assert _seen(shown) == [("a/", 121), ("a/hot.py", 120), ("cold.py", 1)]
    assert shown.lines[0].hidden == 1


def test_only_the_weightiest_of_many_are_shown_and_the_rest_is_counted(house: House) -> None:
    _scan(house, *(f"app/file{at}.py" for at in range(MOST_DEEPER + 5)), "app/file7.py")

    shown = read_folders(house.repository)

    folder, heaviest = shown.lines[:2]
    assert len(shown.lines) == 1 + MOST_DEEPER
    assert (folder.hidden, heaviest.node.path) == (5, "app/file7.py")
    assert read_folders(house.repository, "app").page.paginator.count == MOST_DEEPER + 5


@pytest.mark.parametrize(
    ("paths", "heaviest"),
    [
        (["a/b/c.py", "a/b/c.py", "a/b/d.py", "z.py"], "a/b/c.py"),
        (["a/b/c.py", "a/b/d.py", "a/b/e.py", "z.py"], "a/b/"),
        (["a/b.py", "b.py", "c.py", "d/a.py", "e.py"], "a/"),
    ],
)
def test_the_sentence_names_the_deepest_place_with_half_of_the_points(
    house: House, paths: list[str], heaviest: str
) -> None:
    _scan(house, *paths)

    found = read_folders(house.repository).heaviest

    assert found
    assert found.node.path == heaviest


def test_every_number_leads_to_as_many_findings(house: House) -> None:
    _scan(house, "app/a.py", "app/a.py", "lib/b&c.py", "lib/ü.py", "")
    client = house.client(house.owner)

    page = client.get(house.page("map/")).content.decode()

    links = re.findall(r'href="/r/[^/]+/findings/\?([^"]*)" title="[^"]*finding[^"]*">(\d+)<', page)
    assert len(links) >= 8
    for query, number in links:
        asked = {name: values[0] for name, values in parse_qs(query.replace("&amp;", "&")).items()}
        found = client.get(house.page("findings/"), asked).content.decode()
        assert f"<strong>{number}</strong> finding" in found, query
    assert "5 open findings</a> in 3 files, " in page
    assert '?path=%2F">1</a> of the repository as a whole' in page


def test_states_without_a_map_say_what_to_do(house: House) -> None:
    client = house.client(house.viewer)

    assert "Never scanned" in client.get(house.page("map/")).content.decode()
    house.scan()
    assert "No open findings in files" in client.get(house.page("map/")).content.decode()
    for hostile in ("\x00", "../", "/", "%3Cb%3E", "a" * 5000):
        assert client.get(house.page("map/"), {"below": hostile, "page": "x"}).status_code == 200
    assert house.client(house.stranger).get(house.page("map/")).status_code == 404


def test_a_fragment_in_a_constant_number_of_queries(house: House) -> None:
    client = house.client(house.owner)
    counts = []
    part = ""
    for number in (2, 60):
        _scan(house, *(f"part{at}/file.py" for at in range(number)))
        with CaptureQueriesContext(connection) as seen:
            part = client.get(house.page("map/"), headers=HTMX).content.decode()
        counts.append(len(seen))

    assert counts[0] == counts[1] <= MOST_QUERIES
    assert 'id="map"' in part
    assert "<html" not in part
    assert "1–25 of 60" in part
