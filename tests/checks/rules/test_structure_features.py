"""Traps of the check that asks features to go through all layers."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask

ROUTES = (
    "from fastapi import APIRouter, FastAPI\nfrom sqlalchemy.orm import Session\n"
    "from app.deps import service\nrouter = APIRouter(prefix='/api/v1/users')\n"
    "@router.get('/{user_id}/posts')\ndef read_posts(user_id: int, db: Session):\n"
    "    return db.get(int, 1)\napp = FastAPI()\napp.include_router(router)\n"
)
BASE = {
    "app/routers/users.py": ROUTES,
    "app/deps.py": "from app.services.accounts import service\n",
    "app/services/accounts.py": "def service(): ...\n",
    "app/schemas/user.py": "from pydantic import BaseModel\nclass User(BaseModel): ...\n",
    "app/repositories/user_repository.py": "def load(): ...\n",
    "tests/test_nothing.py": "def test_nothing(): ...\n",
}


def missing(files: dict[str, str], **params: object) -> list[str]:
    """The layers that a feature lacks."""
    found = ask("feature-vertical-slice", files, **params)
    return sorted(each.anchor for each in found.observations)


def test_modules_are_reached_through_others_or_told_by_their_names() -> None:
    assert missing(BASE) == ["tests"]


def test_repositories_are_asked_for_where_the_database_is_reached() -> None:
    files = {path: text for path, text in BASE.items() if "repositories" not in path}
    assert missing(files) == ["repositories", "tests"]
    quiet = {**files, "app/routers/users.py": ROUTES.replace("db.get(int, 1)", "1")}
    assert missing(quiet) == ["tests"]


@pytest.mark.parametrize(
    "test",
    [
        "from app.services import accounts\n",
        "from app.routers.users import router\n",
        "def test_it(client):\n    client.get('/api/v1/users/1/posts?size=2')\n",
        "def test_it(client):\n    client.get(f'{PREFIX}/users/{1}/posts')\n",
        "def test_it(client):\n    url = '/users/1/posts'\n    client.get(url)\n",
        "def test_it(client, app):\n    client.get(app.url_path_for('read_posts'))\n",
    ],
)
def test_a_test_imports_the_feature_or_requests_one_of_its_paths(test: str) -> None:
    assert missing({**BASE, "tests/test_users.py": test}) == []


def test_another_path_is_no_test_of_the_feature() -> None:
    test = "def test_it(client):\n    client.get('/api/v1/users/1/comments')\n"
    assert missing({**BASE, "tests/test_users.py": test}) == ["tests"]


def test_a_version_may_be_asked_for() -> None:
    assert missing(BASE, layers=["routes"]) == []
    old = {**BASE, "app/routers/users.py": ROUTES.replace("/api/v1", "/api")}
    assert missing(old, layers=["routes"]) == ["routes"]
