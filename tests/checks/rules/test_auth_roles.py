"""Traps of the check that asks for roles, permissions and ownership."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = (
    "from fastapi import APIRouter, Depends, HTTPException, Security\n"
    "from fastapi.security import SecurityScopes\n"
    "class User:\n    role = 'admin'\n    id = 1\n"
    "def get_current_user() -> User: ...\n"
    "def get_current_superuser(user=Depends(get_current_user)): ...\n"
    "def scoped(scopes: SecurityScopes): ...\n"
    "class Guard:\n    def __init__(self, role): ...\n"
    "    def __call__(self, user=Depends(get_current_user)):\n"
    "        if user.role != 'admin':\n            raise HTTPException(403)\n"
    "router = APIRouter()\n"
)
LINE = HEAD.count("\n") + 2


def found(decorator: str, signature: str, body: str = "...") -> list[int]:
    text = f"{HEAD}@router.{decorator}\ndef handler({signature}):\n    {body}\n"
    return lines(ask("rbac-enforced", {"app/orders.py": text}))


@pytest.mark.parametrize(
    "signature",
    [
        "id: int, user=Depends(get_current_superuser)",
        "id: int, user=Depends(Guard('admin'))",
        "id: int, user=Security(scoped, scopes=['orders'])",
    ],
)
def test_a_dependency_that_checks_a_right_is_enough(signature: str) -> None:
    assert found("delete('/orders/{id}')", signature) == []


@pytest.mark.parametrize(
    "body",
    [
        "if user.role != 'admin': raise HTTPException(403)",
        "if order(id).owner_id != user.id: raise HTTPException(403)",
        "if order(id).user.email != user.email: raise HTTPException(403)",
        "user.has_permission('orders')",
        "session.query(Order).filter_by(user_id=user.id).delete()",
        "enforcer.enforce(user, 'orders', 'delete')",
        "unknown.remove_for(user.id, id)",
    ],
)
def test_a_check_in_the_body_or_behind_it_is_enough(body: str) -> None:
    assert found("delete('/orders/{id}')", "id: int, user=Depends(get_current_user)", body) == []


def test_to_be_logged_in_is_not_enough() -> None:
    signature = "id: int, user=Depends(get_current_user)"
    assert found("delete('/orders/{id}')", signature, "session.delete(id)") == [LINE]
    assert found("get('/admin/orders')", "user=Depends(get_current_user)") == [LINE]


@pytest.mark.parametrize(
    "body",
    [
        "role = find(id)\n    if not role: raise HTTPException(404)",
        "role = find(id)\n    if role is None: raise HTTPException(404)",
    ],
)
def test_to_look_whether_a_role_was_found_is_no_check_of_a_role(body: str) -> None:
    assert found("delete('/roles/{id}')", "id: int", body) == [LINE]


@pytest.mark.parametrize(("method", "found"), [("find_or_raise", False), ("create", True)])
def test_to_find_by_the_owner_is_a_check_and_to_write_it_down_is_none(
    method: str, found: bool
) -> None:
    repository = (
        "class Rows:\n    def find_or_raise(self, **by):\n        return self.rows[by]\n"
        "    def create(self, **by):\n        self.rows.append(by)\n"
    )
    text = (
        f"{HEAD}{repository}def mine(id: int, rows: Rows, user=Depends(get_current_user)):\n"
        f"    return rows.{method}(user_id=user.id, id=id)\n"
        "@router.delete('/orders/{id}')\ndef handler(row=Depends(mine)):\n    delete(row)\n"
    )
    assert bool(lines(ask("rbac-enforced", {"app/orders.py": text}))) is found


@pytest.mark.parametrize("decorator", ["delete('/users/me')", "get('/orders')", "post('/orders')"])
def test_ones_own_resources_and_other_methods_are_no_sites(decorator: str) -> None:
    assert found(decorator, "") == []


def test_a_tool_without_roles_is_not_asked() -> None:
    text = (
        "from fastapi import APIRouter\nrouter = APIRouter()\n"
        "@router.delete('/orders/{id}')\ndef remove(id: int): ...\n"
    )
    assert ask("rbac-enforced", {"app/orders.py": text}).state == "not-applicable"


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("user['id'] != row['owner_id']", []),
        ("name != current_user['name']", []),
        ("name != current_user.name", []),
        ("name != row['name']", [LINE]),
    ],
)
def test_an_owner_is_compared_by_the_keys_of_a_row_too(condition: str, expected: list[int]) -> None:
    body = f"row = load(name)\n    if {condition}:\n        raise KeyError(name)"
    signature = "name: str, user=Depends(get_current_user), current_user=Depends(get_current_user)"
    assert found("delete('/orders/{name}')", signature, body) == expected
