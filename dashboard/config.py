"""Typed settings from the environment. A value that cannot be read stops the start."""

from __future__ import annotations

import os
import secrets
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from cryptography.fernet import Fernet
from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PRIVATE_DIR = 0o700
PRIVATE_FILE = 0o600


class ConfigError(Exception):
    """A setting cannot be used. The text says which, why, and what to do."""


def _split(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


type Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


class Config(BaseSettings):
    """Everything an operator can set. The environment wins over a ``.env`` file.

    Durations are in seconds. Lists are separated by commas.
    """

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True)

    straightedge_home: Path = Path("var")
    database_url: str = ""
    redis_url: str = ""
    secret_key: SecretStr | None = None
    credential_keys: Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)] = ()

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=1, le=65535)
    base_url: str = Field("", pattern=r"^(https?://[^/\s]+)?/?$")
    allowed_hosts: Words = ("localhost", "127.0.0.1", "[::1]")
    csrf_trusted_origins: Words = ()
    trusted_proxies: int = Field(0, ge=0, le=5)
    debug: bool = False
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    straightedge_clone_allowed_hosts: Words = ()
    straightedge_clone_allowed_paths: Words = ()

    web_threads: int = Field(8, ge=1, le=64)
    worker_processes: int | None = Field(None, ge=1, le=64)
    analysis_jobs: int = Field(1, ge=1, le=64)
    team_scan_cap: int = Field(4, ge=1)
    backfill_weeks: int = Field(104, ge=0, le=1040)
    scan_lease_seconds: float = Field(60, gt=0)
    scan_heartbeat_seconds: float = Field(15, gt=0)
    sweep_seconds: float = Field(15, gt=0)
    poll_seconds: float = Field(900, gt=0)

    @property
    def home(self) -> Path:
        """The folder that holds all state, absolute."""
        return self.straightedge_home.expanduser().absolute()

    @property
    def embedded(self) -> bool:
        """True when one machine does everything with SQLite."""
        return not self.database_url

    @property
    def public_url(self) -> str:
        """The address people use, without a slash at the end."""
        return (self.base_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def https(self) -> bool:
        """True when people reach the pages over https."""
        return self.public_url.startswith("https://")

    @property
    def worker_concurrency(self) -> int:
        """Worker processes: SQLite has one writer, so one; else one per processor."""
        if self.worker_processes:
            return self.worker_processes
        return 1 if self.embedded else os.cpu_count() or 1

    def secret(self) -> str:
        """Return the key that signs sessions; made and kept in the home when none is given."""
        if self.secret_key:
            return self.secret_key.get_secret_value()
        return self._kept("secret_key", lambda: secrets.token_urlsafe(50))

    def fernet_keys(self) -> list[str]:
        """Return the keys that encrypt credentials, newest first.

        Made and kept in the home in embedded mode. With a database elsewhere and no key the list
        is empty, and what needs a credential is refused with that reason.

        Raises:
            ConfigError: A key is not a Fernet key.
        """
        keys = [key.get_secret_value() for key in self.credential_keys]
        if not keys and self.embedded:
            keys = self._kept("credential_keys", lambda: Fernet.generate_key().decode()).split(",")
        for key in keys:
            try:
                Fernet(key)
            except ValueError as error:
                raise ConfigError(
                    "CREDENTIAL_KEYS: each key must be 32 bytes in URL-safe base64; make one with "
                    '`python -c "from cryptography.fernet import Fernet; '
                    'print(Fernet.generate_key().decode())"`.'
                ) from error
        return keys

    def make_home(self) -> Path:
        """Create the home, readable by its owner alone.

        Raises:
            ConfigError: It cannot be created or written.
        """
        try:
            self.home.mkdir(mode=PRIVATE_DIR, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(self._unwritable(error.strerror or "no access")) from error
        if not os.access(self.home, os.W_OK | os.X_OK):
            raise ConfigError(self._unwritable("no write permission"))
        return self.home

    def _unwritable(self, why: str) -> str:
        return (
            f"The state folder {self.home} cannot be written ({why}); set STRAIGHTEDGE_HOME to a "
            "folder that this user may write."
        )

    def _kept(self, name: str, make: Any) -> str:
        """Return the text kept in the file ``name``, writing ``make()`` there the first time.

        A hard link makes the file appear whole, so processes that start together agree.
        """
        path = self.make_home() / name
        if not path.exists():
            draft = path.with_name(f".{name}.{os.getpid()}")
            try:
                descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE)
                with os.fdopen(descriptor, "w") as file:
                    file.write(make())
                try:
                    os.link(draft, path)
                except FileExistsError:
                    pass
                finally:
                    draft.unlink()
            except OSError as error:
                raise ConfigError(self._unwritable(error.strerror or "no access")) from error
        return path.read_text().strip()

    def database(self) -> dict[str, Any]:
        """Return Django's settings for the database.

        Raises:
            ConfigError: ``DATABASE_URL`` names another kind of database.
        """
        if self.embedded:
            return _sqlite(str(self.home / "straightedge.sqlite3"))
        parts = urlsplit(self.database_url)
        if parts.scheme == "sqlite":
            return _sqlite(parts.path.removeprefix("/") or ":memory:")
        if parts.scheme not in ("postgres", "postgresql"):
            raise ConfigError(
                "DATABASE_URL must begin with postgresql:// or sqlite:///; leave it out to keep "
                "the data in the state folder."
            )
        query = dict(parse_qsl(parts.query))
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.lstrip("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": query.pop("host", "") or unquote(parts.hostname or ""),
            "PORT": str(parts.port or query.pop("port", "")),
            "CONN_MAX_AGE": 60,
            "CONN_HEALTH_CHECKS": True,
            "OPTIONS": {
                # Compiling a query takes longer than any query of a page.
                "options": (
                    "-c statement_timeout=30s -c lock_timeout=5s -c jit=off "
                    "-c idle_in_transaction_session_timeout=60s"
                ),
                **query,
            },
        }


def _sqlite(path: str) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
                "PRAGMA journal_size_limit=67108864"
            ),
        },
    }


@cache
def load() -> Config:
    """Read the environment once.

    Raises:
        ConfigError: A value cannot be read; the text names each variable.
    """
    try:
        return Config()
    except ValidationError as error:
        faults = [
            f"{'.'.join(str(part) for part in fault['loc'][:1]).upper()}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)
        ]
        raise ConfigError(
            f"The environment cannot be used. {'; '.join(faults)}. See .env.example."
        ) from error
