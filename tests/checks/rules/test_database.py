"""Traps of the checks of database code."""

from __future__ import annotations

import pytest

from checks import rules
from checks.check import CATALOGUE
from checks.judge import answer
from checks.model import Outcome
from checks.rules.specs import specs
from tests.checks.projects import lines, project


def judged(check: str, text: str, **params: object) -> Outcome:
    """What a check answers about one module, ruff's reports included."""
    rules.load()
    made = project({"app/models.py": text, "app/__init__.py": ""})
    return answer(CATALOGUE[check], made, specs()[check].merged(params))


def test_a_constructor_counts_once() -> None:
    text = "from datetime import datetime\nstart = datetime(2000, 1, 1)\n"

    outcome = judged("timezone-aware-datetimes", text)

    assert (outcome.sites, lines(outcome)) == (1, [2])


def test_a_function_handed_over_is_found_at_its_own_line() -> None:
    text = (
        "from datetime import date, datetime\n"
        "created = Column(\n    DateTime,\n    default=datetime.utcnow,\n"
        "    onupdate=datetime.now,\n)\n"
        "days = map(date.fromtimestamp, [1])\n"
        "ok = Column(default=datetime.fromisoformat)\nisinstance(days, datetime)\n"
    )

    outcome = judged("timezone-aware-datetimes", text)

    assert (outcome.sites, lines(outcome)) == (3, [4, 5, 7])


def test_a_value_that_is_given_its_zone_at_once_is_not_naive() -> None:
    text = (
        "from datetime import datetime\nimport pytz\nhome = pytz.timezone('Asia/Tokyo')\n"
        "start = home.localize(datetime(2000, 1, 1))\nend = datetime(2001, 1, 1)\n"
    )

    outcome = judged("timezone-aware-datetimes", text)

    assert (outcome.sites, lines(outcome)) == (2, [5])


@pytest.mark.parametrize(
    ("call", "found"),
    [
        ("moment.astimezone(ZoneInfo('Europe/Paris'))", [4]),
        ("moment.astimezone(UTC)", []),
        ("moment.astimezone(HOME)", [4]),
        ("moment.astimezone(given)", []),
    ],
)
def test_other_zones_are_found_where_utc_is_asked_for(call: str, found: list[int]) -> None:
    head = "from datetime import UTC, datetime\nfrom zoneinfo import ZoneInfo\n"
    text = f"{head}HOME = ZoneInfo('Asia/Tokyo')\nprint({call})\n"

    assert lines(judged("timezone-aware-datetimes", text, require_utc=True)) == found
    assert judged("timezone-aware-datetimes", text).sites == 0


def test_a_noqa_naming_the_code_is_shown_as_suppressed() -> None:
    text = "from datetime import datetime\nnow = datetime.utcnow()  # noqa: DTZ003\n"

    (found,) = judged("timezone-aware-datetimes", text).observations

    assert found.suppressed


def test_columns_of_a_plain_mixin_are_columns_and_relationships_are_none() -> None:
    text = (
        "from sqlalchemy import Column, DateTime, Integer\n"
        "from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship\n"
        "class Base(DeclarativeBase): ...\n"
        "class Stamped:\n    created = Column(DateTime)\n"
        "class Loose:\n    created = Column(DateTime)\n"
        "class User(Stamped, Base):\n    __tablename__ = 'users'\n"
        "    id: Mapped[int] = mapped_column(primary_key=True)\n"
        "    name: Mapped[str]\n"
        "    orders: Mapped[list['Order']] = relationship()\n"
    )

    outcome = judged("mapped-column-models", text)

    assert (outcome.sites, lines(outcome)) == (3, [5])
