"""``@check``: one mechanical question over one kind of subject, and the catalogue of them.

A check is a typed function. The annotation of its first parameter is its population
(:class:`~checks.project.subjects.File`, ``Function``, ``Route`` ..., or ``Project`` itself), its
keyword-only parameters are the limits a standard may set, and its docstring is its page: what is
asked and why, then the sections ``Instead:`` and ``Known problems:``. Title, defaults and choices
of limits stand in the catalogue (:mod:`checks.rules.specs`), examples beside it.

What it answers for one subject:

- ``None``: holds. A text: fails at the subject's own place. :class:`At`: fails there.
  A check that answers nothing else says so in its annotation (:data:`One`): what it finds in a
  subject is then one finding, wherever in the subject it points.
- several :class:`At`: one violating site with several places.
- :class:`Sites`: the subject holds many sites and these of them fail.
- :class:`Skip`: the subject is no site.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from checks.project.project import Project

type Scope = Literal["production", "test", "production+test", "production+migration", "python"]
type Applies = Callable[[Project], str | None]


class At(msgspec.Struct, frozen=True):
    """A place where a check fails.

    Attributes:
        line: 1-based line, 0 for the file or the repository as a whole.
        message: One sentence for a person; what is wrong here, with the names of this place.
        path: The file, when it is not the subject's own.
        column: 1-based column, 0 when unknown.
        end_line: Last line, 0 for ``line``.
        symbol: Dotted name; by default the innermost function or class around the line.
        measured: What was measured, as text.
        limit: What is allowed, as text.
        weight: 0.5 where the definition says "low weight", else 1.
        code: The ruff code behind it: a ``noqa`` naming exactly this code suppresses it.
        noqa_line: Line on which such a comment has to stand, 0 for ``line``.
        anchor: Text that identifies the place beside its symbol, independent of line numbers
            (the name of the callee, of the entry, of the argument).
    """

    line: int
    message: str
    path: str = ""
    column: int = 0
    end_line: int = 0
    symbol: str = ""
    measured: str = ""
    limit: str = ""
    weight: float = 1.0
    code: str = ""
    noqa_line: int = 0
    anchor: str = ""


class Skip(msgspec.Struct, frozen=True):
    """The subject is no site of this check, for this reason."""

    reason: str = ""


class Sites(msgspec.Struct, frozen=True):
    """Many sites in one subject: how many there are, and those that fail, one place each."""

    count: int
    found: Sequence[At] = ()


type One = str | At | Skip | None
"""What a check answers that names one place of a subject at most, whichever it meets first."""
type Answer = str | At | Skip | Sites | Iterable[At] | None


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One built check.

    Attributes:
        id: Its name, a claim: ``function-length``.
        ask: The function that answers for one subject.
        population: Type of the subjects.
        scope: Which files subjects are taken from.
        each: Name of the list parameter of which each entry is asked about by itself; the entry
            is passed as second argument.
        applies: Answers None when the check applies to a project, else the reason why not.
        defaults: The keyword-only parameters and their defaults.
        advisory: It is wrong too often to count: its findings are shown and cost nothing.
        one: It names one place of a subject at most, as its annotation says.
        predecessors: Ids it took over from, when it was renamed or another check was split: what
            they found, and what was decided about that, is carried over.
        asks_source: It asks the source (history, branches, blobs, the date), not content alone:
            it is asked after all others, and again for each commit.
    """

    id: str
    ask: Callable[..., Answer]
    population: type
    scope: Scope
    each: str
    applies: tuple[Applies, ...]
    defaults: dict[str, Any]
    advisory: bool = False
    one: bool = False
    predecessors: tuple[str, ...] = ()
    asks_source: bool = False


CATALOGUE: dict[str, Check] = {}
"""All built checks by id. Filled by importing :mod:`checks.rules`."""


def check(
    identifier: str,
    *,
    scope: Scope = "production",
    each: str = "",
    applies: Applies | Sequence[Applies] = (),
    advisory: bool = False,
    predecessors: Sequence[str] = (),
    asks_source: bool = False,
) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
    """Enter a function into the catalogue of checks.

    Args:
        identifier: Id of the check in the catalogue.
        scope: Files the population is taken from.
        each: List parameter whose entries are sites of their own.
        applies: One or several predicates over the project; each answers a reason or None.
        advisory: Its findings are shown and cost nothing (``docs/accuracy.md``).
        predecessors: Ids of checks that are no more and that it took over from.
        asks_source: It asks ``project.source``, by itself or through ``history``, ``trunk`` or
            ``snapshots``. Where this is forgotten, answers are made again that could be kept.

    Raises:
        ValueError: When the id is taken or the function has no population.
    """

    def enter(function: Callable[..., Answer]) -> Callable[..., Answer]:
        if identifier in CATALOGUE:
            raise ValueError(f"check {identifier!r} is defined twice")
        predicates = (applies,) if callable(applies) else tuple(applies)
        CATALOGUE[identifier] = Check(
            id=identifier,
            ask=function,
            population=_population(function),
            scope=scope,
            each=each,
            applies=predicates,
            defaults=dict(function.__kwdefaults__ or {}),
            advisory=advisory,
            one=_names_one_place(function),
            predecessors=tuple(predecessors),
            asks_source=asks_source,
        )
        return function

    return enter


def _population(function: Callable[..., Answer]) -> type:
    code = function.__code__
    first = code.co_varnames[0] if code.co_argcount else ""
    annotation = function.__annotations__.get(first)
    if isinstance(annotation, str):
        annotation = function.__globals__.get(annotation)
    if not isinstance(annotation, type):
        raise ValueError(f"{function.__qualname__}: its first parameter names no population")
    return annotation


def _names_one_place(function: Callable[..., Answer]) -> bool:
    answers = str(function.__annotations__.get("return", "")).split(" | ")
    return set(answers) <= {"One", "str", "At", "Skip", "None"}
