"""What a file may give away."""

from __future__ import annotations

import random

import pytest

from checks.facts.leaks import Versions, entropy, is_read, leaks, masked

BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"


def kinds(text: str, path: str = "app/a.py") -> list[tuple[int, str]]:
    return [(each.line, each.kind) for each in leaks(text.encode(), path)]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n", "private key"),
        (f'"-----BEGIN PRIVATE KEY-----\\n{BODY}"', "private key"),
        ("AKIA" + "Z7Q2XWERTY4567AB", "AWS access key"),
        ("ghp_" + "a1B2" * 9, "GitHub token"),
        ("sk_live_" + "a1B2c3D4e5F6", "Stripe key"),
        ("xoxb-" + "123456789012-abcdef", "Slack token"),
        ("AIza" + "a1B2c" * 7, "Google API key"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.a1B2c3D4e5F6", "JWT"),
        ("postgresql://app:hunter2@db.acme.io/app", "url"),
    ],
)
def test_known_formats_are_found_at_their_line(text: str, kind: str) -> None:
    assert kinds(f"# one\n{text}\n", "notes.txt") == [(2, kind)]


@pytest.mark.parametrize(
    "text",
    [
        'if "-----BEGIN PRIVATE KEY-----" in key:',
        "-----BEGIN PUBLIC KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC",
        'value.startswith("ghp_")',
        "https://acme.io/@someone:else",
        "mailto:someone@acme.io",
    ],
)
def test_what_only_looks_alike_is_not(text: str) -> None:
    assert kinds(text) == []


def test_programs_give_away_literals_and_other_files_plain_values() -> None:
    line = "api_key = a1b2c3d4e5f6g7h8\n"
    assert kinds(line) == []
    assert kinds(line, "app.ini") == [(1, "assignment")]
    [found] = leaks(b'x = {"auth_token": "a1b2c3d4e5f6g7h8"}', "a.py")
    assert (found.name, found.value) == ("auth_token", "a1b2c3d4e5f6g7h8")


def test_binary_files_images_and_locks_are_not_looked_through() -> None:
    assert leaks(b"\0AKIAZ7Q2XWERTY4567AB", "a") == ()
    assert [is_read(path) for path in ("a.png", "uv.lock", "app.min.js", "a.py", ".env")] == [
        False, False, False, True, True,
    ]  # fmt: skip


def test_a_value_is_shown_by_its_beginning_alone() -> None:
    assert masked("hunter2hunter2") == "hun***"
    assert entropy("aaaa") == 0
    assert entropy("abcd") == 2


LINES = [
    b"# a comment, longer than what is compared at once, about the weather of the day",
    b'api_key = "a1b2c3d4e5f6g7h8"',
    b"dsn = 'postgresql://app:hunter2@db.acme.io/app'",
    b"token AKIAZ7Q2XWERTY4567AB",
    b"",
    b"\xc3\xa4\r",
    b"a://b:c@d",
]
KEY = [b"-----BEGIN RSA PRIVATE KEY-----", BODY.encode(), b"-----END RSA PRIVATE KEY-----"]


def test_a_version_beside_another_gives_away_the_same_as_alone() -> None:
    chance = random.Random(7)
    versions, lines = Versions(), [chance.choice(LINES) for _ in range(40)]
    for turn in range(300):
        first = chance.randrange(len(lines) + 1)
        fresh = KEY if turn % 29 == 0 else [chance.choice(LINES) for _ in range(turn % 4)]
        lines[first : first + chance.randrange(6)] = fresh
        data = b"\n".join(lines) + b"\n" * (turn % 2)
        path = f"{turn % 3}.py"
        assert versions.leaks(data, path) == leaks(data, path)


def test_urls_on_neighbouring_lines_are_found_both() -> None:
    found = leaks(b"a://u:p@x.io\nbc://u:p@x.io\ncd://u:p@y.io\n", "a.txt")
    assert [(each.line, each.value) for each in found] == [
        (2, "bc://u:p@x.io"), (3, "cd://u:p@y.io"),
    ]  # fmt: skip
