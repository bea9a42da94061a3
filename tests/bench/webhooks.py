"""Webhooks against a whole installation, sent by several clients while scans write."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import quantiles
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.gitservers import GitServer, Origin
from tests.product import (
    Hook,
    Product,
    cpu_seconds,
    fresh_backends,
    github_headers,
    push_body,
    serve,
)
from tests.services import ROOT

CLIENTS = 4
SECONDS = 10.0
REPOSITORIES = 5
FILES = 40
STANDARD = "Python and FastAPI coding rules"
BODY = "\n\n".join(
    f"def step_{n}(value, items=[]):\n    try:\n        print(value, {n})\n"
    f"    except Exception:\n        pass\n    return items"
    for n in range(10)
)


class Load(NamedTuple):
    """What clients saw that sent webhooks one after the other, each as fast as it could.

    Attributes:
        sent: Deliveries that were answered with success.
        failed: All others.
        seconds: How long it took.
        p50: Seconds to an answer, half of them.
        p99: Seconds to an answer, all but one of a hundred.
        cpu: CPU seconds of the web server for each delivery.
        scans: Scans that wrote their results meanwhile.
    """

    sent: int
    failed: int
    seconds: float
    p50: float
    p99: float
    cpu: float
    scans: int


@contextlib.contextmanager
def installation(postgresql: str, folder: Path) -> Iterator[tuple[Product, int]]:
    """Run web, worker and scheduler; on SQLite and files without an address of PostgreSQL.

    Yields the installation and the process id of its web server.
    """
    with contextlib.ExitStack() as stack:
        backends = stack.enter_context(fresh_backends(postgresql)) if postgresql else ("", "")
        made = Product.make(folder, database_url=backends[0], redis_url=backends[1])
        made.prepare()
        web = stack.enter_context(made.running())
        yield made, web.pid


def measure(product: Product, web: int) -> Load:
    """Register some repositories and announce pushes to them, which are pushed indeed."""
    with serve(product) as server:
        origins, hooks = _registered(product, server)
        before, cpu = _ended_scans(product), cpu_seconds(web)
        ending = threading.Event()
        with ThreadPoolExecutor(CLIENTS + 1) as pool:
            pushing = pool.submit(_push, origins, ending)
            began = time.monotonic()
            lists = list(pool.map(_send, [hooks] * CLIENTS, [began + SECONDS] * CLIENTS))
            seconds = time.monotonic() - began
            ending.set()
            pushing.result()
        scans, cpu = _ended_scans(product) - before, cpu_seconds(web) - cpu
    answers = list(itertools.chain.from_iterable(lists))
    cuts = quantiles([each for each, _ in answers], n=100)
    sent = sum(status in (200, 202) for _, status in answers)
    each = cpu / len(answers)
    return Load(sent, len(answers) - sent, seconds, cuts[49], cuts[98], each, scans)


def fleet(product: Product) -> dict[str, float]:
    """Measure the fleet page in a process of its own; see :mod:`tests.bench.fleet`."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.fleet"],
        cwd=ROOT,
        env=product.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"The fleet page could not be measured:\n{done.stderr}")
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _registered(product: Product, server: GitServer) -> tuple[list[Origin], list[Hook]]:
    visitor = product.visitor()
    origins, hooks = [], []
    for number in range(REPOSITORIES):
        origin = Origin.create(server.root / f"shop{number}.git")
        origin.commit(_files(0))
        slug = visitor.register(server.url(f"shop{number}.git"), STANDARD)
        hooks.append(visitor.hook(slug))
        product.until_scan(slug, "complete")
        origins.append(origin)
    return origins, hooks


def _files(turn: int) -> dict[str, str]:
    """All files change with each turn, so that each scan reads and writes."""
    head = f'"""Turn {turn}."""\n\n'
    return {f"app/module_{n}.py": f"{head}{BODY}\n\nSTEP = {n}\n" for n in range(FILES)}


def _push(origins: list[Origin], ending: threading.Event) -> None:
    for turn in itertools.count(1):
        if ending.wait(0.5):
            return
        origins[turn % len(origins)].commit(_files(turn))


def _send(hooks: list[Hook], deadline: float) -> list[tuple[float, int]]:
    """Send one after the other; (seconds to the answer, status, 0 for none) of each."""
    address = urlsplit(hooks[0].address)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
    body = push_body("0" * 39 + "1")
    answers = []
    for hook in itertools.cycle(hooks):
        headers = github_headers(hook.secret, body, str(uuid.uuid4()))
        began = time.monotonic()
        if began > deadline:
            break
        try:
            connection.request("POST", urlsplit(hook.address).path, body, headers)
            response = connection.getresponse()
            response.read()
            status = response.status
        except (OSError, http.client.HTTPException):
            connection.close()
            status = 0
        answers.append((time.monotonic() - began, status))
    connection.close()
    return answers


def _ended_scans(product: Product) -> int:
    question = "SELECT count(*) FROM dashboard_scan WHERE state = 'complete'"
    return int(product.rows(question)[0][0])
