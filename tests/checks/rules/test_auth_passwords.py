"""Traps of the check on passwords."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = (
    "import hashlib\nimport bcrypt\nfrom passlib.context import CryptContext\n"
    "from pydantic import BaseModel\nfrom sqlalchemy import insert, update\n"
    "from sqlalchemy.orm import DeclarativeBase, Mapped\n"
    "class Base(DeclarativeBase): ...\n"
    "class User(Base):\n    __tablename__ = 'u'\n    name: Mapped[str]\n"
    "    password: Mapped[str]\n    hashed_password: Mapped[str]\n"
    "class UserIn(BaseModel):\n    password: str\n"
    "def hash_password(text):\n    return bcrypt.hashpw(text.encode(), bcrypt.gensalt())\n"
)
FIRST = HEAD.count("\n") + 1


def found(text: str, **params: object) -> list[int]:
    """Lines of the findings, counted from the first line behind the head."""
    made = lines(ask("password-hashing", {"app/users.py": HEAD + text}, **params))
    return [line - FIRST for line in made]


@pytest.mark.parametrize(
    "text",
    [
        "def add(data: UserIn):\n    return User(hashed_password=hash_password(data.password))\n",
        "def add(password):\n    password = hash_password(password)\n    User(password=password)\n",
        "def add(password_hash):\n    return User(password=password_hash)\n",
        "def check(password, password_confirm):\n    return password == password_confirm\n",
        "def call(settings):\n    return Client(password=settings.smtp_password)\n",
        "def login(user, password):\n    return bcrypt.checkpw(password, user.password)\n",
        "c = CryptContext(schemes=['bcrypt', 'md5_crypt'], deprecated='auto')\n",
        "def tag(body):\n    return hashlib.sha256(body).hexdigest()\n",
        "def off(user: User):\n    user.password = None\n",
        ("class CreateUser:\n    pass\n"
         "def ask(data: UserIn):\n    return CreateUserRequest(password=data.password)\n"
         "class CreateUserRequest:\n    password: str\n"),
        ("def add(data: UserIn):\n    data.password = hash_password(data.password)\n"
         "    return User(**data.model_dump())\n"),
        ("def add(data: UserIn):\n"
         "    return User(**data.model_dump(), password=hash_password('x'))\n"),
        "def add(data: UserIn):\n    return User(**data.model_dump(exclude={'password'}))\n",
    ],
)  # fmt: skip
def test_hashed_and_other_passwords_are_not_found(text: str) -> None:
    assert found(text) == []


METHODS = "class Member(Base):\n    __tablename__ = 'm'\n    password: Mapped[str]\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (("    @classmethod\n    def make(cls, data: UserIn):\n"
          "        return cls(password=data.password)\n"), 5),
        (("    def check(self, password):\n        return self.password == password\n"
          "def login(user: Member, data: UserIn):\n    return user.check(data.password)\n"), 4),
        ("def add(data: UserIn):\n    return Member(**data.model_dump())\n", 4),
        (("def add(s, data: UserIn):\n"
          "    s.execute(insert(Member).values(password=data.password))\n"), 4),
        (("def set(s, data: UserIn):\n"
          "    s.execute(update(Member).where(x).values(password=data.password))\n"), 4),
    ],
)  # fmt: skip
def test_plain_passwords_are_found_where_models_take_them(text: str, line: int) -> None:
    assert found(METHODS + text) == [line]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("def add(data: UserIn):\n    return User(password=data.password)\n", 1),
        ("def set(user: User, password):\n    user.password = password\n", 1),
        ("def login(user: User, password):\n    return user.password == password\n", 1),
        (("def add(password):\n    h = hashlib.md5(password).hexdigest()\n"
         "    return User(password=h)\n"), 2),
        (("def hide(password):\n    return hashlib.sha1(password.encode())\n"
         "def add(password):\n    return User(password=hide(password))\n"), 1),
        ("c = CryptContext(schemes=['md5_crypt', 'bcrypt'], deprecated='auto')\n", 0),
        ("def derive(password):\n    return hashlib.pbkdf2_hmac('sha256', password, b'', 1)\n", 1),
    ],
)  # fmt: skip
def test_plain_and_weakly_hashed_passwords_are_found(text: str, line: int) -> None:
    assert found(text) == [line]


def test_only_the_allowed_schemes_hash() -> None:
    text = "c = CryptContext(schemes=['argon2'])\n"
    assert found(text, allowed=["passlib", "bcrypt"]) == [0]
    assert found(text, allowed=["argon2"]) == []


def test_a_model_whose_setter_hashes_may_be_given_a_plain_password() -> None:
    text = (
        "class Member(Base):\n    __tablename__ = 'm'\n    id: Mapped[int]\n"
        "    def password(self, value): ...\n"
        "def add(data: UserIn):\n    return Member(password=data.password)\n"
    )
    assert found(text) == []
