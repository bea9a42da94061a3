"""Every page of the site map on a large fleet: server time and queries, as a person is answered.

Run as a process of its own in the environment of an installation; an empty one is filled first.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING, NamedTuple

import django

from tests import services
from tests.bench.engine import ROOT

if TYPE_CHECKING:
    from django.test import Client

    from dashboard.models import User

PICKS = 8
"""Repositories, findings, clauses that each page is asked for."""
ROUNDS = 20
TARGET = 300
"""Milliseconds in which nineteen of twenty requests are to be answered."""
# Filters, orders and groups of pages whose plain form the site map names already.
NARROWED = (
    "/?sort=-score",
    "/?q=orders",
    "/?letter=C&sort=musts&page=3",
    "/report/?days=90",
    "/areas/?page=2",
    "/search/?q=orders",
    "/search/?q=refund_inv",
    "/search/?q=qqzzqq",
    "/search/?q=orders&only=files&page=3",
    "/search/?q=orders&only=findings&page=3",
    "/me/?all=new",
    "/me/?all=mine",
    "/waivers/?state=requested",
    "/checks/?q=log",
    "/r/{r/slug}/?standard={standard}",
    "/r/{r/slug}/map/?below=app/orders",
    "/r/{r/slug}/findings/?page=20",
    "/r/{r/slug}/findings/?sort=newest",
    "/r/{r/slug}/findings/?sort=oldest",
    "/r/{r/slug}/findings/?state=all&path=app/orders/",
    "/r/{r/slug}/findings/?group=clause",
    "/r/{r/slug}/findings/?group=check",
    "/r/{r/slug}/findings/?group=file",
    "/r/{r/slug}/findings/?group=owner",
    "/r/{r/slug}/findings/?group=age",
    "/f/{f/pk}/?from=",
    "/f/{f/pk}/?from=sort%3Doldest",
)


class Cost(NamedTuple):
    """What a page costs.

    Attributes:
        first: Milliseconds of the first answer, nothing remembered.
        p50: Milliseconds of the middle one of all answers.
        p95: Milliseconds of all but one of twenty.
        cpu: The same of the processors alone, ours and the database's: what is left of it on a
            machine that does nothing else.
        queries: How many.
        size: Bytes of the compressed page.
    """

    first: float
    p50: float
    p95: float
    cpu: float
    queries: int
    size: int


def table(repositories: int, findings: int) -> Iterator[str]:
    """Fill a PostgreSQL of its own and measure every page; yields lines as they come."""
    run = services.begin()
    # Settings are read by what this imports, so the environment comes first.
    from tests.product import Product, fresh_backends

    try:
        with (
            tempfile.TemporaryDirectory(prefix="straightedge-bench-") as folder,
            fresh_backends(run.postgresql()) as (database_url, redis_url),
        ):
            made = Product.make(Path(folder), database_url=database_url, redis_url=redis_url)
            sizes = ("--repositories", str(repositories), "--findings", str(findings))
            command = [sys.executable, "-m", "tests.bench.pages", *sizes]
            with subprocess.Popen(
                command, cwd=ROOT, env=made.environment, stdout=subprocess.PIPE, text=True
            ) as process:
                assert process.stdout
                yield from (line.rstrip() for line in process.stdout)
            if process.returncode:
                raise SystemExit(f"The pages could not be measured: {process.returncode}.")
    finally:
        services.end()


def fill(repositories: int, findings: int) -> None:
    """Make tables and a fleet, unless there is one."""
    from django.core.management import call_command

    from dashboard.models import Repository
    from dashboard.services import bootstrap

    bootstrap.prepare()
    if not Repository.objects.exists():
        call_command("generate_fleet", repositories=repositories, findings=findings)


def measure() -> Iterator[tuple[str, str, Cost]]:
    """Yields who asked for which page, and what that cost."""
    from django.test import Client

    from tests.browser.addresses import answering, routes

    chance = random.Random(1)
    samples = [_sample(chance) for _ in range(PICKS)]
    for name, person in _readers():
        client = Client(headers={"host": "localhost", "accept-encoding": "gzip"})
        client.force_login(person)
        for route in routes():
            found = {each for sample in samples if (each := answering(client, route, sample))}
            if found:
                yield name, f"/{route}", _cost(client, sorted(found))
        for route in NARROWED:
            addresses = {route.format_map(sample) for sample in samples}
            yield name, route, _cost(client, sorted(addresses))


def _readers() -> list[tuple[str, User]]:
    """Who sees all and belongs to no team, the worst case; and a lead, the usual one."""
    from dashboard.models import Membership, Role, User

    everybody, _ = User.objects.get_or_create(
        username="bench",
        defaults={"email": "bench@example.org", "is_superuser": True, "is_staff": True},
    )
    lead = Membership.objects.filter(role=Role.LEAD).select_related("user").order_by("pk")[0]
    return [("all", everybody), ("lead", lead.user)]


def _sample(chance: random.Random) -> dict[str, str]:
    """Values for the parameters of the routes."""
    from dashboard.models import Finding, PastResult, Repository, Team

    scanned = Repository.objects.filter(last_scan__isnull=False).order_by("pk")
    repository = scanned[chance.randrange(scanned.count())]
    own = Finding.objects.filter(repository=repository).order_by("pk")
    finding = own[chance.randrange(own.count())]
    standard = chance.choice(
        [row.standard for row in repository.adoptions.select_related("standard")]
    )
    past = PastResult.objects.filter(repository=repository).first()
    return {
        "r/slug": repository.slug,
        "r/commit": past.commit if past else "0",
        "r/number": str(chance.randint(1, repository.scan_count)),
        "r/path": f"{finding.path}?at={repository.scanned_commit}",
        "standard": standard.slug,
        "f/pk": str(finding.pk),
        "standards/slug": standard.slug,
        "standards/number": chance.choice(standard.clauses.values_list("number", flat=True)),
        "checks/identifier": finding.check_id,
        "teams/slug": chance.choice(Team.objects.values_list("slug", flat=True)),
    }


def _cost(client: Client, addresses: list[str]) -> Cost:
    from django.core.cache import cache
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    cache.clear()
    first, _ = _milliseconds(client, addresses[0])
    both = [_milliseconds(client, addresses[turn % len(addresses)]) for turn in range(ROUNDS)]
    with CaptureQueriesContext(
        connection,
    ) as seen:
        size = len(client.get(addresses[0]).content)
    times, processors = (quantiles(each, n=20) for each in zip(*both, strict=True))
    return Cost(first, times[9], times[18], processors[18], len(seen), size)


def _milliseconds(client: Client, address: str) -> tuple[float, float]:
    """On the clock, and of the processors."""
    began, spent = time.perf_counter(), _processors()
    response = client.get(address)
    wall, cpu = time.perf_counter() - began, _processors() - spent
    if response.status_code != 200:
        raise SystemExit(f"{address} answered {response.status_code}.")
    return wall * 1_000, cpu * 1_000


def _processors() -> float:
    """Seconds that this process and its connection's process at the server have run."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = cursor.fetchone()[0]
    ran = int(Path(f"/proc/{backend}/schedstat").read_text().split()[0])
    return time.process_time() + ran / 10**9


def main() -> None:
    """Fill the installation of the environment and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repositories", type=int, default=1_000)
    parser.add_argument("--findings", type=int, default=1_000_000)
    given = parser.parse_args()
    django.setup()
    fill(given.repositories, given.findings)
    line = "{:5}{:48}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}"
    print(line.format("who", "page", "first ms", "p50 ms", "p95 ms", "p95 cpu", "queries", "bytes"))
    slow = 0
    for name, route, cost in measure():
        times = (f"{each:.0f}" for each in cost[:4])
        print(line.format(name, route[:47], *times, cost.queries, cost.size), flush=True)
        slow += cost.p95 > TARGET
    print(f"{slow} pages take more than {TARGET} ms in one of twenty requests")


if __name__ == "__main__":
    main()
