"""Where the boxes and arrows of a map of layers stand, in whole pixels.

Layers stand in a column, the outermost on top. What leads to the next layer inwards goes straight
down, what leads further inwards goes by lanes on the right, what leads outwards by lanes on the
left. Two arrows share a lane where they do not pass each other.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks.project.layers import LAYERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from checks.anatomy import Pair

type Stroke = tuple[str, int]
"""A line as a picture has it, and where it stands from left to right."""

BOX_WIDTH = 168
LEAST_HEIGHT = 56
GAP = 64
EDGE = 8
PORT = 18
"""Between two arrows that end at one side of a box."""
CORNER = 8
TAG_HEIGHT = 26
TAG_PADDING = 18
LETTER = 8
"""Width of a letter of the tags, generously."""


@dataclass(frozen=True)
class Box:
    """A layer."""

    layer: str
    modules: int
    x: int
    y: int
    height: int
    query: str
    width: int = BOX_WIDTH

    @property
    def middle(self) -> tuple[int, int]:
        """Its centre."""
        return self.x + self.width // 2, self.y + self.height // 2


@dataclass(frozen=True)
class Arrow:
    """Imports from one layer to another; ``x`` and ``y`` are the centre of the tag on it."""

    pair: Pair
    line: str
    x: int
    y: int
    query: str

    @property
    def label(self) -> str:
        """How many imports, with a cross before those against the direction."""
        return label_of(self.pair)

    @property
    def width(self) -> int:
        """Width of the tag."""
        return width_of(self.pair)

    @property
    def corner(self) -> tuple[int, int]:
        """The top left corner of the tag."""
        return self.x - self.width // 2, self.y - TAG_HEIGHT // 2


@dataclass(frozen=True)
class Diagram:
    """All of it, with its size."""

    boxes: Sequence[Box]
    arrows: Sequence[Arrow]
    width: int
    height: int
    tag_height: int = TAG_HEIGHT


def label_of(pair: Pair) -> str:
    """What is written on the arrow of a pair."""
    if not pair.against:
        return str(pair.imports)
    return f"✕ {pair.against}" + (f"/{pair.imports}" if pair.against < pair.imports else "")


def width_of(pair: Pair) -> int:
    """How wide that is."""
    return TAG_PADDING + LETTER * len(label_of(pair))


def draw(
    modules: Mapping[str, int], pairs: Sequence[Pair], query: Callable[[Mapping[str, str]], str]
) -> Diagram:
    """Return the picture of these layers and the imports between them.

    Args:
        modules: Modules of each layer; those in none are not drawn.
        pairs: The imports.
        query: Makes the query string of what a box or an arrow leads to.
    """
    layers = [layer for layer in LAYERS if modules.get(layer)]
    place = {layer: at for at, layer in enumerate(layers)}
    sides = _Sides(pairs, place)
    lane = max((width_of(pair) for pair in sides.bent), default=0) + EDGE
    left = EDGE + lane * sides.count(-1)
    heights = [max(LEAST_HEIGHT, PORT * (sides.most_ports(at) + 1)) for at in place.values()]
    boxes = []
    top = EDGE
    for layer, height in zip(layers, heights, strict=True):
        boxes.append(Box(layer, modules[layer], left, top, height, query({"layer": layer})))
        top += height + GAP
    arrows = []
    for pair in (*sides.straight, *sides.bent):
        source, target = boxes[place[pair.source]], boxes[place[pair.target]]
        straight = pair in sides.straight
        line, x = _down(source) if straight else _bent(source, target, lane, sides, pair)
        # Between two boxes, where nothing leads out of or into one of them.
        above = boxes[(place[pair.source] + place[pair.target] - 1) // 2]
        y = above.y + above.height + GAP // 2
        arrows.append(Arrow(pair, line, x, y, query({"from": pair.source, "to": pair.target})))
    right = left + BOX_WIDTH + lane * sides.count(1) + EDGE
    return Diagram(boxes, arrows, right, top - GAP + EDGE)


class _Sides:
    """Which way each arrow goes, in which lane, and where it ends at its boxes."""

    def __init__(self, pairs: Iterable[Pair], place: Mapping[str, int]) -> None:
        self.place = place
        self.straight: list[Pair] = []
        self.bent: list[Pair] = []
        for pair in pairs:
            (self.straight if self._steps(pair) == 1 else self.bent).append(pair)
        self.lanes = {side: self._lanes(side) for side in (-1, 1)}
        self.ports = {
            (at, side): self._ports(at, side) for at in place.values() for side in (-1, 1)
        }

    def _steps(self, pair: Pair) -> int:
        return self.place[pair.target] - self.place[pair.source]

    def side(self, pair: Pair) -> int:
        """-1 for an arrow that leads outwards, by the left, 1 for one that leads inwards."""
        return 1 if self._steps(pair) > 0 else -1

    def count(self, side: int) -> int:
        """How many lanes there are."""
        return max(self.lanes[side].values(), default=-1) + 1

    def most_ports(self, at: int) -> int:
        """How many arrows end at the fuller side of a box."""
        return max(len(self.ports[at, side]) for side in (-1, 1))

    def lane(self, pair: Pair) -> int:
        """Its lane, 0 for the one next to the boxes."""
        return self.lanes[self.side(pair)][pair.source, pair.target]

    def _lanes(self, side: int) -> dict[tuple[str, str], int]:
        """Short arrows next to the boxes; no two of a lane have a stretch in common."""
        taken: dict[int, list[tuple[int, int]]] = defaultdict(list)
        found = {}
        mine = [pair for pair in self.bent if self.side(pair) == side]
        for pair in sorted(mine, key=lambda each: abs(self._steps(each))):
            low, high = sorted((self.place[pair.source], self.place[pair.target]))
            lane = 0
            while any(low < end and begin < high for begin, end in taken[lane]):
                lane += 1
            taken[lane].append((low, high))
            found[pair.source, pair.target] = lane
        return found

    def _ports(self, at: int, side: int) -> list[tuple[str, str]]:
        """Ends at one side of a box from top to bottom, in an order in which no two cross."""
        up: list[tuple[int, tuple[str, str]]] = []
        down: list[tuple[int, tuple[str, str]]] = []
        for (source, target), lane in self.lanes[side].items():
            ends = (self.place[source], self.place[target])
            if at in ends:
                (down if max(ends) > at else up).append((lane, (source, target)))
        return [name for _, name in (*sorted(up), *sorted(down, reverse=True))]

    def port(self, pair: Pair, box: Box) -> int:
        """The height at which its arrow ends at a box."""
        names = self.ports[self.place[box.layer], self.side(pair)]
        number = names.index((pair.source, pair.target)) + 1
        return box.y + box.height * number // (len(names) + 1)


def _down(source: Box) -> Stroke:
    """From a box to the one below it."""
    x, bottom = source.middle[0], source.y + source.height
    return f"M{x} {bottom}V{bottom + GAP}", x


def _bent(source: Box, target: Box, lane: int, sides: _Sides, pair: Pair) -> Stroke:
    """Out of the side of a box, along a lane, and back into the side of the other."""
    side = sides.side(pair)
    edge = source.x + (source.width if side > 0 else 0)
    x = edge + side * (lane * sides.lane(pair) + lane // 2 + EDGE // 2)
    begin, end = sides.port(pair, source), sides.port(pair, target)
    turn = CORNER if end > begin else -CORNER
    back = x - side * CORNER
    line = (
        f"M{edge} {begin}H{back}Q{x} {begin} {x} {begin + turn}"
        f"V{end - turn}Q{x} {end} {back} {end}H{edge}"
    )
    return line, x
