"""Tests that give another result another day."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = (
    "import asyncio\nimport random\nimport time\nfrom datetime import datetime\n"
    "from uuid import uuid4\nimport pytest\nfrom app.main import stamp, later\n\nSEEN = []\n\n\n"
)
APP = (
    "from datetime import datetime\n\n\ndef stamp():\n    return datetime.now()\n\n\n"
    "def later(now):\n    return now\n"
)


def varying(body: str, aspect: str, head: str = "def test_it(faker):") -> list[int]:
    """Findings for one test with this body, which begins in line 13."""
    code = f"{HEAD}{head}\n    {body}\n"
    return lines(
        ask("test-determinism", {"app/main.py": APP, "tests/test_a.py": code}, aspects=[aspect])
    )


@pytest.mark.parametrize(
    ("body", "aspect"),
    [
        ("assert datetime.now().year == 2024", "time"),
        ("today = datetime.now()\n    assert today.year == 2024", "time"),
        ("assert stamp().year == 2024", "time"),
        ("assert random.randint(1, 2) == 1", "random"),
        ("name = faker.name()\n    later(name)\n    assert name == 'Ann'", "random"),
        ("assert random.random() == random.random()", "random"),
        ("size = random.randint(1, 3)\n    assert later(1) == size", "random"),
        ("time.sleep(1)", "sleep"),
    ],
)
def test_the_clock_chance_and_sleep_are_found(body: str, aspect: str) -> None:
    assert varying(body, aspect) == [13]


@pytest.mark.parametrize(
    ("body", "aspect"),
    [
        ("now = datetime.now()\n    assert later(now) == now", "time"),
        ("assert stamp() <= datetime.now()", "time"),
        ("assert time.time() == pytest.approx(1)", "time"),
        ("later(datetime.now())\n    assert later(1) == 1", "time"),
        ("random.seed(1)\n    assert random.random() == 0.13", "random"),
        ("later(uuid4())\n    assert later(1) == 1", "random"),
        ("name = faker.name()\n    assert later(name) == name", "random"),
        ("key = uuid4()\n    assert later(str(key)) == str(key)", "random"),
        ("key = uuid4()\n    sent = {'key': key}\n    assert later(sent)['key'] == key", "random"),
        ("key = uuid4()\n    faker.id = key\n    assert later(faker).id == key", "random"),
        ("async def hang():\n        await asyncio.sleep(9999)\n    later(hang)", "sleep"),
        ("asyncio.run(asyncio.sleep(0))", "sleep"),
    ],
)
def test_what_is_held_injected_or_not_asserted_is_no_finding(body: str, aspect: str) -> None:
    assert varying(body, aspect) == []


def test_a_frozen_clock_holds() -> None:
    body = "assert datetime.now().year == 2024"
    assert varying(body, "time", "@freeze_time('2024-01-01')\ndef test_it():") == []
    assert varying(body, "time", "def test_it(freezer):") == []


def test_a_global_that_another_test_fills_makes_an_order() -> None:
    body = "SEEN.append(1)\n    assert SEEN\n\n\ndef test_other():\n    assert SEEN == [1]"
    assert varying(body, "order") == [18]
