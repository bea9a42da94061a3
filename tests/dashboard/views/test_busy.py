"""A database that is locked or away is a page that says so, not a fault without words."""

from __future__ import annotations

from typing import NoReturn

import pytest
from django.db import OperationalError

from dashboard.services import scanning
from tests.dashboard.views.conftest import House


def test_a_person_is_asked_to_wait(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(*_: object, **__: object) -> NoReturn:
        raise OperationalError("database is locked")

    monkeypatch.setattr(scanning, "request", locked)

    answer = house.client(house.owner).post(house.page("scan/"))

    assert answer.status_code == 503
    assert "The database is busy" in answer.content.decode()
    assert int(answer["Retry-After"]) > 0


def test_another_fault_stays_a_fault(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> NoReturn:
        raise ZeroDivisionError

    monkeypatch.setattr(scanning, "request", broken)

    with pytest.raises(ZeroDivisionError):
        house.client(house.owner).post(house.page("scan/"))
