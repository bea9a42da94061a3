"""One component judged: what is made of it, and for whom."""

from __future__ import annotations

from typing import Any

import pytest

from checks import anatomy
from dashboard.models import ScanState, StoredReport
from dashboard.services import audit, repositories
from tests.dashboard import rows
from tests.dashboard.scans import scan_of
from tests.gitservers import Origin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_machine")]


def test_a_scan_draws_its_commit_and_what_is_only_compared_is_not_drawn(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    dissect = anatomy.dissect

    def counted(*args: Any) -> anatomy.Anatomy:
        drawn.append(args)
        return dissect(*args)

    monkeypatch.setattr(anatomy, "dissect", counted)
    origin.commit({"app/main.py": "def one() -> int:\n    return 1\n"})
    standard = rows.standard()
    repository = repositories.register(
        team=rows.team(), clone_url=str(origin.git_dir), adopted=[standard]
    )
    scan = scan_of(repository)

    assert scan.state == ScanState.COMPLETE
    assert StoredReport.objects.get(scan=scan).anatomy
    assert len(drawn) == 1
    assert audit.audit(repository).outcome == "same"
    assert len(drawn) == 1
