"""A git server, a repository on it and a place for its mirror."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gitservers import GitServer, Origin


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    with GitServer(tmp_path / "served") as running:
        yield running


@pytest.fixture
def origin(server: GitServer) -> Origin:
    made = Origin.create(server.root / "shop.git")
    made.commit({"app.py": "x = 1\n"})
    return made


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "mirrors").mkdir()
    return tmp_path / "mirrors" / "1.git"
