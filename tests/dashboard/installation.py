"""A whole installation in processes of its own: home, database, broker, workers.

Leases and sweeps are short, so that a test sees in seconds what takes a minute in earnest.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from dashboard.celery import QUEUES
from tests.services import ROOT

PATIENCE = 90.0
LEASE_SECONDS = 4


def printed(script: str, home: Path, **variables: str) -> str:
    """What a script prints in a process of its own with nothing but these variables set."""
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "dashboard.settings",
        "STRAIGHTEDGE_HOME": str(home),
    }
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environment | variables,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@dataclass
class Installation:
    """``database_url`` and ``redis_url`` empty: everything in the home."""

    home: Path
    repositories: Path
    database_url: str = ""
    redis_url: str = ""
    port: int = 0
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """Only what is set here, and the way to programs."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home.parent),
            "LC_ALL": "C.UTF-8",
            "DJANGO_SETTINGS_MODULE": "dashboard.settings",
            "STRAIGHTEDGE_HOME": str(self.home),
            "STRAIGHTEDGE_CLONE_ALLOWED_PATHS": str(self.repositories),
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "PORT": str(self.port or 8000),
            "SCAN_LEASE_SECONDS": str(LEASE_SECONDS),
            "SCAN_HEARTBEAT_SECONDS": "0.5",
            "SWEEP_SECONDS": "0.5",
            "WORKER_PROCESSES": "1",
            **self.extra,
        }

    def manage(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a management command to its end."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE * 2,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def spawn(self, *command: str, log: str) -> subprocess.Popen[bytes]:
        """Start a process in a session of its own, its output in a file of the home's parent."""
        with (self.home.parent / log).open("ab") as output:
            return subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @contextlib.contextmanager
    def worker(self, name: str = "w") -> Iterator[subprocess.Popen[bytes]]:
        """Run a worker; at the end nothing of its session is left."""
        process = self.spawn(
            *("-m", "celery", "--quiet", "-A", "dashboard.celery", "worker"),
            *("--queues", ",".join(QUEUES), "--loglevel", "WARNING", "-n", f"{name}@%h"),
            *("--without-gossip", "--without-mingle"),
            log=f"{name}.log",
        )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the installation's database."""
        if self.database_url:
            with psycopg.connect(self.database_url) as connection:
                return connection.execute(query.encode()).fetchall()
        path = self.home / "straightedge.sqlite3"
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as opened:
            return opened.execute(query).fetchall()

    def scans(self, repository: str) -> list[tuple[Any, ...]]:
        """(state, attempt, phase, error code, owner) of each scan, oldest first."""
        return self.rows(
            "SELECT s.state, s.attempt, s.phase, s.error_code, s.owner FROM dashboard_scan s "
            "JOIN dashboard_repository r ON r.id = s.repository_id "
            f"WHERE r.slug = '{repository}' ORDER BY s.number"
        )

    def until_scan(self, repository: str, *states: str, phase: str = "") -> tuple[Any, ...]:
        """Wait until the newest scan has one of the states, and the phase if one is given."""

        def there() -> tuple[Any, ...] | None:
            scans = self.scans(repository)
            if scans and scans[-1][0] in states and phase in ("", scans[-1][2]):
                return scans[-1]
            return None

        return until(there)


def until[T](question: Callable[[], T | None], seconds: float = PATIENCE) -> T:
    """Ask again and again until the answer is true.

    Raises:
        TimeoutError: It never was.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = question()
        if answer:
            return answer
        time.sleep(0.02)
    raise TimeoutError("waited in vain")


def owner_pid(owner: str) -> int:
    """Return the process that holds a scan."""
    return int(owner.rsplit("/", 2)[1])
