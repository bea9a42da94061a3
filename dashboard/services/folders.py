"""The tree of folders of a repository: where its open findings and points to gain lie."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import Count, Sum

from dashboard.models import Strength
from dashboard.services.findings import WHOLE, FindingQuery, matching

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dashboard.models import Repository

LEVELS = 3
PAGE_SIZE = 25
# Lines below those of the first level: the weightiest, the others are one click away.
MOST_DEEPER = 50
# Part of the points to gain from which something deeper is worth a line.
WORTH = 0.01
# Part of its column from which a cell has the colour of a grade; a smaller part has none.
HEAT = ((0.4, "e"), (0.2, "d"), (0.1, "c"), (0.05, "b"))
HALF = 0.5


@dataclass
class Node:
    """A folder, whose path ends in a slash, or a file, with the findings in and below it."""

    path: str
    level: int = 0
    files: int = 0
    gain: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    children: dict[str, Node] = field(default_factory=dict)

    @property
    def is_folder(self) -> bool:
        """False for a file. The root is a folder as well."""
        return not self.path or self.path.endswith("/")

    @property
    def name(self) -> str:
        """The last part of the path."""
        parts = self.path.rstrip("/").rpartition("/")
        return parts[2] + "/" * self.path.endswith("/")

    @property
    def address(self) -> str:
        """The map of the folder, as a query string."""
        return "?" + urlencode({"below": self.path})

    @property
    def ordered(self) -> list[Node]:
        """What is directly inside, the weightiest first."""
        return sorted(self.children.values(), key=_weight)

    def below(self) -> Iterator[Node]:
        """Yield everything inside."""
        for child in self.children.values():
            yield child
            yield from child.below()


@dataclass(frozen=True)
class Heat:
    """One number of a line, its part of the column, and the query of the findings behind it."""

    number: float
    share: float
    query: str

    @property
    def grade(self) -> str:
        """The letter whose colour it has; "" for a small part."""
        return next((letter for least, letter in HEAT if self.share >= least), "")


@dataclass(frozen=True)
class Line:
    """One line of the map; ``hidden`` entries of the folder are not among the lines."""

    node: Node
    findings: Heat
    strengths: Sequence[tuple[str, Heat]]
    gain: Heat
    hidden: int = 0


@dataclass(frozen=True)
class FolderMap:
    """One page of the map of what lies below ``top``. ``whole`` counts findings without a file."""

    top: Line
    lines: Sequence[Line]
    page: Page[Node]
    whole: int
    whole_query: str
    heaviest: Line | None

    @property
    def all(self) -> int:
        """Findings below the folder, with those of no file where all folders are shown."""
        return self.top.node.counts.total() + self.whole

    @property
    def trail(self) -> list[Node]:
        """The folders from the first down to the one that is shown."""
        parts = self.top.node.path.split("/")[:-1]
        return [Node("/".join(parts[: at + 1]) + "/") for at in range(len(parts))]


def read_folders(repository: Repository, below: str = "", number: str = "1") -> FolderMap:
    """Return one page of the map of the findings that stand in a repository.

    Args:
        repository: What was judged.
        below: A folder to look into; "" for all.
        number: The page, as the query string has it.
    """
    below = below.replace("\x00", "")[:1000].strip("/")
    below += "/" * bool(below)
    rows = matching(repository, FindingQuery()).order_by().values_list("path", "strength")
    counted = list(rows.annotate(found=Count("pk"), gains=Sum("gain_total")))
    whole = sum(found for path, _, found, _ in counted if not path)
    top = _tree(below, (row for row in counted if row[0] and row[0].startswith(below)))
    page = Paginator(top.ordered, PAGE_SIZE).get_page(number)
    deeper = (
        node
        for first in page.object_list
        for node in first.below()
        if node.gain >= top.gain * WORTH
    )
    shown = {node.path for node in nsmallest(MOST_DEEPER, deeper, key=_weight)}
    heaviest = _heaviest(top)
    return FolderMap(
        top=_line(top, top),
        lines=[_line(node, top, shown) for node in _walk(page.object_list, shown)],
        page=page,
        whole=0 if below else whole,
        whole_query=_query(WHOLE),
        heaviest=_line(heaviest, top) if heaviest else None,
    )


def _weight(node: Node) -> tuple[float, int, str]:
    """Order lines. A folder is never behind what it holds, so a cut leaves a tree."""
    return -node.gain, -node.counts.total(), node.path


def _tree(below: str, rows: Iterable[tuple[str, str, int, float]]) -> Node:
    """Return the folder ``below`` with ``LEVELS`` levels of what it holds."""
    top = Node(below)
    seen: set[str] = set()
    for path, strength, found, gain in rows:
        parts = path[len(below) :].split("/")
        nodes = [top]
        for level in range(1, min(len(parts), LEVELS) + 1):
            name = below + "/".join(parts[:level]) + "/" * (level < len(parts))
            nodes.append(nodes[-1].children.setdefault(name, Node(name, level)))
        for node in nodes:
            node.files += path not in seen
            node.gain += gain
            node.counts[strength] += found
        seen.add(path)
    return top


def _walk(nodes: Iterable[Node], shown: set[str]) -> Iterator[Node]:
    """Yield the nodes, each followed by those inside it that are shown."""
    for node in nodes:
        yield node
        yield from _walk((child for child in node.ordered if child.path in shown), shown)


def _heaviest(top: Node) -> Node | None:
    """Return the deepest place that holds half of the points, else what holds most."""
    if not top.gain:
        return None
    found, inside = None, top.ordered
    while inside and (found is None or inside[0].gain >= top.gain * HALF):
        found = inside[0]
        inside = found.ordered
    return found


def _line(node: Node, top: Node, shown: set[str] | None = None) -> Line:
    def heat(number: float, all_: float, strength: str = "") -> Heat:
        return Heat(number, number / all_ if all_ else 0.0, _query(node.path, strength))

    return Line(
        node=node,
        findings=heat(node.counts.total(), top.counts.total()),
        strengths=[
            (strength, heat(node.counts[strength], top.counts[strength], strength))
            for strength in Strength.values
        ],
        gain=heat(node.gain, top.gain),
        hidden=sum(path not in shown for path in node.children) if shown is not None else 0,
    )


def _query(path: str, strength: str = "") -> str:
    return urlencode(FindingQuery(path=path, strength=strength).parameters())
