"""How much clauses weigh where their standard says otherwise than the scoring model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from checks.model import Strength

LEAST, MOST = 1, 100
ALLOWED = f"a whole number from {LEAST} to {MOST}"
NOT_SCORED = "a may clause is shown and never scored, so it has no weight"


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """The table ``[weights]`` of a standard; None is what the model says of that strength."""

    must: int | None = None
    should: int | None = None

    def of(self, strength: Strength) -> int | None:
        """What a clause of this strength weighs that has no weight of its own."""
        return {"must": self.must, "should": self.should, "may": None}[strength]


def fits(value: object) -> bool:
    """Whether a value can be a weight."""
    return type(value) is int and LEAST <= value <= MOST


def read(data: Mapping[str, Any], mistakes: list[str]) -> Weights:
    """The weights in the parsed file of a standard; what is wrong is added to ``mistakes``."""
    entry = data.get("weights", {})
    if not isinstance(entry, dict):
        mistakes.append("standard: weights must be written as a [weights] table")
        return Weights()
    faults = []
    for name, value in entry.items():
        if name == "may":
            faults.append(NOT_SCORED)
        elif name not in Weights.__struct_fields__:
            faults.append(f"unknown strength {name!r}; it has: must, should")
        elif not fits(value):
            faults.append(f"{name} is not {ALLOWED}")
    mistakes.extend(f"weights: {fault}" for fault in faults)
    return Weights() if faults else Weights(**entry)
