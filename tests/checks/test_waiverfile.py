"""Waivers as a file of the repository."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict

from checks.memorysource import MemorySource
from checks.pathpatterns import is_pattern
from checks.waiverfile import MOST, PATH, of, parse, render
from checks.waivers import Waiver

ENTRY = """# agreed in March
[[waiver]]
path = "legacy/"
check = "no-print"
reason = "It is replaced in spring."
author = "ada"
approver = "grace"
expires = 2027-03-01
count = 3
"""


def mistakes(text: str) -> list[tuple[str, str]]:
    return [(each.id, each.note) for each in parse(text.encode()).wrong]


def test_an_entry_is_read_with_all_it_says() -> None:
    file = parse(ENTRY.encode())

    (waiver,) = file.waivers
    assert (waiver.path, waiver.check, waiver.absorbed) == ("legacy/", "no-print", 3)
    assert (waiver.author, waiver.approver) == ("ada", "grace")
    assert waiver.expires == date(2027, 3, 1)
    assert (file.wrong, dict(file.lines)) == ((), {waiver.id: 2})


def test_the_file_is_read_at_its_place_in_the_repository() -> None:
    assert len(of(MemorySource.of({PATH: ENTRY}, time=0)).waivers) == 1
    assert of(MemorySource.of({f"docs/{PATH}": ENTRY}, time=0)).waivers == ()


def test_an_entry_that_is_edited_is_another_one() -> None:
    before, after = parse(ENTRY.encode()), parse(ENTRY.replace("= 3", "= 4").encode())

    assert before.waivers[0].id != after.waivers[0].id
    assert parse(f"\n\n{ENTRY}".encode()).waivers[0].id == before.waivers[0].id


@pytest.mark.parametrize(
    ("wrong", "right", "mistake"),
    [
        ("count = 3", "count = 0", "count is not the number of findings"),
        ("count = 3", "count = true", "count is not the number of findings"),
        ("count = 3", "", "count is not the number of findings"),
        ("2027-03-01", '"soon"', "expires is not a date"),
        ("2027-03-01", "2027-03-01T10:00:00", "expires is not a date"),
        ('reason = "It is replaced in spring."', "", "reason is missing"),
        ('"ada"', "3", "author is not a text"),
        ('"ada"', '" "', "author is not a text"),
        ('path = "legacy/"', "", "neither fingerprint, path nor clause"),
        ('path = "legacy/"', 'paths = "legacy/"', "unknown field 'paths'"),
        ('"legacy/"', '"\\u0000"', "NUL"),
        ('"legacy/"', '"!"', "path '!' is no pattern"),
    ],
)
def test_a_wrong_entry_is_named_with_its_line_and_spoils_no_other(
    wrong: str, right: str, mistake: str
) -> None:
    file = parse((ENTRY + ENTRY.replace(wrong, right).replace("agreed", "not agreed")).encode())

    assert len(file.waivers) == 1
    assert [each.id for each in file.wrong] == ["line 11"]
    assert mistake in file.wrong[0].note


def test_what_is_no_file_of_waivers_waives_nothing() -> None:
    assert "not valid TOML" in mistakes("[[waiver]")[0][1]
    assert "[[waiver]] tables" in mistakes("waiver = 3")[0][1]
    assert "unknown field 'waivers'" in mistakes("waivers = 3")[0][1]
    assert "the same as the entry at line 2" in mistakes(ENTRY + ENTRY)[0][1]
    many = "".join(ENTRY.replace("= 3", f"= {n}") for n in range(1, MOST + 3))
    assert f"only the first {MOST}" in mistakes(many)[0][1]


@given(
    st.lists(
        st.builds(
            Waiver,
            id=st.just(""),
            path=st.text(
                st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1
            ).filter(lambda path: path.strip() and is_pattern(path)),
            reason=st.text(
                st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1
            ).filter(str.strip),
            clause=st.sampled_from(["", "team/T-1"]),
            component=st.sampled_from(["", ".", "services/api"]),
            expires=st.none() | st.dates(),
            absorbed=st.integers(1, 99),
        ),
        max_size=3,
        unique_by=lambda each: each.path,
    )
)
def test_what_is_written_reads_back(waivers: list[Waiver]) -> None:
    file = parse(render(waivers).encode())

    assert file.wrong == ()
    assert [asdict(each) | {"id": ""} for each in file.waivers] == [asdict(w) for w in waivers]


def test_an_entry_for_every_folder_keeps_its_id_and_one_for_a_folder_is_another() -> None:
    text = '[[waiver]]\npath = "app/"\nreason = "It is replaced."\ncount = 1\n'
    everywhere, here = parse(text.encode()), parse(f'{text}component = "api"\n'.encode())

    assert everywhere.waivers[0].id == "file-c652e9641d"
    assert here.waivers[0].component == "api"
    assert here.waivers[0].id != everywhere.waivers[0].id
    assert parse(f'{text}component = "."\n'.encode()).waivers[0].component == "."


@pytest.mark.parametrize("folder", ["/api", "api/", "a//b", "../api", "a/./b"])
def test_what_names_no_folder_is_a_mistake(folder: str) -> None:
    text = f'[[waiver]]\npath = "app/"\ncomponent = "{folder}"\nreason = "Why."\ncount = 1\n'

    assert [note for _, note in mistakes(text)] == [
        f"component {folder!r} is no folder as in services/api."
    ]
