"""Webhooks by the hundred, and parts that die under load: whatever was promised is kept.

One installation on PostgreSQL and Redis with web, worker and scheduler as processes serves all
tests of this file; each test has a repository of its own.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import httpx
import pytest

from tests.dashboard.installation import until
from tests.gitservers import GitServer, Origin
from tests.product import Hook, Product, descendants, serve, served
from tests.services import free_port

BURST = 200
STANDARD = "ColorAgent backend coding rules"


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory, postgresql: str) -> Iterator[Product]:
    """The product at work."""
    with served(tmp_path_factory.mktemp("faults"), postgresql) as made:
        yield made


@pytest.fixture
def server(product: Product) -> Iterator[GitServer]:
    """The git server that the product may clone from."""
    with serve(product) as running:
        yield running


@dataclass
class Watched:
    """A registered repository that was scanned once, and its webhook."""

    slug: str
    origin: Origin
    hook: Hook
    product: Product

    def scans(self) -> list[tuple[str, str]]:
        """(state, commit) of the scans after the first."""
        return self.product.rows(
            "SELECT s.state, s.commit FROM dashboard_scan s JOIN dashboard_repository r "
            f"ON r.id = s.repository_id WHERE r.slug = '{self.slug}' AND s.number > 1 "
            "ORDER BY s.number"
        )

    def deliveries(self) -> Counter[str]:
        """How often each delivery was written down, by its id."""
        return Counter(
            key
            for (key,) in self.product.rows(
                "SELECT d.key FROM dashboard_webhookdelivery d "
                "JOIN dashboard_webhookhook h ON h.id = d.hook_id "
                f"WHERE h.token = '{self.hook.address.rstrip('/').rpartition('/')[2]}'"
            )
        )

    def until_judged(self, commit: str) -> None:
        """Wait until nothing is left to do and the last scan has judged this commit."""
        until(lambda: self.scans() and {"queued", "running"}.isdisjoint(dict(self.scans())))
        scans = self.scans()
        assert {state for state, _ in scans} == {"complete"}
        assert scans[-1][1] == commit


@pytest.fixture
def watched(product: Product, server: GitServer, request: pytest.FixtureRequest) -> Watched:
    """A repository of this test alone."""
    name = f"shop{abs(hash(request.node.name)) % 10**8}"
    origin = Origin.create(server.root / f"{name}.git")
    origin.commit({"app/main.py": "print(1)\n"})
    visitor = product.visitor()
    slug = visitor.register(server.url(f"{name}.git"), STANDARD)
    hook = visitor.hook(slug)
    product.until_scan(slug, "complete")
    return Watched(slug, origin, hook, product)


def send_all(hook: Hook, commits: list[str], keys: list[str]) -> list[int | None]:
    """Send many deliveries at once; returns the statuses, None where there was no answer."""

    def send(commit: str, key: str) -> int | None:
        with contextlib.suppress(httpx.TransportError):
            return hook.push(commit, key=key).status_code
        return None

    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(send, commits, keys))


def new_keys(count: int) -> list[str]:
    """Fresh ids of deliveries."""
    return [str(uuid.uuid4()) for _ in range(count)]


def test_a_burst_of_200_webhooks_makes_two_scans_and_the_last_sees_the_newest_commit(
    watched: Watched, server: GitServer
) -> None:
    commits = [watched.origin.commit({"app/main.py": f"print({n})\n"}) for n in range(4)]
    keys = new_keys(BURST)

    server.mode = "slow"
    statuses = send_all(watched.hook, [commits[n % 4] for n in range(BURST)], keys)
    server.mode = "git"

    assert statuses == [202] * BURST
    watched.until_judged(commits[-1])
    assert len(watched.scans()) <= 2
    assert watched.deliveries() == dict.fromkeys(keys, 1)


def test_a_delivery_that_is_sent_again_and_again_is_done_once(watched: Watched) -> None:
    commit = watched.origin.commit({"app/main.py": "print(2)\n"})
    key = new_keys(1)[0]

    statuses = send_all(watched.hook, [commit] * 20, [key] * 20)

    assert sorted(Counter(statuses).items()) == [(200, 19), (202, 1)]
    watched.until_judged(commit)
    assert len(watched.scans()) == 1
    assert watched.deliveries() == {key: 1}


def test_a_wrong_signature_and_an_unknown_webhook_are_told_the_same_sentence(
    watched: Watched,
) -> None:
    commit = watched.origin.top()
    nobody = Hook(watched.hook.address.rpartition("/r/")[0] + "/r/nobody/", watched.hook.secret)

    forged, unknown = watched.hook.push(commit, secret="guessed"), nobody.push(commit)

    assert forged.status_code == unknown.status_code == 403
    assert forged.json() == unknown.json()
    assert forged.json()["reason"] == "There is no such webhook, or the signature is wrong."
    assert not watched.deliveries()
    assert not watched.scans()


def test_no_success_is_answered_without_a_row_when_the_web_process_is_killed(
    watched: Watched, product: Product
) -> None:
    commit = watched.origin.commit({"app/main.py": "print(3)\n"})
    web = replace(product, port=free_port())
    with web.web() as process, ThreadPoolExecutor(1) as pool:
        address = watched.hook.address.replace(product.address, web.address)
        hook, keys = Hook(address, watched.hook.secret), new_keys(BURST)
        sending = pool.submit(send_all, hook, [commit] * BURST, keys)
        for count in range(BURST // 10, BURST, BURST // 4):
            while not sending.done() and len(watched.deliveries()) <= count:
                time.sleep(0.02)
            for pid, _ in descendants(process.pid):
                os.kill(pid, signal.SIGKILL)
        statuses = sending.result()

    assert 202 in statuses
    assert set(statuses) <= {202, None}
    written = watched.deliveries()
    answered = [key for key, status in zip(keys, statuses, strict=True) if status == 202]
    assert [key for key in answered if written[key] != 1] == []
    watched.until_judged(commit)


def test_webhooks_are_taken_while_the_broker_is_away_and_done_when_it_is_back(
    watched: Watched, product: Product
) -> None:
    commit = watched.origin.commit({"app/main.py": "print(4)\n"})
    without = replace(product, port=free_port(), redis_url=f"redis://127.0.0.1:{free_port()}/0")
    with without.web():
        address = watched.hook.address.replace(product.address, without.address)
        assert send_all(Hook(address, watched.hook.secret), [commit] * 3, new_keys(3)) == [202] * 3

    # Nobody was rung; the rows say what is to do.
    watched.until_judged(commit)
