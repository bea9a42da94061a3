"""What every answer carries, and how guessing passwords is slowed down."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from django.core.cache import cache
from django.test import Client

from dashboard.models import User
from tests.dashboard.installation import printed

PASSWORD = "correct-horse-battery"


@pytest.fixture
def person(db: None) -> User:
    cache.clear()
    return User.objects.create_user("ada", "ada@example.org", PASSWORD)


def sign_in(client: Client, login: str, password: str, address: str = "10.0.0.1") -> bool:
    client.post("/sign-in/", {"login": login, "password": password}, REMOTE_ADDR=address)
    return "_auth_user_id" in client.session


@pytest.mark.django_db
def test_every_answer_forbids_what_pages_do_not_need(client: Client) -> None:
    headers = client.get("/sign-in/").headers

    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("login", ["ada", "ada@example.org"])
def test_a_person_signs_in_by_name_or_by_address(person: User, client: Client, login: str) -> None:
    assert sign_in(client, login, PASSWORD)


def test_the_password_is_kept_by_argon2(person: User) -> None:
    assert person.password.startswith("argon2$")


def test_signing_in_changes_the_session(person: User, client: Client) -> None:
    client.get("/sign-in/")
    before = client.session.session_key
    assert sign_in(client, "ada", PASSWORD)

    assert client.session.session_key != before


def test_guessing_at_one_account_is_stopped_whatever_the_address(
    person: User, client: Client
) -> None:
    for number in range(6):
        assert not sign_in(client, "ada", f"guess {number}", f"10.0.1.{number}")

    assert not sign_in(client, "ada", PASSWORD, "10.0.2.1")


def test_guessing_from_one_address_is_stopped_whatever_the_account(
    person: User, client: Client
) -> None:
    for number in range(11):
        assert not sign_in(client, f"somebody{number}", "guess", "10.0.3.1")

    assert not sign_in(client, "ada", PASSWORD, "10.0.3.1")
    assert sign_in(client, "ada", PASSWORD, "10.0.3.2")


def test_an_unknown_account_gets_the_same_answer_as_a_wrong_password(
    person: User, client: Client
) -> None:
    def page(login: str) -> str:
        answer = client.post("/sign-in/", {"login": login, "password": "guess"})
        text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.content.decode())
        return re.sub(r"csrf\W+\w+", "", text, flags=re.IGNORECASE).replace(login, "")

    assert page("ada") == page("bob")


def test_nobody_signs_up_from_outside(db: None, client: Client) -> None:
    assert client.get("/sign-up/").status_code == 404
    assert client.get("/accounts/signup/").status_code == 404


def test_behind_https_cookies_are_bound_to_the_host_and_never_sent_in_clear(
    tmp_path: Path,
) -> None:
    names = [
        *("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "SESSION_COOKIE_SECURE"),
        *("CSRF_COOKIE_SECURE", "SECURE_HSTS_SECONDS", "DEBUG"),
    ]
    script = (
        "import json; from django.conf import settings;"
        f"print(json.dumps([getattr(settings, name) for name in {names!r}]))"
    )

    said = printed(script, tmp_path, BASE_URL="https://quality.example.org")

    assert json.loads(said) == [
        *("__Host-session", "__Host-csrf", True, True, 31536000, False),
    ]
