"""What is drawn of a commit: its layers with the imports between them, and how large things are.

It is made after the checks were asked, of parts of the project that they have built, and of
production code as they see it. What is counted is counted in full; names are kept of what a
person will look at, the worst first, so that a large repository costs no more than a page can use.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from heapq import nlargest
from typing import TYPE_CHECKING, Literal

import msgspec

from checks.project.layers import LAYERS
from checks.rules.layering import direction_fault
from checks.rules.specs import specs

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import File, ImportedName
    from checks.standard import Standard

type Measure = Literal["complexity", "length", "size"]
type Clause = tuple[str, str]
"""Slug of a standard and id of its clause."""

DIRECTION = "layer-import-direction"
LIMITS: dict[Measure, tuple[str, str]] = {
    "complexity": ("cyclomatic-complexity", "max"),
    "length": ("function-length", "max_lines"),
    "size": ("module-size", "max_lines"),
}
"""The check that sets a limit to each measure, and what it calls the limit."""
MOST_NAMED = 5000
"""Functions by each measure, files, and files of one layer that are kept by name."""
MOST_IMPORTS = 1000
"""Imports from one layer to another that are kept with their line."""
_LEVEL = 1


class Rule(msgspec.Struct, frozen=True, array_like=True):
    """A direction that imports have to keep, and the clauses that ask for it; none by default."""

    order: tuple[str, ...]
    forbid_skipping: bool
    clauses: tuple[Clause, ...] = ()


class Import(msgspec.Struct, frozen=True, array_like=True):
    """The first line in which one file imports another.

    Attributes:
        path: The file that imports.
        line: Where.
        module: Dotted name of what is imported.
        target: Its file.
        fault: Why it goes against a direction, in words that follow the module; "" when it does
            not.
        rules: Which of the rules say so, by their place.
    """

    path: str
    line: int
    module: str
    target: str
    fault: str = ""
    rules: tuple[int, ...] = ()


class Pair(msgspec.Struct, frozen=True, array_like=True):
    """All imports from one layer to another: how many, how many against a direction, and which."""

    source: str
    target: str
    imports: int
    against: int
    rows: tuple[Import, ...]


class Limit(msgspec.Struct, frozen=True, array_like=True):
    """The most that clauses allow of a measure."""

    measure: Measure
    most: int
    clauses: tuple[Clause, ...]


class Sized(msgspec.Struct, frozen=True, array_like=True):
    """A function and how large it is; ``length`` counts as the check of the same name does."""

    path: str
    line: int
    name: str
    complexity: int
    length: int


class Anatomy(msgspec.Struct, frozen=True, kw_only=True):
    """What is drawn of the production code of one component.

    Attributes:
        modules: Files with code of each layer, "" for none.
        files_of: Their paths.
        pairs: Imports between layers, from the outermost inwards.
        rules: By which directions imports were judged.
        counts: How many functions or files have each value of a measure.
        functions: The most complex and the longest, in order of path and line.
        files: The longest, in the same order, with their lines.
        limits: What the standards allow.
    """

    modules: dict[str, int]
    files_of: dict[str, tuple[str, ...]]
    pairs: tuple[Pair, ...]
    rules: tuple[Rule, ...]
    counts: dict[Measure, dict[int, int]]
    functions: tuple[Sized, ...]
    files: tuple[tuple[str, int], ...]
    limits: tuple[Limit, ...]


_DECODER = msgspec.msgpack.Decoder(Anatomy)


def pack(anatomy: Anatomy) -> bytes:
    """The anatomy as compressed bytes."""
    return zlib.compress(msgspec.msgpack.encode(anatomy), _LEVEL)


def unpack(data: bytes) -> Anatomy:
    """The anatomy that :func:`pack` was given.

    Raises:
        ValueError: The bytes are damaged, or of a release that kept other things.
    """
    try:
        return _DECODER.decode(zlib.decompress(data))
    except (zlib.error, msgspec.DecodeError) as error:
        raise ValueError("this is no anatomy that this release can read") from error


def dissect(project: Project, standards: Sequence[Standard]) -> Anatomy:
    """Look at a project as the standards do.

    Args:
        project: One commit of one component.
        standards: Whose limits and directions count.
    """
    rules = rules_of(standards)
    by_layer = _by_layer(project)
    functions = list(_functions(project))
    files = [(project.real_path(each.path), each.facts.lines) for each in project.production]
    return Anatomy(
        modules={layer: len(paths) for layer, paths in by_layer.items()},
        files_of={layer: tuple(paths[:MOST_NAMED]) for layer, paths in by_layer.items()},
        pairs=tuple(_pairs(project, rules)),
        rules=rules,
        counts={
            "complexity": _counted(each.complexity for each in functions),
            "length": _counted(each.length for each in functions),
            "size": _counted(lines for _, lines in files),
        },
        functions=_worst(functions),
        files=tuple(sorted(nlargest(MOST_NAMED, files, key=lambda each: each[1]))),
        limits=tuple(limits_of(standards)),
    )


def _by_layer(project: Project) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {layer: [] for layer in (*LAYERS, "")}
    for file in project.production:
        found[file.layer].append(project.real_path(file.path))
    return {layer: paths for layer, paths in found.items() if paths}


def _functions(project: Project) -> Iterator[Sized]:
    for file in project.production:
        path = project.real_path(file.path)
        for each in file.facts.functions:
            yield Sized(path, each.line, each.qualname, each.complexity, each.body_lines)


def _counted(values: Iterable[int]) -> dict[int, int]:
    return dict(sorted(Counter(values).items()))


def _worst(functions: Sequence[Sized]) -> tuple[Sized, ...]:
    complex_ones = nlargest(MOST_NAMED, functions, key=lambda each: each.complexity)
    long_ones = nlargest(MOST_NAMED, functions, key=lambda each: each.length)
    return tuple(sorted({*complex_ones, *long_ones}, key=lambda each: (each.path, each.line)))


def rules_of(standards: Sequence[Standard]) -> tuple[Rule, ...]:
    """Each direction once, with all clauses that ask for it; that of the check where none does."""
    asked: dict[tuple[tuple[str, ...], bool], list[Clause]] = {}
    for standard in standards:
        for clause in standard.clauses:
            for check in clause.checks:
                if check.id == DIRECTION:
                    key = tuple(check.params["order"]), bool(check.params["forbid_skipping"])
                    asked.setdefault(key, []).append((standard.slug, clause.id))
    if not asked:
        params = specs()[DIRECTION].params
        asked[tuple(params["order"]), bool(params["forbid_skipping"])] = []
    return tuple(Rule(*key, tuple(clauses)) for key, clauses in asked.items())


def _pairs(project: Project, rules: Sequence[Rule]) -> Iterator[Pair]:
    found: dict[tuple[str, str], list[Import]] = {}
    for edge in project.layers.imports:
        row, target = edge
        found.setdefault((row.file.layer, target.layer), []).append(_import(project, edge, rules))
    for source, aim in sorted(found, key=lambda pair: tuple(map(LAYERS.index, pair))):
        rows = sorted(found[source, aim], key=lambda each: (not each.fault, each.path, each.line))
        against = sum(bool(each.fault) for each in rows)
        yield Pair(source, aim, len(rows), against, tuple(rows[:MOST_IMPORTS]))


def _import(project: Project, edge: tuple[ImportedName, File], rules: Sequence[Rule]) -> Import:
    row, target = edge
    faults = {
        number: fault
        for number, rule in enumerate(rules)
        if {row.file.layer, target.layer} <= {*rule.order}
        and (fault := direction_fault(project, edge, rule.order, rule.forbid_skipping))
    }
    return Import(
        path=project.real_path(row.path),
        line=row.line,
        module=target.module,
        target=project.real_path(target.path),
        fault=next(iter(faults.values()), ""),
        rules=tuple(faults),
    )


def limits_of(standards: Sequence[Standard]) -> Iterator[Limit]:
    """Each limit once, with all clauses that set it, the strictest of a measure first."""
    for measure, (name, limit) in LIMITS.items():
        asked: dict[int, list[Clause]] = {}
        for standard in standards:
            for clause in standard.clauses:
                for check in clause.checks:
                    if check.id == name:
                        clauses = asked.setdefault(int(check.params[limit]), [])
                        clauses.append((standard.slug, clause.id))
        for most, clauses in sorted(asked.items()):
            yield Limit(measure, most, tuple(clauses))
