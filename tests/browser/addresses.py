"""Addresses of all pages, made from the site map: a new page is looked at without being listed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.test import Client

from dashboard.models import Finding
from dashboard.services import source_view
from dashboard.urls import urlpatterns
from tests.dashboard import rows

if TYPE_CHECKING:
    from tests.dashboard.views.conftest import House

_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
# Deeds and machines: what is asked for by others than people reading a page.
_NO_PAGE = re.compile(
    r"^(?:hooks|api|badge|healthz|readyz|metrics)|/(?:progress)/|\.(?:csv|json|sarif|toml|patch)$"
)


def fill(house: House) -> None:
    """Give the house two scans, a page and a half of findings, a source file, an administrator."""
    house.owner.is_staff = house.owner.is_superuser = True
    house.owner.save()
    house.scan(rows.finding("f0", line=1), score=70.0)
    house.scan(*(rows.finding(f"f{number}", line=number) for number in range(1, 61)))
    row = source_view.wanted(house.repository, "a" * 40, "app/main.py")
    source_view.set_data(row, b"".join(b"print(%d)\n" % number for number in range(80)))
    row.save()


def addresses(house: House) -> list[str]:
    """Every address of the site map that answers the owner with a page."""
    client = Client()
    client.force_login(house.owner)
    found = []
    for pattern in urlpatterns:
        route = str(pattern.pattern)
        if _NO_PAGE.search(route):
            continue
        address = "/" + "".join(
            part if at % 2 == 0 else _sample(house, route, part)
            for at, part in enumerate(_PARAMETER.split(route))
        )
        answer = client.get(address)
        # A deed refuses to be read (405); what has nothing to show yet is not there (404).
        assert answer.status_code in {200, 302, 404, 405}, address
        if answer.status_code == 200:
            found.append(address)
    return found


def _sample(house: House, route: str, name: str) -> str:
    if route.startswith("r/") and name == "slug":
        return house.repository.slug
    finding = Finding.objects.order_by("pk").last()
    assert finding
    return {
        "standards/slug": "house-rules",
        "teams/slug": house.team.slug,
        "standards/number": "HR-1",
        "r/number": "1",
        "r/path": "app/main.py",
        "checks/identifier": "no-print",
        "f/pk": str(finding.pk),
    }.get(
        f"{route.partition('/')[0]}/{name}",
        "00000000-0000-4000-8000-000000000000" if name == "identity" else "1",
    )
