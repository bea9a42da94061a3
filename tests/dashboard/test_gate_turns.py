"""What is told of gates under a proposal is what they say when it is adopted, and why they turn."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from checks.gate import Gate
from dashboard.models import (
    Forecast,
    ForecastState,
    Repository,
    Scan,
    ScanStandard,
    Trigger,
    User,
)
from dashboard.services import gates, mirrors, proposals, scanning, simulating
from dashboard.services.gate_turns import turns
from tests.dashboard.proposed import OWN, SHOP, text
from tests.dashboard.scans import scan_of
from tests.dashboard.test_simulating import holds_when_adopted
from tests.gitservers import Origin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_machine")]

STRICTER = (b"max_lines = 60", b"max_lines = 10")


def with_gate(text: bytes, conditions: str) -> str:
    return f"{text.decode()}\n[gate]\n{conditions}\n"


def told(repository: Repository, wish: simulating.Wish, actor: User) -> Forecast:
    """What a simulation says of a repository once it was adopted and came out alike."""
    holds_when_adopted(repository, wish, actor)
    return Forecast.objects.latest("pk")


def wish(source: str) -> simulating.Wish:
    return simulating.Wish([proposals.part_of(source, "house-rules")])


def test_the_gate_of_a_proposed_text_is_told_and_fails_with_its_sentence(
    make: Callable[..., Repository], lead: User
) -> None:
    repository = make("shop", SHOP)

    found = told(repository, wish(with_gate(OWN, 'minimum = 90\nopen_musts = "any"')), lead)

    assert (found.gates_failing, found.gates_passing) == (1, 0)
    (turned,) = found.gate_turns
    assert (turned["standard"], turned["turn"]) == ("house-rules", "fails")
    (sentence,) = turned["sentences"]
    assert sentence.startswith("house-rules reaches ")
    assert sentence.endswith(", not 90.")
    repository.refresh_from_db()
    assert repository.gate_passed is False

    found = told(repository, wish(with_gate(OWN, 'minimum = 1\nopen_musts = "any"')), lead)

    assert (found.gates_failing, found.gates_passing) == (0, 1)
    (turned,) = found.gate_turns
    assert turned["turn"] == "passes"
    assert turned["sentences"][0].endswith(" of the 1 asked.")


def test_what_is_stricter_makes_new_findings_in_the_gate_only_where_the_code_is_new(
    make: Callable[..., Repository], lead: User, tmp_path: Any
) -> None:
    repository = make("shop", SHOP)
    gates.choose(repository, Gate(no_new_findings=True, not_worse=True, open_musts=None), lead)
    scan_of(repository)
    repository.refresh_from_db()
    assert repository.gate_untold
    body = "".join(f"    y{number} = {number}\n" for number in range(30))
    origin = Origin(tmp_path / "served" / "shop.git")
    origin.commit({**SHOP, "app/more.py": f"def more():\n{body}"})
    scanning.request(repository, Trigger.PUSH)
    scan_of(repository)
    repository = Repository.objects.get(pk=repository.pk)
    assert repository.gate_passed

    found = told(repository, wish(text(OWN, STRICTER)), lead)

    (turned,) = found.gate_turns
    assert (turned["standard"], turned["turn"]) == ("", "fails")
    assert "1 finding is new against" in turned["sentences"][0]
    assert "function-length at app/more.py:1" in turned["sentences"][0]


def test_not_worse_asks_for_a_copy_only_to_compare_and_does_without(
    make: Callable[..., Repository], lead: User, tmp_path: Any
) -> None:
    repository = make("shop", SHOP)
    gates.choose(repository, Gate(not_worse=True, open_musts=None), lead)
    scan_of(repository)
    mirrors.remove(repository.pk)
    (tmp_path / "served").rename(tmp_path / "gone")
    known = wish(with_gate(OWN, 'open_musts = "any"'))
    row = simulating.begin(known, lead)

    simulating.work(row.pk)

    told = row.forecasts.get()
    assert (told.state, told.message, told.gates_failing) == (ForecastState.DONE, "", 0)
    Scan.objects.update(finished_at=timezone.now() - timedelta(days=8))
    fields = dict.fromkeys(("score", "low"), 100.0)
    ScanStandard.objects.update(**fields)
    again = simulating.begin(known, lead)
    simulating.work(again.pk)
    told = again.forecasts.get()
    assert (told.state, told.message, told.gates_failing) == (ForecastState.DONE, "", 1)
    assert "by the rules of that day" in str(told.gate_turns)


def test_a_copy_inherits_how_the_gate_of_its_original_stood(
    make: Callable[..., Repository], lead: User
) -> None:
    repository = make("shop", SHOP)
    failing = with_gate(OWN, 'minimum = 99\nopen_musts = "any"')
    told(repository, wish(failing), lead)
    repository = Repository.objects.get(pk=repository.pk)
    copy = failing.replace('"house-rules"', '"stricter"')

    found = told(repository, simulating.Wish([proposals.part_of(copy, "house-rules")]), lead)

    assert found.gate_turns == []


def result(*conditions: tuple[str, str, bool | None]) -> dict[str, Any]:
    return {
        "passed": all(passed is not False for _, _, passed in conditions),
        "conditions": [
            {"standard": slug, "name": name, "passed": passed, "sentence": f"{name} {passed}"}
            for slug, name, passed in (("", "analysed", True), *conditions)
        ],
    }


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, result(("", "minimum", True)), []),
        (None, result(("", "minimum", None)), []),
        (None, result(("", "minimum", False)), [("", "fails", ["minimum False"])]),
        (result(("", "minimum", False)), result(("", "minimum", False)), []),
        (
            result(("", "minimum", False), ("s", "coverage", True)),
            result(("", "minimum", False), ("s", "coverage", False)),
            [("s", "fails", ["coverage False"])],
        ),
        (
            result(("s", "minimum", False), ("s", "coverage", False)),
            result(("s", "minimum", True)),
            [("s", "passes", ["minimum True", "Asked no longer: coverage False"])],
        ),
        (result(("s", "minimum", False)), None, [("s", "gone", ["minimum False"])]),
        (result(("s", "minimum", True)), None, []),
        (result(("s", "minimum", True)), result(("ours", "minimum", True)), []),
        (
            result(("s", "minimum", False)),
            result(("ours", "minimum", True)),
            [("ours", "passes", ["minimum True"])],
        ),
    ],
)
def test_a_gate_turns_when_it_newly_fails_or_fails_no_longer(
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    expected: list[tuple[str, str, list[str]]],
) -> None:
    found = turns(before, after, {"ours": "s"})
    assert [(e["standard"], e["turn"], e["sentences"]) for e in found] == expected
