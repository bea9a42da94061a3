"""Traps of the check of what earlier releases have promised."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.model import Outcome
from tests.checks.projects import lines
from tests.checks.rules.histories import ask_history

HEAD = (
    "from fastapi import APIRouter\nfrom pydantic import BaseModel\n"
    "router = APIRouter(prefix='/api/v1')\n"
)
LINE = HEAD.count("\n") + 2


def module(*routes: str, path: str = "app/users.py") -> str:
    """A file of the repository with these handlers; each is a decorator's call and a name."""
    parts = (route.rsplit(" ", 1) for route in routes)
    text = "".join(f"@router.{call}\ndef {name}() -> list[str]: ...\n" for call, name in parts)
    return f"#-- {path}\n{HEAD}{text}"


def released(*versions: tuple[str, str], tags: tuple[str, ...] = ("v1.0.0", "v1.1.0")) -> str:
    """A history of commits: a date and what is written then; the first ones are tagged."""
    text = ""
    for number, (day, content) in enumerate(versions):
        text += f"{content}#-- commit {day} | feat: change\n"
        text += f"#-- tag {tags[number]}\n" if number < len(tags) else ""
    return text


def ask(text: str, folder: Path, **params: object) -> Outcome:
    """What the check answers about a history."""
    return ask_history("api-backward-compatible", text, folder, **params)


USERS = "get('/users') list_users"
ITEM = "get('/users/{id}') read_user"


@pytest.mark.parametrize(
    "later",
    [
        module(USERS, "get('/users/{user_id}') read_user"),
        module(USERS, ITEM, path="app/people.py") + "#-- delete app/users.py\n",
        module("get('/users/') all_users", ITEM),
        module(USERS, ITEM) + "#-- app/other.py\nx = 1\n",
    ],
)
def test_a_renamed_or_moved_handler_keeps_its_route(later: str, tmp_path: Path) -> None:
    text = released(("2024-01-10", module(USERS, ITEM)), ("2024-06-10", later))
    outcome = ask(text, tmp_path)
    assert (outcome.sites, lines(outcome)) == (2, [])


def test_a_route_that_is_gone_is_found_with_the_commit_and_the_former_line(tmp_path: Path) -> None:
    text = released(
        ("2024-01-10", module(ITEM, USERS)),
        ("2024-03-10", "#-- app/other.py\nx = 1\n"),
        ("2024-06-10", module(USERS)),
    )
    found = ask(text, tmp_path).observations
    assert [(each.path, each.line) for each in found] == [("app/users.py", LINE)]
    assert found[0].symbol.startswith("commit:")
    assert found[0].symbol[7:17] in found[0].message


def test_what_was_deprecated_before_may_go_after_its_notice(tmp_path: Path) -> None:
    old = "get('/users/{id}', deprecated=True) read_user"
    text = released(
        ("2024-01-10", module(USERS, ITEM)),
        ("2024-03-10", module(USERS, old)),
        ("2024-06-10", module(USERS)),
    )
    assert lines(ask(text, tmp_path / "a")) == []
    assert lines(ask(text, tmp_path / "b", min_notice_days=60)) == []
    assert len(lines(ask(text, tmp_path / "c", min_notice_days=180))) == 1


def test_a_whole_version_may_go_unless_notice_is_asked_for(tmp_path: Path) -> None:
    new = module(USERS).replace("/api/v1", "/api/v2")
    text = released(("2024-01-10", module(USERS)), ("2024-06-10", new))
    assert lines(ask(text, tmp_path / "a")) == []
    assert len(lines(ask(text, tmp_path / "b", min_notice_days=30))) == 1


@pytest.mark.parametrize(
    "gone",
    [
        "get('/health') health",
        "get('/internal', include_in_schema=False) internal",
    ],
)
def test_infrastructure_and_hidden_routes_may_go(gone: str, tmp_path: Path) -> None:
    text = released(("2024-01-10", module(USERS, gone)), ("2024-06-10", module(USERS)))
    assert lines(ask(text, tmp_path)) == []


def test_what_was_never_in_a_release_was_not_published(tmp_path: Path) -> None:
    text = released(
        ("2024-01-10", module(USERS)),
        ("2024-02-10", "#-- app/other.py\nx = 1\n"),
        ("2024-03-10", module(USERS, ITEM)),
        ("2024-06-10", module(USERS)),
    )
    assert lines(ask(text, tmp_path / "a")) == []
    assert len(lines(ask(text, tmp_path / "b", snapshots="months"))) == 1


def test_releases_before_the_first_may_break(tmp_path: Path) -> None:
    text = released(
        ("2024-01-10", module(USERS, ITEM)), ("2024-06-10", module(USERS)), tags=("v0.1", "0.2")
    )
    assert ask(text, tmp_path).state == "not-applicable"


def test_a_file_that_cannot_be_read_now_has_lost_nothing(tmp_path: Path) -> None:
    broken = "#-- app/users.py\ndef (\n"
    text = released(("2024-01-10", module(USERS)), ("2024-06-10", broken))
    assert lines(ask(text, tmp_path)) == []


def test_fields_are_compared_where_that_is_asked_for(tmp_path: Path) -> None:
    def with_fields(answer: str, body: str) -> str:
        return (
            f"#-- app/users.py\n{HEAD}class Read(BaseModel):\n    {answer}\n"
            f"class Body(BaseModel):\n    {body}\n"
            "@router.post('/users')\ndef create(body: Body) -> Read: ...\n"
        )

    first = with_fields("id: int; name: str", "name: str")
    for number, second in enumerate(
        (
            with_fields("id: int", "name: str"),
            with_fields("id: int; name: str", "name: str; mail: str"),
            with_fields("id: int; name: str; mail: str", "name: str; mail: str = ''"),
        )
    ):
        text = released(("2024-01-10", first), ("2024-06-10", second))
        found = lines(ask(text, tmp_path / f"{number}", compare_schemas=True))
        assert len(found) == (number < 2)
        assert lines(ask(text, tmp_path / f"{number}x")) == []
