"""Workers as processes, killed and stopped in the middle of a scan; nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psycopg
import pytest
import redis

from tests.dashboard.installation import Installation, owner_pid, until
from tests.gitservers import Origin

FILES = 150
# Every file is another blob with enough in it that a review takes seconds.
BODY = "\n\n".join(
    f"def step_{n}(value, items=[]):\n"
    f"    try:\n        print(value, {n})\n    except Exception:\n        pass\n"
    f"    return [item for item in items if item != value + {n}]"
    for n in range(25)
)


SERVERS = "PostgreSQL and Redis"
FILES_ALONE = "SQLite and files"
on_both = pytest.mark.parametrize("installation", [SERVERS, FILES_ALONE], indirect=True)
pytestmark = pytest.mark.slow


@pytest.fixture
def installation(
    request: pytest.FixtureRequest, tmp_path: Path, new_database: Callable[[], str]
) -> Installation:
    """A prepared installation whose workers are not started yet."""
    embedded = getattr(request, "param", SERVERS) == FILES_ALONE
    made = Installation(
        home=tmp_path / "home",
        repositories=tmp_path / "served",
        database_url="" if embedded else new_database(),
        redis_url="" if embedded else request.getfixturevalue("redis_url"),
    )
    made.manage("migrate", "-v0")
    return made


@pytest.fixture
def big(installation: Installation) -> str:
    """Register a repository that takes seconds to judge; return its slug."""
    origin = Origin.create(installation.repositories / "big.git")
    files = {f"app/module_{n}.py": f'"""Module {n}."""\n\n{BODY}\n' for n in range(FILES)}
    origin.commit(files)
    installation.manage("add_repository", str(installation.repositories / "big.git"))
    return "big"


@on_both
def test_a_scan_whose_process_is_killed_ends_complete(installation: Installation, big: str) -> None:
    with installation.worker():
        held = installation.until_scan(big, "running", phase="reading")
        os.kill(owner_pid(held[4]), signal.SIGKILL)

        state, attempt, *_ = installation.until_scan(big, "complete", "failed", "partial")

    assert (state, attempt) == ("complete", 2)
    assert len(installation.scans(big)) == 1


def test_a_scan_whose_whole_worker_is_killed_is_taken_over_by_another(
    installation: Installation, big: str
) -> None:
    with installation.worker("first") as first:
        installation.until_scan(big, "running", phase="reading")
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
    with installation.worker("second"):
        state, attempt, *_ = installation.until_scan(big, "complete", "failed", "partial")

    assert (state, attempt) == ("complete", 2)


@on_both
@pytest.mark.parametrize("whom", ["the parent", "the group"])
def test_a_worker_told_to_stop_gives_its_scan_back_and_leaves_no_process(
    installation: Installation, big: str, whom: str
) -> None:
    with installation.worker() as worker:
        installation.until_scan(big, "running", phase="reading")
        (os.kill if whom == "the parent" else os.killpg)(worker.pid, signal.SIGTERM)
        assert worker.wait(timeout=30) == 0

        assert installation.scans(big)[0][:2] == ("queued", 0)
        assert not _processes_of(worker.pid)
    with installation.worker():
        assert installation.until_scan(big, "complete", "failed")[:2] == ("complete", 1)


def test_two_workers_and_a_burst_of_requests_make_two_scans_one_after_the_other(
    installation: Installation, big: str
) -> None:
    burst = (
        "from dashboard.models import Repository; from dashboard.services import scanning;"
        "r = Repository.objects.get(slug='big');"
        "[scanning.request(r, 'push') for _ in range(100)]"
    )
    with installation.worker("first"), installation.worker("second"):
        installation.until_scan(big, "running", phase="reading")
        installation.manage("shell", "--no-imports", "-c", burst)
        until(lambda: all(scan[0] == "complete" for scan in installation.scans(big)))

    scans = installation.scans(big)
    assert [scan[:2] for scan in scans] == [("complete", 1), ("complete", 1)]
    overlap = installation.rows(
        "SELECT count(*) FROM dashboard_scan a JOIN dashboard_scan b ON a.number < b.number "
        "WHERE b.started_at < a.finished_at"
    )
    assert overlap == [(0,)]
    assert installation.rows("SELECT wanted - done FROM dashboard_branch") in ([(0,)], [(0,), (0,)])


def test_a_scan_that_kills_its_worker_every_time_ends_as_poison(
    installation: Installation, big: str
) -> None:
    def reading(attempt: int) -> str:
        """Return who works on the attempt, once it is in the middle."""
        scan = installation.scans(big)[0]
        return str(scan[4]) if scan[:3] == ("running", attempt, "reading") else ""

    with installation.worker():
        for attempt in (1, 2, 3):
            owner = until(partial(reading, attempt))
            os.kill(owner_pid(owner), signal.SIGKILL)
        state, attempts, _, code, _ = installation.until_scan(big, "complete", "failed")

    assert (state, attempts, code) == ("failed", 3, "poison")


def test_a_database_that_drops_every_connection_loses_nothing(
    installation: Installation, big: str
) -> None:
    server, _, name = installation.database_url.rpartition("/")
    with installation.worker():
        installation.until_scan(big, "running", phase="reading")
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )
        state, *_ = installation.until_scan(big, "complete", "failed")

    assert state == "complete"
    assert len(installation.scans(big)) == 1


def test_a_broker_that_forgot_everything_is_made_up_for(
    installation: Installation, big: str
) -> None:
    with redis.Redis.from_url(installation.redis_url) as client:
        assert client.keys("*")
        client.flushdb()

    with installation.worker():
        assert installation.until_scan(big, "complete", "failed")[:2] == ("complete", 1)


def _processes_of(session: int) -> list[str]:
    """Return what is left of a session."""
    found = subprocess.run(
        ["ps", "-s", str(session), "-o", "pid=,stat=,args="], capture_output=True, text=True
    )
    return [line for line in found.stdout.splitlines() if " Z" not in line[:20]]
