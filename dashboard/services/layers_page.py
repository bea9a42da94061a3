"""The map of layers of a repository: which layer imports which, and where that goes wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.paginator import Page, Paginator

from checks.anatomy import DIRECTION
from checks.project.layers import LAYERS
from dashboard.models import OPEN_STATES, Finding
from dashboard.services.anatomies import Drawn, read_drawn, unique
from dashboard.services.layer_diagram import Diagram, draw

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from checks.anatomy import Anatomy, Clause, Import, Pair
    from dashboard.models import Repository

PAGE_SIZE = 25


@dataclass(frozen=True)
class ImportLine:
    """One import, and the finding that the check has of it."""

    pair: Pair
    row: Import
    finding: Finding | None = None


@dataclass(frozen=True)
class PairLine:
    """One line of the table of pairs, with the clauses that its imports break."""

    pair: Pair
    query: str
    clauses: Sequence[Clause]


@dataclass(frozen=True)
class LayersPage:
    """The picture, its table, and one page of what was chosen in it.

    Chosen is a pair of layers, a layer, or nothing: then all imports against the direction.
    """

    drawn: Drawn
    diagram: Diagram | None = None
    pairs: Sequence[PairLine] = ()
    layers: Sequence[tuple[str, int, str]] = ()
    clauses: Sequence[Clause] = ()
    chosen: Pair | None = None
    layer: str | None = None
    page: Page[Any] | None = None
    lines: Sequence[ImportLine] = ()
    unnamed: int = 0
    check: str = DIRECTION

    @property
    def modules(self) -> int:
        """Files with production code."""
        return sum(number for _, number, _ in self.layers)

    @property
    def layered(self) -> int:
        """Those of them that are in a layer."""
        return sum(number for layer, number, _ in self.layers if layer)

    @property
    def imports(self) -> int:
        """Imports between layers."""
        return sum(line.pair.imports for line in self.pairs)

    @property
    def against(self) -> int:
        """Those of them that go against the direction."""
        return sum(line.pair.against for line in self.pairs)

    @property
    def all_query(self) -> str:
        """The query string under which nothing is chosen."""
        return self.drawn.query({})

    @property
    def worst(self) -> Sequence[PairLine]:
        """The pairs with imports against the direction, the most first."""
        wrong = (line for line in self.pairs if line.pair.against)
        return sorted(wrong, key=lambda line: -line.pair.against)


def read_layers(repository: Repository, query: Mapping[str, str]) -> LayersPage:
    """Return the map of one judged folder, and what the query string asks for of it.

    Args:
        repository: What was judged.
        query: ``component``, and ``from`` and ``to``, or ``layer``; what is not there falls back
            to everything that goes against the direction.
    """
    drawn = read_drawn(repository, query.get("component", ""))
    found = drawn.found
    if found is None:
        return LayersPage(drawn)
    pairs = [_pair_line(drawn, found, pair) for pair in found.pairs]
    asked = query.get("from", ""), query.get("to", "")
    chosen = next((each for each in found.pairs if (each.source, each.target) == asked), None)
    layer = query.get("layer")
    layer = layer if layer in found.modules and chosen is None else None
    listed, total = _listed(found, chosen, layer)
    page: Page[Any] = Paginator(listed, PAGE_SIZE).get_page(query.get("page", "1"))
    return LayersPage(
        drawn=drawn,
        diagram=draw(found.modules, found.pairs, drawn.query)
        if set(found.modules) - {""}
        else None,
        pairs=pairs,
        layers=[
            (name, found.modules[name], drawn.query({"layer": name}))
            for name in (*LAYERS, "")
            if name in found.modules
        ],
        clauses=unique([clause for rule in found.rules for clause in rule.clauses]),
        chosen=chosen,
        layer=layer,
        page=page,
        lines=_with_findings(repository, list(page)) if layer is None else (),
        unnamed=total - len(listed),
    )


def _pair_line(drawn: Drawn, found: Anatomy, pair: Pair) -> PairLine:
    rules = sorted({rule for row in pair.rows for rule in row.rules})
    clauses = [clause for rule in rules for clause in found.rules[rule].clauses]
    return PairLine(pair, drawn.query({"from": pair.source, "to": pair.target}), unique(clauses))


def _listed(
    found: Anatomy, chosen: Pair | None, layer: str | None
) -> tuple[Sequence[ImportLine] | Sequence[str], int]:
    """What is listed below the map, and how much of it there is with what is only counted."""
    if layer is not None:
        return found.files_of[layer], found.modules[layer]
    if chosen is not None:
        return [ImportLine(chosen, row) for row in chosen.rows], chosen.imports
    lines = [ImportLine(pair, row) for pair in found.pairs for row in pair.rows if row.fault]
    return lines, sum(pair.against for pair in found.pairs)


def _with_findings(repository: Repository, lines: Sequence[ImportLine]) -> list[ImportLine]:
    """The same lines with their findings, in one query."""
    paths = {line.row.path for line in lines}
    rows = Finding.objects.filter(
        repository=repository, check_id=DIRECTION, path__in=paths, state__in=OPEN_STATES
    )
    by_place: dict[tuple[str, int], list[Finding]] = {}
    for row in rows:
        by_place.setdefault((row.path, row.line), []).append(row)
    return [ImportLine(line.pair, line.row, _finding(line.row, by_place)) for line in lines]


def _finding(row: Import, by_place: Mapping[tuple[str, int], Sequence[Finding]]) -> Finding | None:
    """The finding at the line of an import; of several on one line the one that names it."""
    if not row.fault:
        return None
    there = by_place.get((row.path, row.line), ())
    return next((each for each in there if f"`{row.module}`" in each.message), None)
