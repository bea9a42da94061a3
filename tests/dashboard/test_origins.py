"""Standards that are read from a repository: real git, the real scan, versions that stay."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from dashboard.models import (
    AuditEntry,
    OriginState,
    Repository,
    Standard,
    StandardOrigin,
    Team,
    Trigger,
    User,
)
from dashboard.services import (
    origins,
    own_standards,
    repositories,
    scanning,
    standards,
)
from tests.dashboard import rows
from tests.dashboard.scans import scan_of
from tests.gitservers import Origin

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "docs/rules.toml"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
RULES = """
slug = "shop-rules"
title = "Rules of the shop"

[[clause]]
id = "SR-1"
requirement = "Nothing is printed."
strength = "must"
checks = [{ id = "no-print" }]
"""
MORE = """
[[clause]]
id = "SR-2"
requirement = "Functions are short."
strength = "should"
checks = [{ id = "function-length" }]
"""


@pytest.fixture
def git(own_machine: None, tmp_path: Path) -> Origin:
    """A server with one repository, a home of this test alone, and no broker."""
    made = Origin.create(tmp_path / "served" / "shop.git")
    made.commit({PATH: RULES, "app.py": "x = 1\n"})
    return made


@pytest.fixture
def lead(db: None) -> User:
    return rows.user()


@pytest.fixture
def team(lead: User) -> Team:
    return rows.team(lead=lead)


@pytest.fixture
def shop(git: Origin, team: Team) -> Repository:
    return repositories.register(
        team=team, clone_url=str(git.git_dir), adopted=[rows.standard()], name="Shop"
    )


def _scan(repository: Repository) -> None:
    """Have the head of the repository judged."""
    scanning.request(repository, Trigger.PUSH)
    scan = scan_of(repository)
    # Without Python among the files the scan fails; the text is read all the same.
    assert not scan.is_active


def _registered(repository: Repository, lead: User) -> StandardOrigin:
    _scan(repository)
    row = origins.register(repository.team, repository, PATH, lead)
    origins.read(row.pk)
    row.refresh_from_db()
    return row


def _newest() -> Standard:
    return Standard.objects.newest().get(slug="shop-rules")


def test_the_file_becomes_a_standard_of_the_team(git: Origin, shop: Repository, lead: User) -> None:
    row = _registered(shop, lead)

    standard = _newest()
    assert (row.state, row.slug, row.commit) == (OriginState.READ, "shop-rules", git.top())
    assert (standard.team, standard.shipped, standard.commit) == (shop.team, False, git.top())
    assert standard.source == RULES
    assert AuditEntry.objects.filter(action="standard.published", subject="shop-rules").exists()


def test_a_changed_file_is_a_new_version_that_nobody_has_adopted(
    git: Origin, shop: Repository, lead: User
) -> None:
    _registered(shop, lead)
    first = _newest()
    standards.adopt(shop, [first], lead)
    git.commit({PATH: RULES + MORE})

    _scan(shop)

    second = _newest()
    assert second.pk != first.pk
    assert second.clauses.count() == 2
    assert second.commit == git.top()
    assert shop.adoptions.get().standard == first
    assert Standard.objects.get(pk=first.pk).source == RULES


def test_a_scan_that_finds_the_file_unchanged_makes_no_version(
    git: Origin, shop: Repository, lead: User
) -> None:
    row = _registered(shop, lead)
    git.commit({PATH: RULES, "app.py": "x = 2\n"})

    _scan(shop)

    row.refresh_from_db()
    assert row.state == OriginState.READ
    assert Standard.objects.filter(slug="shop-rules").count() == 1
    assert row.commit == git.top()
    assert _newest().commit != git.top()


def test_mistakes_are_kept_with_their_lines_and_nothing_is_lost(
    git: Origin, shop: Repository, lead: User
) -> None:
    row = _registered(shop, lead)
    git.commit({PATH: RULES.replace('"must"', '"mus"').replace("no-print", "no-prin")})

    _scan(shop)

    row.refresh_from_db()
    assert row.state == OriginState.REFUSED
    assert [sentence.rpartition("(")[2] for sentence in row.mistakes] == ["line 8)", "line 9)"]
    assert _newest().source == RULES

    git.commit({PATH: RULES + MORE})
    _scan(shop)
    row.refresh_from_db()
    assert (row.state, row.mistakes) == (OriginState.READ, [])
    assert _newest().clauses.count() == 2


def test_a_file_that_is_gone_is_said_to_be_gone(git: Origin, shop: Repository, lead: User) -> None:
    row = _registered(shop, lead)
    git.commit({"app.py": "x = 1\n"})

    _scan(shop)

    row.refresh_from_db()
    assert row.mistakes == ["there is no such file at this commit"]
    assert _newest().source == RULES


def test_a_text_that_comes_back_is_the_version_it_was(
    git: Origin, shop: Repository, lead: User
) -> None:
    _registered(shop, lead)
    first = _newest()
    for text in (RULES + MORE, RULES):
        git.commit({PATH: text})
        _scan(shop)

    assert _newest() == first


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (RULES.replace("shop-rules", "house-rules"), "is not 'shop-rules'"),
        ("# " + "x" * 300_000, "the limit is"),
        ("slug = ", "not valid TOML"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_reason(
    git: Origin, shop: Repository, lead: User, text: str, sentence: str
) -> None:
    row = _registered(shop, lead)
    git.commit({PATH: text})

    _scan(shop)

    row.refresh_from_db()
    assert sentence in row.mistakes[0]
    assert _newest().source == RULES


def test_the_standard_of_another_team_is_not_taken(
    git: Origin, shop: Repository, lead: User
) -> None:
    other = rows.user()
    rows.team(lead=other)
    held = own_standards.publish(RULES + MORE, other)

    row = _registered(shop, lead)

    assert "belongs to another team" in row.mistakes[0]
    assert _newest() == held


def test_while_it_is_read_from_a_repository_no_text_replaces_it(
    git: Origin, shop: Repository, lead: User
) -> None:
    row = _registered(shop, lead)

    with pytest.raises(own_standards.RefusedError, match="read from a repository"):
        own_standards.publish(RULES + MORE, lead)

    origins.stop(row, lead)
    assert own_standards.publish(RULES + MORE, lead) == _newest()


def test_a_file_registered_before_the_first_scan_is_read_with_it(
    shop: Repository, lead: User
) -> None:
    row = origins.register(shop.team, shop, PATH, lead)
    origins.read(row.pk)
    row.refresh_from_db()
    assert row.state == OriginState.WAITING

    _scan(shop)

    row.refresh_from_db()
    assert row.state == OriginState.READ


def test_a_lost_bell_is_rung_again(
    shop: Repository, lead: User, rung: list[tuple[str, list[int]]]
) -> None:
    _scan(shop)
    row = origins.register(shop.team, shop, PATH, lead)
    rung.clear()
    StandardOrigin.objects.update(rung_at=LONG_AGO)

    origins.ring_behind()
    origins.read(row.pk)
    StandardOrigin.objects.update(rung_at=LONG_AGO)
    origins.ring_behind()

    assert rung == [(origins.READ_STANDARD, [row.pk])]


def test_a_repository_that_is_removed_leaves_the_standard(shop: Repository, lead: User) -> None:
    _registered(shop, lead)

    repositories.remove(shop, lead)

    assert not StandardOrigin.objects.exists()
    assert _newest().source == RULES
