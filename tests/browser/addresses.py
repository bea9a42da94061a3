"""Addresses of all pages, made from the site map: a new page is looked at without being listed."""

from __future__ import annotations

import re
from random import Random
from typing import TYPE_CHECKING

from django.test import Client
from django.utils import timezone

from checks.report import json as report_json
from dashboard.models import Finding, Trigger
from dashboard.services import lease, results, scanning, source_view, standards
from dashboard.services.sample_shapes import invent
from dashboard.urls import urlpatterns
from tests.dashboard import rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dashboard.models import Repository
    from tests.dashboard.views.conftest import House

_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
# Deeds and machines: what is asked for by others than people reading a page.
_NO_PAGE = re.compile(
    r"^(?:hooks|api|badge|healthz|readyz|metrics)|/(?:progress)/|\.(?:csv|json|sarif|toml|patch)$"
)
_OTHERS = {"identity": "00000000-0000-4000-8000-000000000000"}


def fill(house: House) -> None:
    """Give the house two scans, a page and a half of findings, a source file, an administrator."""
    house.owner.is_staff = house.owner.is_superuser = True
    house.owner.save()
    house.scan(rows.finding("f0", line=1), score=70.0)
    found = (rows.finding(f"f{number}", line=number) for number in range(1, 61))
    house.scan(*found, anatomy=rows.anatomy())
    row = source_view.wanted(house.repository, "a" * 40, "app/main.py")
    source_view.set_data(row, b"".join(b"print(%d)\n" % number for number in range(80)))
    row.save()


def judge_by_all(house: House) -> Repository:
    """Judge a second repository by all shipped standards, the most that a page has to show."""
    rules = standards.load_shipped()
    repository = rows.repository(house.team, *rules)
    asked = scanning.request(repository, Trigger.PUSH)
    held = lease.claim(asked.pk)
    assert held
    texts = [standards.parsed(row) for row in rules]
    [report] = invent(texts, 400, 1, timezone.localdate(), Random(1)).stages
    held.write(commit="b" * 40, wanted=asked.branch.wanted)
    judged = results.Judged(repository.components.get(), report, report_json.rendered(report))
    results.store(held, [judged], rules, {"review": 1.5})
    return repository


def addresses(house: House) -> list[str]:
    """Every address of the site map that answers the owner with a page."""
    client = Client()
    client.force_login(house.owner)
    return [each for route in routes() if (each := answering(client, route, _sample(house)))]


def routes() -> list[str]:
    """The routes of the site map that people read."""
    every = [str(pattern.pattern) for pattern in urlpatterns]
    return [route for route in every if not _NO_PAGE.search(route)]


def answering(client: Client, route: str, sample: Mapping[str, str]) -> str:
    """Return the address of a route if it answers with a page, else "".

    Args:
        client: Who asks.
        route: A route of the site map.
        sample: Values of the parameters, by name behind the first word of the route; 1 for others.
    """
    noun = route.partition("/")[0]
    address = "/" + "".join(
        part if at % 2 == 0 else sample.get(f"{noun}/{part}", _OTHERS.get(part, "1"))
        for at, part in enumerate(_PARAMETER.split(route))
    )
    answer = client.get(address)
    # A deed refuses to be read (405), operation all but administrators (403); what has nothing to
    # show yet is not there (404).
    assert answer.status_code in {200, 302, 403, 404, 405}, address
    return address if answer.status_code == 200 else ""


def _sample(house: House) -> dict[str, str]:
    finding = Finding.objects.order_by("pk").last()
    assert finding
    return {
        "r/slug": house.repository.slug,
        "standards/slug": "house-rules",
        "teams/slug": house.team.slug,
        "standards/number": "HR-1",
        "r/number": "1",
        "r/path": "app/main.py",
        "checks/identifier": "no-print",
        "f/pk": str(finding.pk),
    }
