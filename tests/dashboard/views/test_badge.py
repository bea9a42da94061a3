"""The badge opens with its key, and tells nothing to anybody else."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from django.test import Client

from dashboard.models import Repository
from dashboard.services.badge import badge_key
from dashboard.views.badge import COLOURS
from tests.dashboard import rows
from tests.dashboard.views.conftest import House

RED = COLOURS["E"]


def test_the_right_key_shows_grade_and_score(house: House) -> None:
    house.scan(rows.finding("f1"))
    slug = house.repository.slug

    answer = Client().get(f"/badge/{slug}.svg?key={badge_key(slug)}")

    assert answer["Content-Type"] == "image/svg+xml"
    assert answer["Cache-Control"] == "no-store"
    assert "B 80.0" in "".join(ET.fromstring(answer.content).itertext())


def test_every_miss_gives_the_same_picture(house: House) -> None:
    house.scan(rows.finding("f1"))
    slug, unscored = house.repository.slug, rows.repository().slug
    addresses = [
        f"/badge/{slug}.svg",
        f"/badge/{slug}.svg?key=wrong",
        f"/badge/{slug}.svg?key=\u00e9",
        f"/badge/{slug}.svg?key={badge_key(unscored)}",
        "/badge/no-such-repository.svg?key=x",
    ]

    answers = [Client().get(address) for address in addresses]

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert b"unknown" in answers[0].content


def test_what_is_not_judged_has_words_of_its_own_and_is_never_green(house: House) -> None:
    house.scan(rows.finding("f1"))
    slug = house.repository.slug
    shown = []
    for fields in (
        {"score": None, "letter": ""},
        {"failure_code": "no-access"},
        {"failure_code": "", "scanned_at": None},
    ):
        Repository.objects.filter(slug=slug).update(**fields)
        picture = Client().get(f"/badge/{slug}.svg?key={badge_key(slug)}").content
        shown.append("".join(ET.fromstring(picture).itertext()).partition(": ")[2])
        assert not any(colour.encode() in picture for colour in COLOURS.values() if colour != RED)
    assert [each.removesuffix("straightedge") for each in shown] == [
        "unknownstraightedgeunknown",
        "scan failedstraightedgescan failed",
        "never scannedstraightedgenever scanned",
    ]


def test_the_settings_show_the_badge_with_its_key(house: House) -> None:
    page = house.client(house.owner).get(house.page("settings/")).content.decode()

    assert f"/badge/{house.repository.slug}.svg?key={badge_key(house.repository.slug)}" in page
