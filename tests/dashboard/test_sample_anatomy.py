"""What is drawn of an invented repository agrees with itself, as that of a real one does."""

from __future__ import annotations

from random import Random

from checks.anatomy import LIMITS, unpack
from checks.standard import shipped
from dashboard.services.sample_anatomy import invent_anatomy

PATHS = [
    f"app/shop/{layer}/part_{number}.py"
    for layer in ("api", "services", "repositories", "models", "tasks")
    for number in range(20)
]


def test_an_invented_anatomy_agrees_with_itself_and_with_the_standards() -> None:
    found = unpack(invent_anatomy(PATHS, 160, shipped(), Random(7)))

    assert sum(found.modules.values()) == len(PATHS) == found.counts["size"][160]
    assert found.modules["routes"] == found.modules[""] == 20
    assert sum(found.counts["complexity"].values()) == len(found.functions) > len(PATHS)
    assert {limit.measure for limit in found.limits} == set(LIMITS)
    assert len(found.pairs) > 5
    for pair in found.pairs:
        assert pair.imports == len(pair.rows)
        assert pair.against == sum(bool(row.fault) for row in pair.rows)
        assert {row.path.split("/")[2].replace("api", "routes") for row in pair.rows} == {
            pair.source
        }
    wrong = {(pair.source, pair.target) for pair in found.pairs if pair.against}
    assert ("routes", "repositories") in wrong
    assert not {("routes", "services"), ("services", "models")} & wrong


def test_the_same_chance_invents_the_same() -> None:
    assert invent_anatomy(PATHS, 160, [], Random(3)) == invent_anatomy(PATHS, 160, [], Random(3))
