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
