"""Traps of the checks of layers."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

SERVICE = "from fastapi import Depends\nclass Repo: ...\n\n"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("def provide(repo=Depends(Repo)):\n    return Service(repo)\n", []),
        ("class UserService:\n    def __init__(self, repo=Depends(Repo)): ...\n", []),
        ("def count(repo=Depends(Repo)):\n    return repo.count()\n", [1]),
    ],
)
def test_depends_is_wiring_only_where_something_is_built(body: str, found: list[int]) -> None:
    files = {"services/users.py": SERVICE + body}

    assert lines(ask("no-http-below-routes", files)) == found


def test_a_probe_below_a_prefix_and_its_detail_are_infrastructure() -> None:
    text = (
        "from fastapi import APIRouter\nfrom sqlalchemy.orm import Session\n"
        "router = APIRouter(prefix='/api/v1')\n\n"
        "@router.get('/health/database')\ndef probe(db: Session):\n    db.execute('SELECT 2')\n\n"
        "@router.get('/health/{id}')\ndef one(id: int, db: Session):\n    return db.get(int, id)\n"
    )

    assert lines(ask("routes-no-db-access", {"routes.py": text})) == [11]


def test_a_socket_module_is_in_no_layer() -> None:
    files = {
        "app/services/users.py": "def find(): ...\n",
        "app/models.py": "from pydantic import BaseModel\nclass User(BaseModel): ...\n",
        "app/live.py": (
            "from fastapi import APIRouter\nfrom pydantic import BaseModel\n"
            "from app.services.users import find\nrouter = APIRouter()\n"
            "class Message(BaseModel): ...\n\n"
            "@router.websocket('/live')\nasync def live(socket): ...\n"
        ),
        "app/api.py": "from app.services.users import find\nfrom app.models import User\n",
    }

    assert ask("layer-import-direction", files).sites == 0


SERVED = {
    "app/services/users.py": "def find(): ...\n",
    "app/repositories/users.py": "def load(): ...\n",
    "app/store.py": "from sqlalchemy.orm import Session\ndef keep(db: Session):\n    db.add(1)\n",
}
HANDLERS = (
    "import httpx\nfrom fastapi import APIRouter, Depends\nfrom pydantic import BaseModel\n"
    "from app.services import users\nfrom app.repositories.users import load\n"
    "from app.store import keep\nrouter = APIRouter()\nclass Out(BaseModel): ...\n"
    "def helper():\n    return users.find()\n"
)


def called(body: str, path: str = "/users", params: str = "") -> list[int]:
    """Lines that routes-call-services finds; the body of the handler is line 13."""
    text = f"{HANDLERS}@router.get('{path}')\ndef read({params}):\n    {body}\n"
    return lines(ask("routes-call-services", {**SERVED, "app/routes.py": text}))


@pytest.mark.parametrize(
    "body", ["users.find()", "return helper()", "return Out()", "keep(users.find())", "return 1"]
)
def test_handlers_may_call_services_directly_or_by_their_own_helpers(body: str) -> None:
    assert called(body) == []


@pytest.mark.parametrize(
    ("body", "line"), [("load()", 13), ("httpx.get('x')", 13), ("keep(1)", 12)]
)
def test_handlers_that_reach_past_the_services_are_found(body: str, line: int) -> None:
    assert called(body) == [line]


def test_a_call_past_the_services_in_a_helper_is_found_at_the_handler() -> None:
    body = "return fetch()\n\n\ndef fetch():\n    return load()\n"
    assert called(body) == [12]


def test_a_method_that_a_repository_lacks_is_still_a_call_of_the_repository() -> None:
    files = {"app/repositories/users.py": "class Users:\n    def load(self): ...\n"}
    text = HANDLERS.replace("import load", "import Users")
    text += "@router.get('/users')\ndef read():\n    return Users.unknown()\n"
    found = ask("routes-call-services", {**SERVED, **files, "app/routes.py": text})
    assert lines(found) == [13]


ROWS = (
    "from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column\n"
    "class Base(DeclarativeBase): ...\n"
    "class User(Base):\n    __tablename__ = 'users'\n"
    "    id: Mapped[int] = mapped_column(primary_key=True)\n"
    "    @classmethod\n    def made(cls, data): ...\n"
)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("User.unread(db, 1)", [14]),
        ("User.unread(session=db)", [14]),
        ("User.made(1)", []),
    ],
)
def test_a_class_of_rows_that_is_given_a_session_is_asked_for_rows(
    body: str, found: list[int]
) -> None:
    text = HANDLERS.replace("router =", "from app.rows import Session, User\nrouter =")
    text += f"@router.get('/users')\ndef read(db: Session):\n    {body}\n"
    files = {**SERVED, "app/rows.py": ROWS, "app/routes.py": text}
    assert lines(ask("routes-call-services", files)) == found


def test_probes_and_the_root_need_no_service() -> None:
    assert called("load()", path="/health") == []
    assert called("load()", path="/") == []
