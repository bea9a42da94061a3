"""``manage.py start``: one command from nothing to a first result, and back to nothing."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.dashboard.installation import PATIENCE, Installation, until
from tests.services import ROOT, free_port

pytestmark = pytest.mark.slow


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(home=tmp_path / "home", repositories=tmp_path / "served", port=free_port())


@contextlib.contextmanager
def started(installation: Installation) -> Iterator[subprocess.Popen[bytes]]:
    """Start, wait for the page, and leave nothing behind."""
    process = installation.spawn("manage.py", "start", log="start.log")
    try:
        until(lambda: _answers(installation))
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait(timeout=PATIENCE)


def _answers(installation: Installation) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"http://127.0.0.1:{installation.port}/healthz").status_code == 200
    return False


def output(installation: Installation) -> str:
    return (installation.home.parent / "start.log").read_text()


def processes_of(installation: Installation) -> list[str]:
    """Return the commands of the living processes that work with this home."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if str(installation.home).encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_text())
    return found


def login(installation: Installation, password: str) -> httpx.Response:
    base = f"http://127.0.0.1:{installation.port}"
    with httpx.Client(base_url=base, follow_redirects=False) as client:
        page = client.get("/sign-in/")
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
        assert token
        return client.post(
            "/sign-in/",
            data={"csrfmiddlewaretoken": token[1], "login": "admin", "password": password},
            headers={"Referer": base},
        )


def test_a_first_start_scans_the_checkout_lets_the_administrator_in_and_stops_without_a_trace(
    installation: Installation,
) -> None:
    with started(installation) as process:
        until(lambda: "Password:" in output(installation))
        password = re.search(r"Password: +(\S+)", output(installation))
        assert password
        assert login(installation, password[1]).status_code == 302
        assert login(installation, "wrong").status_code == 200
        state = installation.until_scan("straightedge", "complete", "partial", "failed")
        ready = httpx.get(f"http://127.0.0.1:{installation.port}/readyz")
        assert ready.status_code == 200, ready.text
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE) == 0

    assert state[0] in ("complete", "partial")
    assert processes_of(installation) == []
    assert password[1] not in str(installation.rows("SELECT password FROM dashboard_user"))


def test_a_second_start_makes_no_second_administrator(installation: Installation) -> None:
    assert "Password:" in installation.manage("start", "--prepare-only").stdout

    again = installation.manage("start", "--prepare-only")

    assert "Password:" not in again.stdout
    assert installation.rows("SELECT count(*) FROM dashboard_user") == [(1,)]
    # Workers of their own could not read the checkout: only a start with workers registers it.
    assert installation.rows("SELECT count(*) FROM dashboard_repository") == [(0,)]


def test_a_checkout_that_was_removed_stays_away(installation: Installation) -> None:
    installation.extra["STRAIGHTEDGE_CLONE_ALLOWED_PATHS"] = str(ROOT)
    installation.manage("start", "--prepare-only")
    script = (
        "from dashboard.models import Repository;"
        "from dashboard.services import bootstrap, repositories;"
        "bootstrap.register_checkout(bootstrap.checkout());"
        "repositories.remove(Repository.objects.get(), None);"
        "bootstrap.register_checkout(bootstrap.checkout())"
    )

    installation.manage("shell", "--no-imports", "-c", script)

    assert installation.rows("SELECT count(*) FROM dashboard_repository") == [(0,)]


def test_a_start_that_was_killed_is_recovered_by_the_next(installation: Installation) -> None:
    with started(installation) as process:
        installation.until_scan("straightedge", "running")
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        _kill_all(installation)

    with started(installation):
        state = installation.until_scan("straightedge", "complete", "partial", "failed")

    assert state[0] in ("complete", "partial")
    assert installation.rows("SELECT count(*) FROM dashboard_scan") == [(1,)]


def _kill_all(installation: Installation) -> None:
    """Kill what the supervisor had started: a machine that loses power spares nobody."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if str(installation.home).encode() in (folder / "environ").read_bytes():
                os.kill(int(folder.name), signal.SIGKILL)


def test_a_port_in_use_is_said_in_one_sentence(installation: Installation) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", installation.port))
        taken.listen()

        refused = installation.manage("start", check=False)

    assert refused.returncode == 1
    assert "set PORT to another number" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1


def test_a_home_in_use_is_said_in_one_sentence(installation: Installation) -> None:
    installation.home.mkdir(parents=True)
    hold = (
        "import fcntl, sys, time; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX);"
        "print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", hold, str(installation.home / "start.lock")],
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        assert holder.stdout
        holder.stdout.readline()
        refused = installation.manage("start", check=False)
    finally:
        holder.kill()
        holder.communicate()

    assert refused.returncode == 1
    assert "running already" in refused.stderr


@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:1/none", "mysql://db/name"])
def test_a_database_that_cannot_be_used_is_said_in_one_sentence(
    installation: Installation, url: str
) -> None:
    installation.database_url = url

    refused = installation.manage("start", check=False)

    assert refused.returncode == 1
    assert "DATABASE_URL" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
