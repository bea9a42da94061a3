"""Traps of the check of where handlers take their parameters from."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = (
    "from fastapi import APIRouter, Body, Depends, Header\n"
    "from pydantic import BaseModel\n"
    "class User(BaseModel):\n    id: int\n    name: str\n"
    "class Joined(BaseModel):\n    team_id: int\n"
    "class Filter(BaseModel):\n    status: str\n    limit: int\n"
    "def one(user_id: int): ...\n"
    "router = APIRouter()\n"
)
LINE = HEAD.count("\n") + 2


def handler(decorator: str, signature: str) -> dict[str, str]:
    """A module with one handler, whose def is at ``LINE``."""
    return {"users.py": f"{HEAD}@router.{decorator}\ndef {signature}: ...\n"}


@pytest.mark.parametrize(
    ("decorator", "signature"),
    [
        ("delete('/users')", "delete_user(user_id: int)"),
        ("put('/users')", "update_user(user: User)"),
        ("put('/users')", "update_user(id: int = Body())"),
        ("put('/users/update')", "update_user(user_uuid: str)"),
        ("get('/users')", "get_user(user_id: int) -> User"),
        ("get('/users/get')", "get_user(user_id: int)"),
        ("delete('/users/{user_id}/roles')", "delete_role(user_id: int, role_id: int)"),
        ("get('/users/sort/{order}')", "list_users(order: str) -> list[User]"),
        ("get('/users/status/{status}')", "list_users(status: str) -> list[User]"),
        ("get('/users/page/{page}')", "list_users(page: int) -> list[User]"),
        ("get('/users')", "list_users(filters: Filter) -> list[User]"),
        ("post('/users/list')", "list_users(filters: Filter) -> list[User]"),
        ("delete('/users')", "delete_user(name: str)"),
        ("patch('/teams/{name}/user')", "patch_user(name: str, user: User)"),
    ],
)
def test_a_parameter_in_the_wrong_place_is_found(decorator: str, signature: str) -> None:
    assert lines(ask("param-placement", handler(decorator, signature))) == [LINE]


@pytest.mark.parametrize(
    ("decorator", "signature"),
    [
        ("get('/users')", "list_users(team_id: int, status: str, limit: int) -> list[User]"),
        ("get('/users')", "list_users(user_id: int) -> list[User]"),
        ("get('/posts')", "list_posts(user_id: int) -> User"),
        ("post('/users/search')", "search(filters: Filter) -> list[User]"),
        ("put('/users/{user_id}')", "update_user(user_id: int, user: User)"),
        ("put('/users')", "update_users(users: list[User])"),
        ("get('/reports/{year}/{month}')", "read_report(year: int, month: int, q: str)"),
        ("get('/orders/{order}')", "read_order(order: int, q: str)"),
        ("put('/orders/{order_id}/status/{status}')", "put(order_id: int, status: str)"),
        ("post('/users')", "create_user(user: User, limit: int)"),
        ("delete('/users/{id}')", "delete_user(id: int, page: str = Header())"),
        ("patch('/users/{name}/team')", "patch_user_team(name: str, body: Joined)"),
    ],
)
def test_a_parameter_in_its_place_holds(decorator: str, signature: str) -> None:
    assert lines(ask("param-placement", handler(decorator, signature))) == []


def test_the_parameters_of_providers_are_judged_once_and_where_they_stand() -> None:
    files = handler("delete('/users')", "delete_user(user=Depends(one))")
    files["users.py"] += "@router.put('/users')\ndef put_user(user=Depends(one)): ...\n"
    outcome = ask("param-placement", files)
    assert (outcome.sites, lines(outcome)) == (2, [LINE - 3])


def test_a_name_is_a_key_where_the_path_is_also_written_by_it() -> None:
    files = handler("get('/users')", "read_user(name: str) -> User")
    assert lines(ask("param-placement", files)) == []
    files["users.py"] += "@router.delete('/users')\ndef delete_user(name: str): ...\n"
    assert lines(ask("param-placement", files)) == [LINE, LINE + 2]


def test_only_the_roles_asked_for_are_judged() -> None:
    files = handler("delete('/users')", "delete_user(user_id: int)")
    assert ask("param-placement", files, roles=["filter"]).state == "not-applicable"
