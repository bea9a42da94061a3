"""Checks of docstrings that say again what the signature says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.docstrings import Docstring, Section, arguments, sectioned
from checks.project.given import Given
from checks.project.subjects import Class, File, Function
from checks.project.wording import name_words, stem, words

type Part = Literal["args", "returns", "length"]

_TYPE = re.compile(r"[`*]*[\w.\[\], |\"']{1,80}[`*]*:(?:\s+|$)")
_UNCOUNTED = frozenset({"raises", "warning", "note", "example"})
_EMPTY = frozenset({stem("instance"), stem("object")})
_OPTIONAL = frozenset({stem("none"), stem("optional")})
_FORWARD = re.compile(r"[\w.\[\], |]{1,120}")


@check("docstring-redundancy", each="sections")
def docstring_redundancy(
    file: File,
    part: Part,
    *,
    sections: Sequence[Part] = ("args", "returns"),
    max_lines: int = 12,
) -> Answer:
    """Docstrings leave out what the signature says.

    What is said twice is read twice, and one of the two is wrong after the next change.

    Instead: delete the entry, keep only what the signature does not say.

    Known problems: words are compared, not meanings; short forms (db, id, msg) are known. Entries
    of names that are no argument are not judged.
    """
    count, found = 0, []
    for docstring, parts in sectioned(file):
        if part == "length":
            if docstring.owner is not None and not _is_handler(docstring.owner):
                count += 1
                size = _size(docstring, parts)
                if size > max_lines:
                    found.append(_too_long(docstring, size, max_lines))
        elif parts and docstring.owner is not None:
            judged = _arguments if part == "args" else _returns
            for at in judged(docstring, docstring.owner, parts):
                count += 1
                found += [at] if at is not None else []
    return Sites(count, found) if count else Skip("no docstring with such sections")


def _is_handler(owner: Function | Class) -> bool:
    return isinstance(owner, Function) and owner.file.project.routes.of(owner) is not None


def _size(docstring: Docstring, sections: Sequence[Section]) -> int:
    spared = sum(each.size + 1 for each in sections if each.kind in _UNCOUNTED)
    return docstring.text.count("\n") + 1 - spared


def _too_long(docstring: Docstring, size: int, limit: int) -> At:
    owner = docstring.owner
    name = "" if owner is None else owner.name
    text = f"The docstring of `{name}` has {size} lines"
    symbol = "" if owner is None else owner.symbol
    return At(docstring.line, text, symbol=symbol, measured=str(size), limit=str(limit),
              anchor="length")  # fmt: skip


def _arguments(
    docstring: Docstring, owner: Function | Class, sections: Sequence[Section]
) -> Iterator[At | None]:
    hints = _hints(owner)
    for entry in arguments(sections):
        hint = hints.get(entry.name)
        if hint is None:
            continue
        if informs(owner, entry.name, hint, entry.text):
            yield None
            continue
        text = f"The entry of `{entry.name}` says only what its name and type say"
        line = docstring.first + entry.number
        yield At(line, text, symbol=owner.symbol, anchor=f"args {entry.name}")


def informs(owner: Function | Class, name: str, hint: Expr, text: str) -> bool:
    """Whether the description of an argument says more than its name and type."""
    return not _content(text) <= name_words(name) | type_words(Given(owner.file, hint))


def _hints(owner: Function | Class) -> dict[str, Expr]:
    """Annotations of the arguments of a function, or of what makes an object of a class."""
    if isinstance(owner, Class):
        init = owner.methods.get("__init__")
        if init is None:
            named = owner.attributes.items()
            return {name: row.annotation for name, row in named if row.annotation is not None}
        owner = init
    return {each.name: each.annotation for each in owner.fact.params if each.annotation is not None}


def _returns(
    docstring: Docstring, owner: Function | Class, sections: Sequence[Section]
) -> Iterator[At | None]:
    if not isinstance(owner, Function) or owner.fact.returns is None:
        return
    known = name_words(owner.name) | type_words(Given(owner.file, owner.fact.returns))
    for section in sections:
        if section.kind == "returns":
            if _content(_said(section)) <= known:
                text = f"What `{owner.name}` returns is said by its name and annotation"
                line = docstring.first + section.number
                yield At(line, text, symbol=owner.symbol, anchor="returns")
            else:
                yield None


def _said(section: Section) -> str:
    """What a section says beside the type."""
    filled = [line for line in section.lines if line.text]
    if section.style == "numpy" and filled:
        deeper = [line.text for line in filled if line.indent > filled[0].indent]
        return " ".join(deeper) or section.text
    text = section.text
    match = _TYPE.match(text)
    return text[match.end() :] or text if match is not None else text


def _content(text: str) -> set[str]:
    return set(words(text)) - _EMPTY


def type_words(given: Given) -> set[str]:
    """The words of an annotation, and of what a name in it stands for."""
    found: set[str] = set()
    names = given.file.project.names
    for expr in tree.walk(given.expr):
        if isinstance(expr, tree.Const):
            text = tree.text_of(expr)
            if text is not None and _FORWARD.fullmatch(text):
                found |= name_words(text)
            found |= _OPTIONAL if expr.kind == "NoneType" else set()
        elif isinstance(expr, tree.Name):
            found |= name_words(expr.id)
            alias = names.assignment_named(given.file.resolve(expr))
            for inner in tree.walk(alias[1].value if alias is not None else None):
                if isinstance(inner, tree.Name):
                    found |= name_words(inner.id)
    return found
