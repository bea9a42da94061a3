"""Secrets in code and in other files: traps of the definition."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.checks.projects import ask_read
from tests.checks.rules.histories import ask_history

KEY = "AKIA" + "Z7Q2XWERTY4567AB"


def found(files: dict[str, str]) -> list[tuple[str, int]]:
    outcome = ask_read("no-hardcoded-secrets", {"app/x.py": "X = 1\n", **files})
    return [(each.path, each.line) for each in outcome.observations]


@pytest.mark.parametrize(
    "line",
    [
        'JWT_SECRET = "q8Zr1mV7xT2p"',
        'connect(password="opensesame")',
        'def f(token="q8Zr1mV7"): ...',
        'config["api_token"] = "q8Zr1mV7"',
        'ok = password == "opensesame"',
        'PASSWORD = os.getenv("DB_PASSWORD", "opensesame")',
        'password = os.environ.get("X", "opensesame")',
        'SECRET_KEY = os.getenv("SECRET_KEY", "MY SECRET KEY")',
        'key = getattr(settings, "SECRET_KEY", "opensesame")',
        f'KEY = "{KEY}"',
        'URL = "postgresql://app:hunter2@db/app"',
    ],
)
def test_a_secret_is_found_in_every_form(line: str) -> None:
    assert found({"app/a.py": f"import os\n{line}\n"}) == [("app/a.py", 2)]


@pytest.mark.parametrize(
    "line",
    [
        'token_url = "/token"',
        'token_type = "bearer"',
        'PASSWORD_FIELD = "passwd1"',
        'secret_name = "prod/db1"',
        'TOKEN_PREFIX = "tok_"',
        'CSRF_TOKEN = "csrf_token"',
        'password = "YOUR_PASSWORD"',
        'password = "change me please"',
        'PASSWORD = os.getenv("DB_PASSWORD", "changeme")',
        'class K(Enum):\n    TOKEN = "tok1"',
        'class S(BaseSettings):\n    secret: str = "dev-secret-1"',
        'URL = "postgresql://app:app@db/app"',
        'URL = "postgresql://app:hunter2@localhost/app"',
        'URL = f"postgresql://{user}:{password}@db/app"',
        'ok = value.startswith("ghp_")',
        'assert SECRET_KEY != "development_secret"',
        'if SECRET_KEY == "development_secret":\n    raise ValueError',
        '_dummy_password = "q8Zr1mV7xT2p"',
        'REASON_PASSWORD = "changed"',
        'PASSWORD = "q8Zr1mV7..."',
        'key = getattr(settings, "SECRET_KEY", "changeme")',
    ],
)
def test_names_placeholders_and_local_passwords_pass(line: str) -> None:
    head = "import os\nfrom enum import Enum\nfrom pydantic_settings import BaseSettings\n"
    assert found({"app/a.py": f"{head}{line}\n"}) == []


def test_outside_of_programs_a_bare_service_name_is_a_local_system() -> None:
    text = "A_URL=redis://u:hunter2@cache/0\nB_URL=redis://u:hunter2@cache.acme.io/0\n"
    assert found({"deploy.env": text}) == [("deploy.env", 2)]


def test_words_behind_a_known_prefix_are_no_key() -> None:
    live = "sk_" + "live_"
    assert found({"app/a.py": f'K = "{live}supersecretwordsonlyhere"\n'}) == []
    assert found({"app/a.py": f'K = "{live}4eC39HqLyjWDarjtT1zdp7dc"\n'}) == [("app/a.py", 1)]


def test_tests_and_examples_hold_dummies_but_no_real_tokens() -> None:
    url, example = "postgresql://app:hunter2@db.acme.io/app", "AKIAIOSFODNN7EXAMPLE"
    assert found({"tests/a.txt": f"{url}\n{example}\n", "docs/a.md": f"{url}\n"}) == []
    assert found({"tests/a.txt": f"{KEY}\n"}) == [("tests/a.txt", 1)]


HISTORY = """#-- app/a.py
SECRET_KEY = "f3Vb9Qz7Lm2Xw8Rt5Yk1Pn6C"
#-- commit 2024-05-01 | feat: add key
#-- app/b.py
SECRET_KEY = "f3Vb9Qz7Lm2Xw8Rt5Yk1Pn6C"
#-- tests/a.py
TOKEN_SECRET = "g3Vb9Qz7Lm2Xw8Rt5Yk1Pn6C"
#-- commit 2024-05-02 | feat: copy key
"""


def test_a_secret_is_reported_once_where_it_entered_and_masked(tmp_path: Path) -> None:
    outcome = ask_history("no-secrets-in-history", HISTORY, tmp_path)
    [each] = outcome.observations
    assert (each.path, each.line) == ("app/a.py", 1)
    assert "f3Vb" in each.message
    assert "f3Vb9" not in each.message


@pytest.mark.parametrize(
    "params", [{"min_entropy": 4.9}, {"min_length": 30}, {"max_blob_bytes": 10}]
)
def test_limits_hold(params: dict[str, float], tmp_path: Path) -> None:
    assert not ask_history("no-secrets-in-history", HISTORY, tmp_path, **params).observations


def test_a_baseline_marks_what_is_no_secret(tmp_path: Path) -> None:
    digest = hashlib.sha1(b"f3Vb9Qz7Lm2Xw8Rt5Yk1Pn6C", usedforsecurity=False).hexdigest()
    listed = f'[{{"hashed_secret": "{digest}", "is_secret": false}}]'
    text = f'{HISTORY}#-- .secrets.baseline\n{{"results": {{"app/a.py": {listed}}}}}\n'
    assert not ask_history("no-secrets-in-history", text, tmp_path).observations


def test_a_message_in_a_script_without_spaces_is_no_secret() -> None:
    assert found({"app/messages.py": 'REFRESH_TOKEN = "令牌已过期请重新登录"\n'}) == []


def test_the_fallback_of_a_part_of_the_settings_is_left_to_the_check_on_settings() -> None:
    text = (
        "import os\nfrom pydantic import BaseModel\nfrom pydantic_settings import BaseSettings\n"
        "class Mail(BaseModel):\n    password: str = os.getenv('MAIL_PASSWORD', 'q8Zr1mV7x')\n"
        "class Settings(BaseSettings):\n    mail: Mail = Mail()\n"
        "MAIL_PASSWORD = os.getenv('MAIL_PASSWORD', 'q8Zr1mV7x')\n"
    )
    assert found({"app/config.py": text}) == [("app/config.py", 8)]
