"""Layers and sizes of an invented repository, so that their pages are as full as real ones."""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from typing import TYPE_CHECKING

from checks.anatomy import Anatomy, Import, Pair, Sized, limits_of, pack, rules_of
from checks.project.layers import LAYERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

    from checks.standard import Standard

LAYER_OF = {"api": "routes"} | {layer: layer for layer in LAYERS}
RING = {"models", "schemas"}
FUNCTIONS = 9
"""Of every file, at most."""
SKEW, LONGER = 0.9, 5
MOST_INWARDS, MOST_OUTWARDS = 40, 4


def invent_anatomy(
    paths: Sequence[str], lines: int, standards: Sequence[Standard], chance: Random
) -> bytes:
    """Return what a scan would keep to be drawn, packed.

    Args:
        paths: The files; the folder of a file says its layer.
        lines: How long each of them is.
        standards: Whose directions and limits are drawn.
        chance: Decides all the rest.
    """
    by_layer: dict[str, list[str]] = {}
    for path in paths:
        by_layer.setdefault(LAYER_OF.get(path.split("/")[-2], ""), []).append(path)
    functions = [
        _function(path, number, lines, chance)
        for path in paths
        for number in range(chance.randint(1, FUNCTIONS))
    ]
    return pack(
        Anatomy(
            modules={layer: len(files) for layer, files in by_layer.items()},
            files_of={layer: tuple(files) for layer, files in by_layer.items()},
            pairs=tuple(_pairs(by_layer, lines, chance)),
            rules=rules_of(standards),
            counts={
                "complexity": dict(Counter(each.complexity for each in functions)),
                "length": dict(Counter(each.length for each in functions)),
                "size": {lines: len(paths)},
            },
            functions=tuple(functions),
            files=tuple((path, lines) for path in paths),
            limits=tuple(limits_of(standards)),
        )
    )


def _function(path: str, number: int, lines: int, chance: Random) -> Sized:
    complexity = 1 + int(chance.lognormvariate(0, SKEW))
    length = complexity * chance.randint(1, LONGER)
    line = 1 + number * lines // FUNCTIONS
    return Sized(path, line, f"deed_{number}", complexity, length)


def _pairs(by_layer: Mapping[str, Sequence[str]], lines: int, chance: Random) -> list[Pair]:
    found = []
    for source, target in permutations((layer for layer in LAYERS if layer in by_layer), 2):
        outwards = LAYERS.index(source) > LAYERS.index(target) and not {source, target} <= RING
        number = chance.randint(0, MOST_OUTWARDS if outwards else MOST_INWARDS)
        past = (source, target) == ("routes", "repositories") and "services" in by_layer
        fault = "lies further outside" if outwards else "is reached past the services" * past
        rows = []
        for _ in range(number):
            path, aim = chance.choice(by_layer[source]), chance.choice(by_layer[target])
            module = aim.removesuffix(".py").replace("/", ".")
            rules = (0,) if fault else ()
            rows.append(Import(path, chance.randint(1, lines), module, aim, fault, rules))
        if rows:
            found.append(Pair(source, target, number, number if fault else 0, tuple(rows)))
    return found
