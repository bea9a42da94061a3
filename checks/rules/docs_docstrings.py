"""Checks of what docstrings say, and in which style."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Literal

from checks.check import Answer, At, Sites, Skip, check
from checks.facts.lint import SECTION_RULES, Diagnostic
from checks.project.docstrings import Docstring, Section, sectioned
from checks.project.subjects import File, Function
from checks.rules.style import reported

type Convention = Literal["google", "numpy"]
type Wanted = Literal["raises", "example"]

_STYLE = (
    "D205", "D214", "D215", "D402", "D403", "D405", "D410", "D411", "D412", "D414", "D416", "D419",
)  # fmt: skip
_JUDGED = frozenset({"args", "returns", "raises", "yields", "example", "type"})
_NAMES = {"rest": "reST fields", "javadoc": "Javadoc tags", "numpy": "NumPy sections",
          "google": "Google sections"}  # fmt: skip
_MARKDOWN = re.compile(r"[#*+-]|\d+[.)] |\||```")
_HTTP = frozenset({"fastapi.HTTPException", "fastapi.exceptions.HTTPException",
                   "starlette.exceptions.HTTPException"})  # fmt: skip
_ABSTRACT = ("abc.abstractmethod", "abc.abstractproperty", "typing.overload")
_OUGHT_NOT = frozenset({"builtins.AssertionError"})


# Style --------------------------------------------------------------------------------------------


@check("docstring-style")
def docstring_style(file: File, *, conventions: Sequence[Convention] = ("google",)) -> Answer:
    """Docstrings follow one convention.

    Readers find arguments and errors at once, and so do the tools that make documentation.

    Instead: rewrite the sections in the agreed style.

    Known problems: a file that mixes conventions is read by the one it uses more often. Markdown
    in docstrings of handlers is known by lists and headings.
    """
    several = [pair for pair in sectioned(file) if pair[0].several]
    if not several:
        return Skip("no docstring of several lines")
    reports = _reports(file, [docstring for docstring, _ in several])
    found = []
    for docstring, sections in several:
        foreign = next(filter(None, (_foreign(each, conventions) for each in sections)), "")
        diagnostic = next(iter(reports.get(docstring.line, ())), None)
        if foreign:
            text = f"{_subject(docstring)} has {_NAMES[foreign]} in its docstring"
            found.append(_at(docstring, text, foreign))
        elif diagnostic is not None:
            text = f"{_subject(docstring)}: {diagnostic.message}"
            found.append(reported(diagnostic, text, line=docstring.line))
    return Sites(len(several), found)


def _foreign(section: Section, conventions: Sequence[str]) -> str:
    """The convention of a section that is not one of the agreed ones."""
    if section.style in {"rest", "javadoc"} and section.kind in _JUDGED:
        return section.style
    known = section.style in {"google", "numpy"} and section.kind in _JUDGED
    return section.style if known and section.style not in conventions else ""


def _reports(file: File, several: Sequence[Docstring]) -> dict[int, list[Diagnostic]]:
    """What ruff reports of docstrings, by their first lines."""
    found: dict[int, list[Diagnostic]] = {}
    starts = [each.line for each in several]
    for diagnostic in file.lint(*_STYLE):
        place = bisect_right(starts, diagnostic.line) - 1
        docstring = several[place] if place >= 0 else None
        if docstring is None or diagnostic.line > docstring.last:
            continue
        if not (_is_handler(docstring) and _is_markdown(docstring, diagnostic)):
            found.setdefault(docstring.line, []).append(diagnostic)
    return found


def _is_handler(docstring: Docstring) -> bool:
    owner = docstring.owner
    return isinstance(owner, Function) and owner.file.project.routes.of(owner) is not None


def _is_markdown(docstring: Docstring, diagnostic: Diagnostic) -> bool:
    """Whether a report is about a heading or a list."""
    rows = [row.strip() for row in docstring.text.split("\n")]
    if diagnostic.code == "D205":
        return len(rows) > 1 and bool(_MARKDOWN.match(rows[1]))
    if diagnostic.code not in SECTION_RULES:
        return False
    number = diagnostic.line - docstring.first
    filled = [row for row in rows[max(number, 0) :] if row][:2]
    return any(_MARKDOWN.match(row) for row in filled)


def _subject(docstring: Docstring) -> str:
    return "The module" if docstring.owner is None else f"`{docstring.owner.name}`"


def _at(docstring: Docstring, text: str, anchor: str, line: int = 0) -> At:
    symbol = "" if docstring.owner is None else docstring.owner.symbol
    return At(line or docstring.line, text, symbol=symbol, anchor=anchor)


# Sections that callers need -----------------------------------------------------------------------


@check("docstring-sections", each="require")
def docstring_sections(
    file: File, entry: Wanted, *, require: Sequence[Wanted] = ("raises",)
) -> Answer:
    """Docstrings of public functions name the exceptions that callers must expect.

    Nobody handles an error that he has to read the code to know of.

    Instead: add a Raises (or Example) section.

    Known problems: exceptions of called functions are not asked for, and one that a function
    makes in a way that cannot be followed is not seen.
    """
    subjects = [each for each in sectioned(file) if each[0].owner is not None]
    public = [(d, s) for d, s in subjects if d.owner is not None and d.owner.is_public]
    count, found = 0, []
    for docstring, sections in public:
        owner = docstring.owner
        if entry == "example" and owner is not None:
            count += 1
            if ">>>" not in docstring.text and not any(s.kind == "example" for s in sections):
                text = f"The docstring of `{owner.name}` shows no example"
                found.append(At(owner.line, text, symbol=owner.symbol, anchor="example"))
        elif entry == "raises" and isinstance(owner, Function) and owner.raises:
            told = _told(owner, sections)
            for name in _raised(owner):
                count += 1
                last = name.rpartition(".")[2]
                names = {each.rpartition(".")[2] for each in _with_bases(file, name)}
                if not any(re.search(rf"\b{re.escape(each)}\b", told) for each in names):
                    text = f"The docstring of `{owner.name}` does not tell that it raises `{last}`"
                    found.append(At(owner.line, text, symbol=owner.symbol, anchor=name))
    return Sites(count, found) if count else Skip("nothing that a docstring has to tell")


def _told(function: Function, sections: Sequence[Section]) -> str:
    """What a docstring says of exceptions; of a constructor also that of its class."""
    found = list(sections)
    cls = function.cls
    if function.name == "__init__" and cls is not None:
        found += [
            section
            for docstring, each in sectioned(function.file)
            if docstring.owner == cls
            for section in each
        ]
    return "\n".join(section.text for section in found if section.kind == "raises")


def _raised(function: Function) -> list[str]:
    """Classes of the exceptions that a function raises itself and does not catch."""
    exceptions = function.file.project.exceptions
    names: dict[str, None] = {}
    for each in function.raises:
        handler = each.handler
        if each.fact.exc is None or (handler is not None and exceptions.is_again(each, handler)):
            continue
        name = exceptions.raised(each)
        if not name or name in names or _excused(function, name):
            continue
        if not exceptions.stops(function.file, each.fact.block, function, name):
            names[name] = None
    return list(names)


def _excused(function: Function, name: str) -> bool:
    if name in _OUGHT_NOT:
        return True
    if name == "builtins.NotImplementedError":
        return function.fact.shape == "stub" or function.decorated_by(*_ABSTRACT)
    project = function.file.project
    if project.routes.of(function) is not None:
        return not _HTTP.isdisjoint(project.exceptions.lineage(name))
    return False


def _with_bases(file: File, name: str) -> Iterator[str]:
    yield name
    yield from file.project.exceptions.lineage(name)
