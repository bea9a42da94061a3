"""Which layer a file is in."""

from __future__ import annotations

import pytest

from tests.checks.projects import parsed

MODEL = (
    "from sqlalchemy import event\nfrom sqlalchemy.orm import (\n"
    "    DeclarativeBase, Mapped, Session, mapped_column, object_session)\n"
    "class Base(DeclarativeBase): ...\n"
    "class User(Base):\n    __tablename__ = 'users'\n    id: Mapped[int] = mapped_column()\n\n"
)
PING = "from sqlalchemy.orm import Session\ndef ping(s: Session):\n    s.execute('SELECT 1')\n"


@pytest.mark.parametrize(
    ("path", "text", "layer"),
    [
        ("app/db/users.py", MODEL + "def find(s: Session):\n    s.get(User, 1)\n", "repositories"),
        ("app/db/models.py", MODEL + "def on_change(target):\n"
         "    s = object_session(target)\n    s.get(User, 1)\n", "models"),
        ("app/db/models.py", MODEL + "@event.listens_for(User, 'before_update')\n"
         "def on_change(mapper, session: Session, target):\n    session.get(User, 1)\n", "models"),
        ("app/db/session.py", PING, ""),
        ("app/deps.py", MODEL, ""),
        ("app/services/__init__.py", "class UserService:\n    def find(self): ...\n", "services"),
        ("app/services/errors.py", "class Missing(Exception): ...\n", ""),
        ("app/users/service.py", "def find(): ...\n", "services"),
    ],
)  # fmt: skip
def test_a_file_is_in_the_first_layer_that_fits(path: str, text: str, layer: str) -> None:
    assert parsed({path: text}).by_path[path].layer == layer
