"""The map of layers: the picture, its table, and the imports behind each number."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from checks import anatomy
from checks.anatomy import Import, Pair
from checks.project.layers import LAYERS
from dashboard.models import Finding, Repository, Role, StoredReport
from dashboard.services import components, running
from dashboard.services.layer_diagram import Box, Diagram, draw
from dashboard.services.layers_page import read_layers
from tests.dashboard import rows
from tests.dashboard.views.conftest import HTMX, House
from tests.gitservers import Origin

MOST_QUERIES = 9
DIRECTION = b"""
slug = "directions"
title = "Directions"
summary = "One clause."

[[clause]]
id = "D-1"
section = "Layers"
requirement = "Imports point inwards."
strength = "must"
area = "layering"
checks = [{ id = "layer-import-direction" }]
"""
SHOP = {
    "backend/api.py": (
        "from fastapi import APIRouter\nfrom backend.services.orders import place\n"
        "router = APIRouter()\n\n\n@router.get('/')\ndef orders():\n    return place()\n"
    ),
    "backend/services/orders.py": "def place():\n    from backend import api\n    return api\n",
    "tool/plain.py": "def go():\n    return 1\n",
}


def _all_pairs(number: int = 1) -> tuple[Pair, ...]:
    return tuple(
        Pair(source, target, number, number * (LAYERS.index(source) > LAYERS.index(target)), ())
        for source in LAYERS
        for target in LAYERS
        if source != target
    )


def _stretches(picture: Diagram) -> list[tuple[int, int, int]]:
    """Where each bent arrow runs up or down: its lane, from, to."""
    found = []
    for arrow in picture.arrows:
        if match := re.search(r"Q(\d+) \d+ \d+ (\d+)V(\d+)", arrow.line):
            lane, begin, end = map(int, match.groups())
            found.append((lane, min(begin, end), max(begin, end)))
    return found


def test_no_two_arrows_of_a_full_picture_lie_on_each_other() -> None:
    picture = draw(dict.fromkeys(LAYERS, 3), _all_pairs(12), str)

    stretches = _stretches(picture)
    assert (len(picture.arrows), len(stretches)) == (20, 16)
    for at, (lane, begin, end) in enumerate(stretches):
        for other, low, high in stretches[at + 1 :]:
            assert lane != other or end <= low or high <= begin
    places = {(arrow.x, arrow.y) for arrow in picture.arrows}
    assert len(places) == len(picture.arrows)


def test_all_of_a_picture_is_inside_and_tags_fit_between_their_lanes() -> None:
    picture = draw(dict.fromkeys(LAYERS, 3), _all_pairs(1234), str)

    tags = [(*arrow.corner, arrow.width) for arrow in picture.arrows]
    assert all(x >= 0 and x + width <= picture.width for x, _, width in tags)
    assert all(0 <= y <= picture.height - picture.tag_height for _, y, _ in tags)
    for at, (x, y, width) in enumerate(tags):
        for x2, y2, width2 in tags[at + 1 :]:
            apart = x + width <= x2 or x2 + width2 <= x
            assert apart or abs(y - y2) >= picture.tag_height


@pytest.mark.parametrize(
    ("pair", "side"),
    [(("routes", "models"), 1), (("models", "routes"), -1), (("routes", "services"), 0)],
)
def test_outwards_goes_by_the_left_and_past_a_layer_by_the_right(
    pair: tuple[str, str], side: int
) -> None:
    modules = {"models": 1, "routes": 1, "services": 1, "": 9}
    picture = draw(modules, [Pair(*pair, 2, 1, ())], str)

    (arrow,) = picture.arrows
    box: Box = picture.boxes[0]
    assert [each.layer for each in picture.boxes] == ["routes", "services", "models"]
    assert arrow.label == "✕ 1/2"
    assert (arrow.x > box.x + box.width) - (arrow.x < box.x) == side


def test_every_number_leads_to_as_many_lines(house: House) -> None:
    house.scan(anatomy=rows.anatomy())
    client = house.client(house.owner)

    page = client.get(house.page("layers/")).content.decode()

    assert "4 of 7 modules with code are in a layer" in page
    assert "1 goes against the direction</a>" in page
    pairs = re.findall(r'href="(\?from=[^"]*)#list">(\d+)</a>', page)
    assert len(pairs) >= 2
    for query, number in pairs:
        asked = client.get(house.page("layers/") + query.replace("&amp;", "&")).content.decode()
        assert asked.count("#L") == int(number), query
    for query, number in re.findall(r'href="(\?layer=[^"]*)#list">(\d+) module', page):
        asked = client.get(house.page("layers/") + query).content.decode()
        assert asked.count("/code/") == int(number), query


def test_without_a_choice_all_that_goes_against_the_direction_is_listed(house: House) -> None:
    house.scan(anatomy=rows.anatomy())
    client = house.client(house.viewer)

    page = client.get(house.page("layers/"), {"from": "<b>", "layer": "x"}).content.decode()

    assert f"code/app/repositories/orders.py?at={'a' * 40}#L2" in page
    assert "lies further outside" in page
    assert '<a class="tight" href="/standards/house-rules/HR-1/">HR-1</a>' in page
    assert "app/api.py:3" not in page


def test_an_import_leads_to_its_finding(house: House) -> None:
    house.scan(
        rows.finding("f1", path="app/repositories/orders.py", line=2), anatomy=rows.anatomy()
    )
    row = Finding.objects.get()
    Finding.objects.update(check_id=anatomy.DIRECTION, message="repositories import: `app.other`")
    assert read_layers(house.repository, {}).lines[0].finding is None

    Finding.objects.update(message="repositories import routes: `app.api` lies further outside")
    page = house.client(house.owner).get(house.page("layers/")).content.decode()

    assert f'<a class="tight" href="{row.get_absolute_url()}">finding</a>' in page


def test_what_is_counted_and_not_kept_by_name_is_said(house: House) -> None:
    row = Import("app/a.py", 1, "app.b", "app/b.py", "lies further outside", (0,))
    pairs = (Pair("services", "routes", 9, 7, (row,)),)
    house.scan(anatomy=rows.anatomy(pairs=pairs))

    page = house.client(house.owner).get(house.page("layers/")).content.decode()

    assert "✕ 7/9" in page
    assert "6 more are counted, and not kept by name" in page


def test_states_without_a_map_say_why_and_what_to_do(house: House) -> None:
    def shown() -> str:
        return house.client(house.viewer).get(house.page("layers/")).content.decode()

    assert "Never scanned" in shown()
    house.scan()
    assert "a release that did not keep" in shown()
    StoredReport.objects.update(anatomy=b"of another release")
    assert "a release that did not keep" in shown()
    house.scan(anatomy=rows.anatomy(modules={"": 4}, files_of={"": ()}, pairs=()))
    assert "None of the 4 modules with production code" in shown()
    assert "HR-1</a> does not apply" in shown()
    house.scan(anatomy=rows.anatomy(modules={"services": 1}, files_of={}, pairs=(), rules=()))
    assert "No layer imports another" in shown()
    assert "No adopted standard asks for a direction" in shown()


@pytest.mark.parametrize("tail", ["layers/", "sizes/"])
def test_a_fragment_in_a_constant_number_of_queries(house: House, tail: str) -> None:
    client = house.client(house.owner)
    counts = []
    part = ""
    for number in (1, 60):
        lines = tuple(Import(f"a{at}.py", 1, "b", "b.py", "lies", (0,)) for at in range(number))
        pairs = (Pair("services", "routes", number, number, lines),)
        house.scan(anatomy=rows.anatomy(pairs=pairs))
        with CaptureQueriesContext(connection) as seen:
            part = client.get(house.page(tail), headers=HTMX).content.decode()
        counts.append(len(seen))

    assert counts[0] == counts[1] <= MOST_QUERIES
    assert "<html" not in part


@pytest.mark.django_db(transaction=True)
def test_a_scan_draws_each_judged_folder_by_itself(
    register: Callable[..., Repository], origin: Origin
) -> None:
    origin.commit(SHOP)
    repository = register(DIRECTION)
    reader = rows.user()
    repository.team.memberships.create(user=reader, role=Role.VIEWER)
    components.choose(repository, ["backend", "tool"], reader)
    client = Client()
    client.force_login(reader)

    running.run(repository.scans.get().pk)
    page = client.get(f"/r/{repository.slug}/layers/").content.decode()
    other = client.get(f"/r/{repository.slug}/layers/?component=tool").content.decode()

    assert "2 of 2 modules with code are in a layer" in page
    finding = Finding.objects.get(check_id=anatomy.DIRECTION)
    assert (finding.path, finding.line) == ("backend/services/orders.py", 2)
    assert f'href="{finding.get_absolute_url()}">finding</a>' in page
    assert "/code/backend/services/orders.py?at=" in page
    assert parse_qs(re.findall(r'href="\?([^"]*)#list" aria', page)[0])["component"] == ["backend"]
    assert "No layers here" in other
    assert (
        "tool/plain.py"
        in client.get(f"/r/{repository.slug}/sizes/?component=tool").content.decode()
    )
