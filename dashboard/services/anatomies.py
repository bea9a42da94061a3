"""What can be drawn of the last result of a repository, one judged folder at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from checks import anatomy
from dashboard.models import StoredReport

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from checks.anatomy import Anatomy, Clause
    from dashboard.models import Repository


@dataclass(frozen=True)
class Drawn:
    """One folder of the last result; ``found`` is None for one of an earlier release."""

    folders: Sequence[str]
    folder: str
    found: Anatomy | None

    def query(self, values: Mapping[str, str]) -> str:
        """Return a query string that stays in the folder."""
        folder = {"component": self.folder} if self.folder else {}
        return "?" + urlencode({**folder, **values})


def read_drawn(repository: Repository, folder: str) -> Drawn:
    """Return what can be drawn of a judged folder; of the first when there is no such folder."""
    reports = StoredReport.objects.filter(
        component__repository=repository, scan=repository.last_scan_id
    )
    named = reports.order_by("component__path").values_list("component__path", flat=True)
    folders = list(named)
    chosen = folder if folder in folders else next(iter(folders), "")
    data = reports.filter(component__path=chosen).values_list("anatomy", flat=True).first()
    try:
        found = anatomy.unpack(bytes(data)) if data else None
    except ValueError:
        found = None
    return Drawn(folders, chosen, found)


def unique(clauses: Sequence[Clause]) -> list[Clause]:
    """Return clauses once, in their order."""
    return list(dict.fromkeys(clauses))
