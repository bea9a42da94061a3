"""Starts everything on one machine, in the foreground: web, worker, scheduler."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import IO, TYPE_CHECKING, Any, override

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connections
from honcho import manager as honcho
from honcho.process import Process

from dashboard.celery import ANALYSE, QUEUES
from dashboard.services import bootstrap, owner

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterator, Sequence
    from pathlib import Path

ANSWER_SECONDS = 120
GRACEFUL_SECONDS = 4
KILL_SECONDS = 15  # an idle worker needs five
GUARD_SECONDS = 0.5


class Command(BaseCommand):
    """``manage.py start``: what ``make run`` calls."""

    help = "Prepare the state folder, then run web, worker and scheduler until Ctrl-C."
    requires_system_checks = ()

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the one switch."""
        parser.add_argument(
            "--prepare-only",
            action="store_true",
            help="bring tables, static files and standards up to date, then end",
        )

    @override
    def handle(self, *_: Any, prepare_only: bool, **__: Any) -> None:
        """Run until told to stop; the exit code is 0 after Ctrl-C or SIGTERM."""
        with _alone(settings.HOME) as patience:
            if not prepare_only:
                _require_free_port(patience)
            # Workers that are started elsewhere may not read it.
            checkout = None if prepare_only else bootstrap.checkout()
            if checkout is not None:
                _open_checkout(checkout)
            login = self._prepare(checkout)
            if prepare_only:
                self._announce(login)
                return
            code = self._run(login)
        if code not in (0, 130, 143):
            raise SystemExit(code)

    def _prepare(self, checkout: Path | None) -> bootstrap.FirstLogin | None:
        try:
            bootstrap.prepare()
            login = bootstrap.first_login()
            if checkout is not None:
                bootstrap.register_checkout(checkout)
        except DatabaseError as error:
            raise CommandError(
                f"The database cannot be used ({str(error).strip().splitlines()[0]}); check "
                "DATABASE_URL, or leave it out to keep the data in the state folder."
            ) from error
        finally:
            connections.close_all()
        return login

    def _run(self, login: bootstrap.FirstLogin | None) -> int:
        honcho.KILL_WAIT = KILL_SECONDS
        manager = honcho.Manager()
        manager._process_ctor = _Guarded
        for name, command in _processes().items():
            manager.add_process(name, command, env=_environment())
        announced = threading.Event()
        waiter = threading.Thread(target=self._announce_when_up, args=(login, announced))
        waiter.daemon = True
        waiter.start()
        manager.loop()
        if not announced.is_set():
            self._announce(login)
        return int(manager.returncode or 0)

    def _announce_when_up(
        self, login: bootstrap.FirstLogin | None, announced: threading.Event
    ) -> None:
        deadline = time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(_address(), timeout=1):
                announced.set()
                self._announce(login)
                return
            time.sleep(0.2)

    def _announce(self, login: bootstrap.FirstLogin | None) -> None:
        lines = [f"Straightedge: {settings.BASE_URL}"]
        if login is not None:
            lines.append(f"Login:        {login.username}")
            lines.append(f"Password:     {login.password}")
            lines.append("The password is shown this once; change it after signing in.")
        self.stdout.write("\n" + "\n".join(lines) + "\n\n")
        self.stdout.flush()


class _Guarded(Process):  # type: ignore[misc]  # honcho is untyped
    """Guards one of our programs: ends it when the manager is gone, however that ended.

    Should the guard be killed as well, the kernel ends the program.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._manager = os.getpid()

    @override
    def run(self, *args: Any, **kwargs: Any) -> None:
        """Run the program to its end, in a process that the manager has forked for it."""
        threading.Thread(target=self._end_with_manager, daemon=True).start()
        super().run(*args, **kwargs)

    def _end_with_manager(self) -> None:
        # A killed manager and a closed terminal tell nobody; an orphan's parent is another.
        while os.getppid() == self._manager or self._child is None:
            time.sleep(GUARD_SECONDS)
        self._child.terminate()
        try:
            self._child.wait(KILL_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._child.pid, signal.SIGKILL)
        os._exit(1)


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[float]:
    """Hold the state folder for this process and its programs, and write there who holds it.

    Yields the seconds that programs of a run before, which was killed, may still need to end.
    """
    with (home / "start.lock").open("a+") as file:
        _lock(file, home)
        file.seek(0)
        killed = bool(file.read())
        file.truncate(0)
        file.write(owner.name())
        file.flush()
        _keep_to_ourselves(file)
        yield 2.0 * KILL_SECONDS if killed else 0.0
        file.truncate(0)


def _lock(file: IO[str], home: Path) -> None:
    deadline = time.monotonic() + 2 * KILL_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            if not owner.is_dead(file.read()) or time.monotonic() > deadline:
                raise CommandError(
                    f"Straightedge is running already with the state folder {home}; stop it "
                    "first, or set STRAIGHTEDGE_HOME to another folder."
                ) from error
            time.sleep(GUARD_SECONDS)
        else:
            return


def _keep_to_ourselves(file: IO[str]) -> None:
    os.set_inheritable(file.fileno(), False)


def _address() -> tuple[str, int]:
    return settings.CONFIG.host, settings.CONFIG.port


def _require_free_port(patience: float) -> None:
    host, port = _address()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    deadline = time.monotonic() + patience
    while True:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                if time.monotonic() < deadline:
                    time.sleep(GUARD_SECONDS)
                    continue
                raise CommandError(
                    f"The address {host}:{port} cannot be used ({error.strerror}); stop the "
                    "program that has it, or set PORT to another number."
                ) from error
        return


def _open_checkout(git_dir: Path) -> None:
    """Allow reading this program's own repository from the disk, and nothing beside it."""
    allowed = [*settings.CONFIG.straightedge_clone_allowed_paths, str(git_dir)]
    settings.CLONE_ALLOWED_PATHS = tuple(allowed)
    os.environ["STRAIGHTEDGE_CLONE_ALLOWED_PATHS"] = ",".join(allowed)


def _environment() -> dict[str, str]:
    return {
        # A terminal is for warnings; LOG_LEVEL says otherwise.
        "LOG_LEVEL": "WARNING",
        **os.environ,
        "STRAIGHTEDGE_HOME": str(settings.HOME),
        "DJANGO_SETTINGS_MODULE": "dashboard.settings",
    }


def _processes() -> dict[str, str]:
    """Return the commands by name. ``exec`` leaves no shell between us and them."""
    host, port = _address()
    bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    python = [sys.executable, "-m"]
    web = [
        *(*python, "gunicorn", "dashboard.wsgi", "--bind", bind, "--worker-class", "gthread"),
        *("--workers", "1", "--threads", str(settings.CONFIG.web_threads)),
        *("--graceful-timeout", str(GRACEFUL_SECONDS), "--no-control-socket"),
        *("--log-level", "warning"),
    ]
    celery = [*python, "celery", "--quiet", "-A", "dashboard.celery"]
    # A person who waits for a page must not wait for a scan, so errands have a worker of their own.
    errands = [name for name in QUEUES if name != ANALYSE]
    analyst = _worker(celery, "analyst", [ANALYSE])
    errander = [*_worker(celery, "errands", errands), "--concurrency", "1"]
    beat = [*celery, "beat", "--loglevel", "WARNING", "--pidfile="]
    commands = {"web": web, "analyst": analyst, "errands": errander, "beat": beat}
    return {name: "exec " + shlex.join(_leash() + each) for name, each in commands.items()}


def _worker(celery: Sequence[str], name: str, queues: Sequence[str]) -> list[str]:
    return [
        *(*celery, "worker", "--hostname", f"{name}@%h", "--queues", ",".join(queues)),
        *("--loglevel", "WARNING", "--without-gossip", "--without-mingle"),
    ]


def _leash() -> list[str]:
    """Return what makes a program end with the process that guards it, where that is possible."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM"] if setpriv and sys.platform == "linux" else []
