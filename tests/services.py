"""Real servers for the tests: PostgreSQL and Redis on free loopback ports, started when asked for.

The first process of a run makes one directory, chooses the ports and tells them to its xdist
workers through the environment; whoever needs a server first starts it under a file lock. A
watcher process ends all of it when the run ends, however it ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
DIRECTORY = "STRAIGHTEDGE_TEST_SERVICES"
BACKEND = "TEST_DATABASE"
LOOPBACK = "127.0.0.1"
PATIENCE = 60.0

_WATCHERS: list[subprocess.Popen[bytes]] = []


class ServiceError(RuntimeError):
    """A server the tests need is not installed or did not start; the text says what to do."""


def free_port() -> int:
    """Return a loopback port that is free now and that the kernel gives to no client."""
    for _ in range(200):
        port = random.randint(15_000, 31_999)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((LOOPBACK, port))
            return port
    raise ServiceError("no free loopback port between 15000 and 31999: end some servers")


def program(name: str) -> Path:
    """Return the path of an installed program, Debian's PostgreSQL folders included.

    Raises:
        ServiceError: It is not installed.
    """
    homes = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda home: int(home.parent.name)
    )
    places = [str(home) for home in reversed(homes)]
    found = shutil.which(name, path=os.pathsep.join([*places, os.environ.get("PATH", "")]))
    if found is None:
        raise ServiceError(f"{name} is not installed: `make test` installs it on Debian and Ubuntu")
    # Not resolved: redis-server is a link, and goes by the name it is called by.
    return Path(found).absolute()


def unprivileged() -> pwd.struct_passwd | None:
    """Return the account the servers run under, None for our own; PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise ServiceError("PostgreSQL refuses root and there is no account `postgres` or `nobody`")


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the lock of a run's directory: one process starts a server, the others find it."""
    with (directory / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


class Services:
    """The servers of one test run. Values of the environment, so every worker sees the same."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        ports = (directory / "ports").read_text().split()
        self.postgresql_port, self.redis_port = int(ports[0]), int(ports[1])

    @property
    def postgresql_address(self) -> str:
        """URL of the server without a database name, ending in a slash."""
        return f"postgresql://straightedge@{LOOPBACK}:{self.postgresql_port}/"

    def postgresql(self) -> str:
        """Start PostgreSQL unless it runs, and return its address, ending in a slash."""
        with locked(self.directory):
            if not self._started("postgresql"):
                self._make_cluster()
                self._start("postgresql", self._postgres_command(), self.postgresql_port)
        return self.postgresql_address

    def redis(self, database: int = 0) -> str:
        """Start Redis unless it runs, and return the URL of one of its 64 databases."""
        with locked(self.directory):
            if not self._started("redis"):
                self._start("redis", self._redis_command(), self.redis_port)
        return f"redis://{LOOPBACK}:{self.redis_port}/{database}"

    def _started(self, name: str) -> bool:
        return (self.directory / f"{name}.pid").exists()

    def _make_cluster(self) -> None:
        command = [
            str(program("initdb")), "--pgdata", str(self.directory / "postgresql"),
            "--username", "straightedge", "--auth", "trust", "--encoding", "UTF8",
            "--locale", "C.UTF-8", "--no-sync",
        ]  # fmt: skip
        with (self.directory / "initdb.log").open("wb") as log:
            self._spawn(command, log).wait(PATIENCE)
        if not (self.directory / "postgresql" / "PG_VERSION").exists():
            raise ServiceError("initdb failed:\n" + (self.directory / "initdb.log").read_text())

    def _postgres_command(self) -> list[str]:
        # Nothing here outlives the run, so nothing waits for the disk.
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(self.postgresql_port),
            "unix_socket_directories": str(self.directory / "postgresql"),
            "max_connections": "200",
            "shared_buffers": "64MB",
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
        }
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        return [str(program("postgres")), "-D", str(self.directory / "postgresql"), *options]

    def _redis_command(self) -> list[str]:
        home = self.directory / "redis"
        home.mkdir(exist_ok=True)
        account = unprivileged()
        if account is not None:
            os.chown(home, account.pw_uid, account.pw_gid)
        return [
            str(program("redis-server")), "--bind", LOOPBACK, "--port", str(self.redis_port),
            "--dir", str(home), "--databases", "64", "--save", "", "--appendonly", "yes",
            "--appendfsync", "everysec", "--maxmemory-policy", "noeviction",
        ]  # fmt: skip

    def _spawn(self, command: Sequence[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
        account = unprivileged()
        return subprocess.Popen(
            command,
            cwd=self.directory,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )

    def _start(self, name: str, command: Sequence[str], port: int) -> None:
        log = self.directory / f"{name}.log"
        with log.open("wb") as output:
            process = self._spawn(command, output)
        pid_file = self.directory / f"{name}.pid"
        pid_file.write_text(str(process.pid))
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and process.poll() is None:
            if _answers(name, port):
                # The watcher ends it; without this, Popen warns that nobody waited for it.
                process.returncode = 0
                return
            time.sleep(0.05)
        process.kill()
        process.wait()
        pid_file.unlink()
        raise ServiceError(f"{name} did not start:\n{log.read_text()}")


def _answers(name: str, port: int) -> bool:
    if name == "postgresql":
        done = subprocess.run(
            [program("pg_isready"), "-q", "-h", LOOPBACK, "-p", str(port)], check=False
        )
        return done.returncode == 0
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), 1) as client:
        client.sendall(b"PING\r\n")
        return client.recv(64).startswith(b"+PONG")
    return False


def _watched_directory() -> Path:
    """Make the directory of this run, choose its ports, start the watcher that removes it."""
    directory = Path(tempfile.mkdtemp(prefix="straightedge-test-"))
    account = unprivileged()
    if account is not None:
        os.chown(directory, account.pw_uid, account.pw_gid)
        directory.chmod(0o711)
    (directory / "ports").write_text(f"{free_port()} {free_port()}")
    _WATCHERS.append(
        subprocess.Popen(
            [sys.executable, "-I", str(Path(__file__).resolve()), str(directory)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
    )
    return directory


def begin() -> Services:
    """Join the run of the process that started us, or open one; prepare the environment for it.

    Settings that are read afterwards find a database and a home of their own.
    """
    directory = os.environ.get(DIRECTORY) or str(_watched_directory())
    os.environ[DIRECTORY] = directory
    services = Services(Path(directory))
    home = services.directory / f"home-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    home.mkdir(exist_ok=True)
    os.environ["STRAIGHTEDGE_HOME"] = str(home)
    if on_postgresql():
        os.environ["DATABASE_URL"] = services.postgresql_address + "straightedge"
    return services


def on_postgresql() -> bool:
    """Say which database the tests of models and views use: PostgreSQL unless told otherwise."""
    return os.environ.get(BACKEND, "postgresql") == "postgresql"


def end() -> None:
    """End the servers of the run that this process opened, and wait until they are gone."""
    while _WATCHERS:
        watcher = _WATCHERS.pop()
        if watcher.stdin is not None:
            watcher.stdin.close()
        watcher.wait(PATIENCE)


def _watch(directory: Path) -> None:
    """Wait until the run that started us is gone, then end its servers and remove its files."""
    sys.stdin.buffer.read()
    for file in directory.glob("*.pid"):
        _end(int(file.read_text()))
    shutil.rmtree(directory, ignore_errors=True)


def running(pid: int) -> bool:
    """Say whether a process runs; one that ended and that nobody has waited for does not."""
    try:
        os.kill(pid, 0)
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False


def _end(pid: int) -> None:
    for sign, seconds in ((signal.SIGINT, 10.0), (signal.SIGKILL, 2.0)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sign)
        deadline = time.monotonic() + seconds
        while running(pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        if not running(pid):
            return


if __name__ == "__main__":
    _watch(Path(sys.argv[1]))
