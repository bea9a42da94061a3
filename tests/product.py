"""The product as its processes, web included, and a person who uses it over HTTP."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import html
import json
import logging
import os
import re
import signal
import socket
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
from cryptography.fernet import Fernet
from psycopg import sql

from tests.dashboard.installation import PATIENCE, Installation, until
from tests.gitservers import GitServer
from tests.services import DIRECTORY, Services, free_port

# A line for each request would bury what a failed test has to say.
logging.getLogger("httpx").setLevel(logging.WARNING)

_LOGIN = re.compile(r"Login:\s+(\S+)\s.*?Password:\s+(\S+)", re.DOTALL)
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
_CODE = re.compile(r'<code id="(address|secret)-\d+">([^<]+)</code>')
_TAG = re.compile(r"<[^>]+>")


@dataclass
class Product(Installation):
    """An installation with a web server that may clone from the loopback git server.

    ``login`` and ``password`` are known after :meth:`prepare` or :meth:`started`.
    """

    login: str = ""
    password: str = ""

    @classmethod
    def make(cls, folder: Path, *, database_url: str = "", redis_url: str = "") -> Product:
        """An installation in an empty folder; without URLs everything is in its home."""
        return cls(
            home=folder / "home",
            repositories=folder / "served",
            database_url=database_url,
            redis_url=redis_url,
            port=free_port(),
            extra={
                "STRAIGHTEDGE_CLONE_ALLOWED_HOSTS": "127.0.0.1",
                "CREDENTIAL_KEYS": Fernet.generate_key().decode(),
            },
        )

    @property
    def address(self) -> str:
        """Where the pages are."""
        return f"http://127.0.0.1:{self.port}"

    def prepare(self) -> None:
        """Make tables, standards and the first login, as a first start does."""
        self._remember(self.manage("start", "--prepare-only").stdout)

    def _remember(self, announced: str) -> bool:
        found = _LOGIN.search(announced)
        if found:
            self.login, self.password = found.groups()
        return f"Straightedge: {self.address}" in announced

    @contextlib.contextmanager
    def web(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run the web server, and wait until it answers."""
        process = self.spawn(
            *("-m", "gunicorn", "dashboard.wsgi", "--bind", f"127.0.0.1:{self.port}"),
            *("--worker-class", "gthread", "--workers", "1", "--threads", "8"),
            *("--no-control-socket", "--log-level", "warning"),
            log="web.log",
        )
        with _ended(process):
            until(lambda: _listens(self.port))
            yield process

    @contextlib.contextmanager
    def beat(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run the scheduler."""
        words = ("-m", "celery", "--quiet", "-A", "dashboard.celery", "beat")
        process = self.spawn(*words, "--loglevel", "WARNING", "--pidfile=", log="beat.log")
        with _ended(process):
            yield process

    @contextlib.contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run web, worker and scheduler, each on its own; yields the web server."""
        with self.web() as web, self.worker(), self.beat():
            yield web

    @contextlib.contextmanager
    def started(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run everything by ``manage.py start``, and wait until it says where it is."""
        log = self.home.parent / "start.log"
        log.unlink(missing_ok=True)
        process = self.spawn("manage.py", "start", log=log.name)
        with _ended(process, signal.SIGTERM):
            until(lambda: self._remember(log.read_text()) or process.poll() is not None)
            assert process.poll() is None, log.read_text()
            yield process

    def visitor(self) -> Visitor:
        """Return a person who has signed in as the administrator."""
        visitor = Visitor(self.address)
        visitor.sign_in(self.login, self.password)
        return visitor


@contextlib.contextmanager
def _ended(
    process: subprocess.Popen[bytes], sign: signal.Signals = signal.SIGKILL
) -> Iterator[None]:
    """At the end nothing is left of the process and of all that it started."""
    try:
        yield
    finally:
        below = descendants(process.pid)
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.kill(process.pid, sign)
            process.wait(PATIENCE)
        for pid, _ in {each for each in below if alive({each})}:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@contextlib.contextmanager
def fresh_backends(postgresql: str) -> Iterator[tuple[str, str]]:
    """Make a PostgreSQL database and empty this worker's Redis; yields both URLs.

    For fixtures that outlive one test.
    """
    name = f"fresh_{uuid.uuid4().hex}"
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 32
    broker = Services(Path(os.environ[DIRECTORY])).redis(32 + number)
    with psycopg.connect(postgresql + "postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield postgresql + name, broker
    finally:
        with psycopg.connect(postgresql + "postgres", autocommit=True) as connection:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            connection.execute(drop)


@contextlib.contextmanager
def served(folder: Path, postgresql: str) -> Iterator[Product]:
    """The product at work as processes, on a database and a Redis of its own."""
    with fresh_backends(postgresql) as (database_url, redis_url):
        made = Product.make(folder, database_url=database_url, redis_url=redis_url)
        made.prepare()
        with made.running():
            yield made


@dataclass
class Hook:
    """What the webhook page gives a person to paste at the forge."""

    address: str
    secret: str

    def push(self, commit: str, *, secret: str = "", key: str = "") -> httpx.Response:
        """Announce a push to main as GitHub does, signed with the secret."""
        body = push_body(commit)
        return httpx.post(
            self.address,
            content=body,
            headers=github_headers(secret or self.secret, body, key or str(uuid.uuid4())),
            timeout=PATIENCE,
        )


def push_body(commit: str) -> bytes:
    """GitHub's payload of a push to main, as far as it says what happened."""
    return json.dumps({"ref": "refs/heads/main", "after": commit, "deleted": False}).encode()


def github_headers(secret: str, body: bytes, key: str) -> dict[str, str]:
    """GitHub's headers of a push event."""
    signed = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": key,
        "X-Hub-Signature-256": f"sha256={signed}",
    }


@dataclass
class Visitor:
    """A person without scripts: forms with their tokens, pages as text."""

    address: str
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.Client(
            base_url=self.address, follow_redirects=True, timeout=PATIENCE, trust_env=False
        )

    def sign_in(self, login: str, password: str) -> None:
        """Sign in."""
        done = self.send("/sign-in/", {"login": login, "password": password})
        assert done.status_code == 200, done.text
        assert "Sign out" in done.text, words(done)

    def get(self, path: str) -> httpx.Response:
        """Open a page that is there."""
        page = self.client.get(path)
        assert page.status_code == 200, f"{path}: {page.status_code}"
        return page

    def send(self, path: str, fields: dict[str, Any], *, form: str = "") -> httpx.Response:
        """Fill in a form and send it; ``form`` is the page it stands on, if that is another."""
        token = _TOKEN.search(self.get(form or path).text)
        assert token
        return self.client.post(path, data={"csrfmiddlewaretoken": token[1], **fields})

    def ask(self, url: str, **fields: str) -> httpx.Response:
        """Enter an address; returns the refused form, or the page with the server's answer."""
        given = {"team": self._team(), "clone_url": url, "credential_kind": "none", **fields}
        page = self.send("/repos/new/", given)
        if page.url.path == "/repos/new/":
            return page
        return until(lambda: self._answered(page.url.path))

    def _team(self) -> str:
        found = re.search(r'<option value="(\d+)"', self.get("/repos/new/").text)
        assert found
        return found[1]

    def _answered(self, path: str) -> httpx.Response | None:
        page = self.get(path)
        return None if "Asking the server" in page.text else page

    def register(self, url: str, *standards: str, branch: str = "", **fields: str) -> str:
        """Register by the form, with standards by title or all; returns the slug."""
        page = self.ask(url, **fields)
        name = re.search(r'name="name" value="([^"]+)"', page.text)
        assert name, words(page)
        boxes = re.findall(r'name="standards" value="(\d+)".*?<strong>(.*?)</strong>', page.text)
        chosen = [value for value, title in boxes if not standards or title in standards]
        done = self.send(
            page.url.path,
            {"name": html.unescape(name[1]), "branch": branch, "standards": chosen},
        )
        slug = re.fullmatch(r"/r/([\w-]+)/webhook/", done.url.path)
        assert slug, words(done)
        return slug[1]

    def hook(self, slug: str) -> Hook:
        """Set up the webhook of GitHub."""
        page = self.send(f"/r/{slug}/webhook/", {"provider": "github"})
        found = dict(_CODE.findall(page.text))
        return Hook(**{name: html.unescape(value) for name, value in found.items()})

    def report(self, slug: str) -> bytes:
        """Return the bytes of the report of the last scan."""
        return self.get(f"/r/{slug}/findings.json").content


def words(page: httpx.Response) -> str:
    """What a person reads of a page."""
    return " ".join(html.unescape(_TAG.sub(" ", page.text)).split())


def serve(product: Product) -> GitServer:
    """A git server over the folder whose repositories may be registered."""
    return GitServer(product.repositories)


def descendants(pid: int) -> set[tuple[int, str]]:
    """All processes below one, each with the time it began, so that none is mistaken."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found: set[tuple[int, str]] = set()
    waiting = [pid]
    while waiting:
        children = parents.get(waiting.pop(), [])
        waiting += children
        found |= {(child, fields[19]) for child in children if (fields := _stat(child))}
    return found


def alive(processes: set[tuple[int, str]]) -> list[str]:
    """Command lines of those that still run."""
    left = []
    for pid, began in processes:
        fields = _stat(pid)
        if fields and fields[19] == began and fields[0] not in "ZX":
            with contextlib.suppress(OSError):
                line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
                left.append(line.decode("utf-8", "replace"))
    return left


def cpu_seconds(pid: int) -> float:
    """CPU time that a process and all processes below it have used so far."""
    pids = {pid, *(below for below, _ in descendants(pid))}
    ticks = sum(int(fields[11]) + int(fields[12]) for each in pids if (fields := _stat(each)))
    return ticks / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    """Fields of /proc/<pid>/stat after the name.

    [0] state, [1] parent, [11] and [12] CPU time in user and system mode, [19] when it began.
    """
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    return []
