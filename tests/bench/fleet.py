"""The fleet page in one process: server time against a page that renders nothing, and queries.

Run as a process of its own in the environment of an installation; prints one JSON object.
"""

from __future__ import annotations

import json
import time
from statistics import quantiles
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from django.test import Client

REPOSITORIES = 1_000
WARM_UP = 20
ROUNDS = 200
PAGES = ("/", "/?sort=-score", "/?letter=B&sort=musts", "/?page=10", "/?q=service-9")
NOTHING = "/nothing/"


def fill() -> None:
    """Make a fleet of a thousand repositories with results; some are being scanned."""
    from dashboard.models import Branch, Repository, Scan, ScanState, Team, Trigger

    team = Team.objects.order_by("pk")[0]
    rows = Repository.objects.bulk_create(
        Repository(
            team=team,
            slug=f"service-{number}",
            name=f"Service {number}",
            clone_url=f"https://git.example.org/service-{number}.git",
            score=(number * 37 % 1_000) / 10,
            previous_score=(number * 41 % 1_000) / 10,
            letter="ABCDE"[number % 5],
            coverage=(number % 100) / 100,
            open_must=number % 7,
            scanned_at=f"2026-01-{1 + number % 28:02d}T12:00:00Z",
        )
        for number in range(REPOSITORIES)
    )
    branches = Branch.objects.bulk_create(Branch(repository=row, name="main") for row in rows[::20])
    Scan.objects.bulk_create(
        Scan(
            repository=branch.repository,
            branch=branch,
            number=1,
            state=ScanState.QUEUED,
            trigger=Trigger.PUSH,
        )
        for branch in branches
    )


def _client() -> Client:
    from django.http import HttpResponse
    from django.test import Client
    from django.urls import path

    from dashboard import urls
    from dashboard.models import User
    from dashboard.views.guards import signed_in

    def nothing(_request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    # The same middleware, session and guard; only the page itself is missing.
    urls.urlpatterns.append(path(NOTHING.lstrip("/"), signed_in(nothing)))
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.order_by("pk")[0])
    return client


def _seconds(client: Client, address: str) -> float:
    began = time.perf_counter()
    response = client.get(address)
    ended = time.perf_counter()
    if response.status_code != 200:
        raise SystemExit(f"The page answered {response.status_code}.")
    return ended - began


def measure() -> dict[str, float]:
    """Milliseconds of both pages (p50, p95), asked for in turns, and the most queries of one."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = _client()
    fleet: list[float] = []
    empty: list[float] = []
    for turn in range(WARM_UP + ROUNDS):
        fleet.append(_seconds(client, PAGES[turn % len(PAGES)]))
        empty.append(_seconds(client, NOTHING))
    queries = []
    for page in PAGES:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            client.get(page)
        queries.append(len(captured))
    return {
        **_points("fleet", fleet[WARM_UP:]),
        **_points("empty", empty[WARM_UP:]),
        "queries": max(queries),
    }


def _points(name: str, seconds: list[float]) -> dict[str, float]:
    cuts = quantiles(seconds, n=20)
    return {f"{name}_p50": cuts[9] * 1_000, f"{name}_p95": cuts[18] * 1_000}


if __name__ == "__main__":
    django.setup()
    fill()
    print(json.dumps(measure()))
