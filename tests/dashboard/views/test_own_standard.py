"""Leads bring standards of their own: read, compared, stored, never changed."""

from __future__ import annotations

import html

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from dashboard.models import AuditEntry, Standard
from dashboard.services import own_standards, standards
from tests.dashboard import rows
from tests.dashboard.views.conftest import House

ADDRESS = "/standards/new/"
TEXT = """
slug = "team-rules"
title = "Team rules"

[[clause]]
id = "TR-1"
requirement = "Nothing is printed."
strength = "must"
checks = [{ id = "no-print" }]

[[clause]]
id = "TR-2"
requirement = "Functions are short."
strength = "should"
checks = [{ id = "function-length" }]
"""


def _store(house: House, text: str) -> Standard:
    answer = house.client(house.owner).post(ADDRESS, {"source": text, "store": "1"})
    assert answer.status_code == 302, answer.content.decode()
    return Standard.objects.newest().get(slug="team-rules")


def test_a_text_is_shown_before_it_is_stored(house: House) -> None:
    page = house.client(house.owner).post(ADDRESS, {"source": TEXT}).content.decode()

    assert "A new standard of 2 clauses" in page
    assert not Standard.objects.filter(slug="team-rules").exists()


def test_a_stored_standard_can_be_adopted_and_is_written_down(house: House) -> None:
    row = _store(house, TEXT)

    assert not row.shipped
    assert [clause.number for clause in row.clauses.all()] == ["TR-1", "TR-2"]
    assert AuditEntry.objects.get(action="standard.published").actor == house.owner
    assert "Team rules" in house.client(house.viewer).get("/standards/").content.decode()


def test_a_new_version_names_what_differs_and_adopters_keep_theirs(house: House) -> None:
    first = _store(house, TEXT)
    standards.adopt(house.repository, [first], house.owner)
    text = TEXT.replace('strength = "should"', 'strength = "must"').replace("TR-1", "TR-9")

    page = html.unescape(house.client(house.owner).post(ADDRESS, {"source": text}).content.decode())
    second = _store(house, text)

    assert "should becomes must" in page
    assert "gone" in page
    assert house.repository.name in page
    assert second.pk != first.pk
    assert house.repository.adoptions.get().standard == first


def test_the_same_text_is_known(house: House) -> None:
    _store(house, TEXT)

    page = house.client(house.owner).post(ADDRESS, {"source": TEXT}).content.decode()

    assert "Exactly this text is the newest version already" in page


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (TEXT.replace("must", "mus"), "strength 'mus' is not one of must, should, may"),
        (TEXT.replace("team-rules", "house-rules-2") + "[[clause]]\n", "id"),
        ("slug = ", "not valid TOML"),
        ("  ", "Paste a standard or choose a file."),
        (TEXT.replace("team-rules", "new"), "is taken by the product"),
        (TEXT.replace("TR-1", "T" * 300), "id"),
        (TEXT.replace("printed", "pr\\u0000ted"), "NUL character"),
    ],
)
def test_every_mistake_is_named_and_the_text_kept(house: House, text: str, sentence: str) -> None:
    answer = house.client(house.owner).post(ADDRESS, {"source": text, "store": "1"})

    page = html.unescape(answer.content.decode())
    assert answer.status_code == 422
    assert sentence in page
    assert not Standard.objects.filter(slug="team-rules").exists()


def test_a_shipped_standard_is_never_replaced(house: House) -> None:
    shipped = standards.load_shipped()[0]

    answer = house.client(house.owner).post(
        ADDRESS, {"source": TEXT.replace("team-rules", shipped.slug), "store": "1"}
    )

    assert answer.status_code == 422
    assert Standard.objects.newest().get(slug=shipped.slug).pk == shipped.pk


def test_the_standard_of_another_team_is_never_replaced(house: House) -> None:
    _store(house, TEXT)
    rows.team(lead=house.viewer)

    answer = house.client(house.viewer).post(
        ADDRESS, {"source": TEXT.replace("short", "tiny"), "store": "1"}
    )

    assert answer.status_code == 422
    assert "belongs to another team" in answer.content.decode()


def test_a_file_is_read(house: House) -> None:
    good = SimpleUploadedFile("team.toml", TEXT.encode())
    bad = SimpleUploadedFile("team.toml", b"\xff\xfe\x00")
    client = house.client(house.owner)

    assert "A new standard" in client.post(ADDRESS, {"file": good}).content.decode()
    assert "no UTF-8 text" in client.post(ADDRESS, {"file": bad}).content.decode()


def test_a_copy_of_a_shipped_standard_is_a_standard_of_its_own(house: House) -> None:
    shipped = standards.load_shipped()[0]
    client = house.client(house.owner)

    page = client.get(f"{ADDRESS}?from={shipped.slug}")
    text = page.context["form"].initial["source"]
    answer = client.post(ADDRESS, {"source": text})

    assert f"{shipped.slug}-of-ours" in text
    assert "A new standard of" in answer.content.decode()


def test_only_leads_bring_standards(house: House) -> None:
    assert house.client(house.mate).get(ADDRESS).status_code == 403
    assert house.client(None).get(ADDRESS).status_code == 302


def test_a_new_standard_is_shown_in_numbers_and_its_help_is_linked(house: House) -> None:
    client = house.client(house.owner)
    page = client.post(ADDRESS, {"source": TEXT}).content.decode()

    assert "1 must · 1 should · 2 checks · 2 decided by built checks" in page
    assert 'href="/standards/new/help/"' in page
    assert "Fields of a clause" in client.get("/standards/new/help/").content.decode()


def test_mistakes_stand_above_the_text(house: House) -> None:
    text = TEXT.replace("must", "mus").replace("no-print", "no-prin")

    page = house.client(house.owner).post(ADDRESS, {"source": text}).content.decode()

    assert "2 mistakes" in page
    assert page.index("2 mistakes") < page.index("<textarea")


def test_the_guide_has_paragraphs_that_a_page_may_break_and_examples_that_stay() -> None:
    text = own_standards.guide()

    assert "has adopted until a lead renews it: in the settings of the repository" in text
    assert '\n[[clause]]\nid = "TR-001"\n' in text
    assert "\n\n## A file that works\n\n" in text
