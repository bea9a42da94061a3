"""Docstrings: where each stands, and its sections in whichever convention it is written."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from checks.project.subjects import Class, File, Function

type Style = Literal["google", "numpy", "rest", "directive", "javadoc"]

_KINDS = {
    "args": "args arguments parameters params keyword-args keyword-arguments other-parameters",
    "returns": "returns return",
    "yields": "yields yield",
    "raises": "raises raise exceptions except throws warns",
    "example": "example examples usage",
    "note": "note notes",
    "warning": "warning warnings caution attention danger important",
    "attributes": "attributes",
    "other": "see-also references methods todo tip hint error side-effects receives",
}
_KIND_OF = {name: kind for kind, names in _KINDS.items() for name in names.split()}
_TITLES = "|".join(name.replace("-", "[ ]") for name in sorted(_KIND_OF, key=len, reverse=True))
_GOOGLE = re.compile(rf"({_TITLES})[ ]?:(?!:)[ \t]*(.*)", re.IGNORECASE)
_INLINE = frozenset({"returns", "yields", "raises", "note", "warning", "example"})
_NUMPY = re.compile(rf"({_TITLES})[ \t]*", re.IGNORECASE)
_UNDERLINE = re.compile(r"[ \t]*-{3,}[ \t]*")
_FIELD = re.compile(
    r":(param|parameter|arg|argument|key|keyword|type|returns?|rtype|raises?|except|exception"
    r"|yields?|ytype)\b([^:\n]*):(.*)"
)
_DIRECTIVE = re.compile(r"\.\.[ ](note|warning|caution|attention|danger|important)::(.*)")
_TAG = re.compile(r"@(param|returns?|throws|raises?|exception|type|rtype)\b[ \t]*(.*)")
_TAGGED = {"throws": "raises", "exception": "raises", "except": "raises", "type": "type"}
_FIELD_KINDS = {"param", "parameter", "arg", "argument", "key", "keyword"}
_ENTRY = re.compile(r"[`*]{0,2}(\w[\w.]*)[`*]{0,2}[ ]?(\([^()]*(?:\([^()]*\)[^()]*)*\))?[ ]?:(.*)")
_NUMPY_ENTRY = re.compile(r"\*{0,2}(\w+(?:,[ ]*\*{0,2}\w+)*)[ ]*(?::[ ]*(.*))?")


class Line(msgspec.Struct, frozen=True, gc=False):
    """One line of a docstring: its distance from the first one, its indent and its text."""

    number: int
    indent: int
    text: str


class Entry(msgspec.Struct, frozen=True):
    """What a section says of one argument or exception; ``type`` is "" where it names none."""

    name: str
    type: str
    text: str
    number: int


class Section(msgspec.Struct, frozen=True):
    """One section, with its kind and the convention that it is written in.

    Attributes:
        kind: ``args``, ``returns``, ``yields``, ``raises``, ``example``, ``note``, ``warning``,
            ``attributes``, ``other``.
        style: The convention.
        number: Its first line, counted from the first one of the docstring.
        lines: What stands below its title, or behind it.
    """

    kind: str
    style: Style
    number: int
    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        """All that it says."""
        return " ".join(line.text for line in self.lines if line.text)

    @property
    def size(self) -> int:
        """How many lines it takes, its title and underline included."""
        last = max((line.number for line in self.lines if line.text), default=self.number)
        return last - self.number + 1

    def entries(self) -> list[Entry]:
        """What it says of each argument or exception."""
        pattern = _NUMPY_ENTRY if self.style == "numpy" else _ENTRY
        filled = [line for line in self.lines if line.text]
        if self.style in {"rest", "javadoc"} or not filled:
            return []
        indent = filled[0].indent
        found: list[Entry] = []
        for line in filled:
            match = pattern.fullmatch(line.text) if line.indent <= indent else None
            if match is not None:
                found += self._opened(match, line)
            elif found:
                last = found[-1]
                text = f"{last.text} {line.text}".strip()
                found[-1] = Entry(last.name, last.type, text, last.number)
        return found

    def _opened(self, match: re.Match[str], line: Line) -> list[Entry]:
        if self.style == "numpy":
            names = [name.strip("* ") for name in match[1].split(",")]
            return [Entry(name, match[2] or "", "", line.number) for name in names]
        return [Entry(match[1], (match[2] or "").strip("()"), match[3].strip(), line.number)]


class Docstring(msgspec.Struct, frozen=True):
    """One docstring.

    Attributes:
        owner: The function or class it belongs to, None for that of the module.
        line: Its first line.
        first: The line of its first word, which its other lines are counted from.
        last: Its last line.
        text: What it says.
    """

    owner: Function | Class | None
    line: int
    first: int
    last: int
    text: str

    @property
    def several(self) -> bool:
        """Whether it takes more than one line."""
        return self.last > self.line


def docstrings(file: File) -> list[Docstring]:
    """All docstrings of a file in order of line; worked out once."""
    known: list[Docstring] | None = file.memo.get("docstrings")
    if known is None:
        known = file.memo["docstrings"] = list(_docstrings(file)) if file.facts.texts else []
    return known


def _docstrings(file: File) -> Iterator[Docstring]:
    texts = file.facts.texts
    if file.facts.docstring is not None:
        yield Docstring(None, *texts[0], file.facts.docstring)
    owners: list[Function | Class] = [*file.functions, *file.classes]
    for owner in sorted(owners, key=lambda each: each.line):
        if owner.fact.docstring is not None:
            place = bisect_left(texts, (owner.line,))
            if place < len(texts):
                yield Docstring(owner, *texts[place], owner.fact.docstring)


def sectioned(file: File) -> list[tuple[Docstring, list[Section]]]:
    """All docstrings of a file with their sections; worked out once."""
    known: list[tuple[Docstring, list[Section]]] | None = file.memo.get("sectioned docstrings")
    if known is None:
        known = [(each, sections(each.text)) for each in docstrings(file)]
        file.memo["sectioned docstrings"] = known
    return known


def sections(text: str) -> list[Section]:
    """The sections of a docstring, in order."""
    if ":" not in text and "--" not in text and "@" not in text:
        return []
    lines = list(_lines(text))
    found: list[Section] = []
    number = 0
    while number < len(lines):
        opened = _opened(lines, number)
        if opened is None:
            number += 1
            continue
        section, number = opened
        found.append(section)
    return found


def _lines(text: str) -> Iterator[Line]:
    rows = text.split("\n")
    rest = [len(row) - len(row.lstrip()) for row in rows[1:] if row.strip()]
    margin = min(rest, default=0)
    for number, row in enumerate(rows):
        indent = len(row) - len(row.lstrip())
        yield Line(number, 0 if number == 0 else max(indent - margin, 0), row.strip())


def _opened(lines: Sequence[Line], number: int) -> tuple[Section, int] | None:
    """The section that begins at a line, and the line after it."""
    line = lines[number]
    below = lines[number + 1].text if number + 1 < len(lines) else ""
    match = _NUMPY.fullmatch(line.text)
    if match is not None and _UNDERLINE.fullmatch(below):
        end = _numpy_end(lines, number + 2)
        return Section(_kind(match[1]), "numpy", number, tuple(lines[number + 2 : end])), end
    match = _FIELD.match(line.text)
    if match is not None:
        return _field(lines, number, match[1], match[2].strip(), match[3].strip(), "rest")
    match = _TAG.match(line.text)
    if match is not None:
        name, _, more = match[2].partition(" ")
        named = match[1] in {"param", "throws", "raise", "raises", "exception", "type"}
        return _field(
            lines, number, match[1], name if named else "", more if named else match[2], "javadoc"
        )
    match = _DIRECTIVE.match(line.text)
    if match is not None:
        return _indented(lines, number, _kind(match[1]), match[2].strip(), "directive")
    match = _GOOGLE.fullmatch(line.text)
    if match is None:
        return None
    kind, more = _kind(match[1]), match[2].strip()
    if more and (kind not in _INLINE or not match[1][0].isupper()):
        return None
    return _indented(lines, number, kind, more, "google")


def _kind(title: str) -> str:
    return _KIND_OF[title.lower().replace(" ", "-")]


def _numpy_end(lines: Sequence[Line], start: int) -> int:
    for number in range(start, len(lines) - 1):
        if lines[number].text and _UNDERLINE.fullmatch(lines[number + 1].text):
            return number
    return len(lines)


def _indented(
    lines: Sequence[Line], number: int, kind: str, more: str, style: Style
) -> tuple[Section, int]:
    """A section whose lines stand further in than its title."""
    title = lines[number]
    end = number + 1
    while end < len(lines) and (not lines[end].text or lines[end].indent > title.indent):
        end += 1
    if end == number + 1 and not more and style == "google":
        end = _flush(lines, number)
    body = list(lines[number + 1 : end])
    if more:
        body.insert(0, Line(number, title.indent + 4, more))
    return Section(kind, style, number, tuple(body)), end


def _flush(lines: Sequence[Line], number: int) -> int:
    """The end of a section whose lines stand no further in: the next blank line or title."""
    end = number + 1
    while end < len(lines) and lines[end].text and not _GOOGLE.fullmatch(lines[end].text):
        end += 1
    return end


def _field(
    lines: Sequence[Line], number: int, word: str, name: str, text: str, style: Style
) -> tuple[Section, int]:
    kind = "args" if word in _FIELD_KINDS else _TAGGED.get(word, _KIND_OF.get(word, "type"))
    section, end = _indented(lines, number, kind, f"{name.split()[-1]}: {text}" if name else text,
                             style)  # fmt: skip
    return section, end


def arguments(found: Sequence[Section]) -> list[Entry]:
    """What is said of each argument, in any convention."""
    entries: list[Entry] = []
    for section in found:
        if section.kind == "args" and section.style in {"rest", "javadoc"}:
            name, _, text = section.text.partition(":")
            entries.append(Entry(name.strip("* "), "", text.strip(), section.number))
        elif section.kind == "args":
            entries += section.entries()
    return entries
