"""Settings: read once, typed, and refused in one sentence."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from dashboard.config import Config, ConfigError, load


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STRAIGHTEDGE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    load.cache_clear()


def test_nothing_set_means_sqlite_in_the_home() -> None:
    config = Config()

    database = config.database()
    assert database["NAME"] == str(config.home / "straightedge.sqlite3")
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert config.public_url == "http://127.0.0.1:8000"
    assert config.worker_concurrency == 1


def test_a_postgresql_url_becomes_django_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u%40x:p%2Fw@db:6543/name?sslmode=require")

    database = Config().database()

    assert (database["USER"], database["PASSWORD"]) == ("u@x", "p/w")
    assert (database["HOST"], database["PORT"], database["NAME"]) == ("db", "6543", "name")
    assert database["OPTIONS"]["sslmode"] == "require"
    assert "lock_timeout=5s" in database["OPTIONS"]["options"]
    assert "jit=off" in database["OPTIONS"]["options"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "0"),
        ("DEBUG", "perhaps"),
        ("LOG_LEVEL", "LOUD"),
        ("BASE_URL", "ftp://example.org"),
        ("SWEEP_SECONDS", "-1"),
    ],
)
def test_a_value_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(ConfigError, match=name):
        load()


def test_another_kind_of_database_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://db/name")

    with pytest.raises(ConfigError, match="postgresql://"):
        Config().database()


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRAIGHTEDGE_CLONE_ALLOWED_HOSTS", "git.example.org, 10.0.0.0/8 ,")

    assert Config().straightedge_clone_allowed_hosts == ("git.example.org", "10.0.0.0/8")


def test_keys_are_made_once_and_readable_by_their_owner_alone() -> None:
    config = Config()

    assert config.secret() == Config().secret()
    assert config.fernet_keys() == Config().fernet_keys()
    for name in ("secret_key", "credential_keys"):
        assert stat.S_IMODE((config.home / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(config.home.stat().st_mode) == 0o700
    assert [path.name for path in config.home.glob(".*")] == []


def test_with_a_database_elsewhere_no_credential_key_is_made_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://db/name")

    assert Config().fernet_keys() == []


def test_a_key_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIAL_KEYS", "hunter2")

    with pytest.raises(ConfigError, match="32 bytes"):
        Config().fernet_keys()


def test_a_home_that_cannot_be_made_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRAIGHTEDGE_HOME", "/proc/nowhere")

    with pytest.raises(ConfigError, match="STRAIGHTEDGE_HOME"):
        Config().make_home()


def test_cookies_and_keys_never_show_in_the_settings_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "very-secret-value")

    assert "very-secret-value" not in repr(Config())
    assert os.environ["SECRET_KEY"] == Config().secret()
