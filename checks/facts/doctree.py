"""What one document says: configuration as plain data, recipes and prose as small tables.

One :class:`DocumentFact` per blob and kind; only the tables of its kind are filled.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from checks.facts.kinds import Kind


class Instruction(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One instruction of a Dockerfile: name in capitals, value with continuations joined.

    A here-document is part of the value, its lines separated by newlines.
    """

    name: str
    value: str
    line: int
    end_line: int


class Command(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One command of a recipe, continuations joined, without ``@`` or ``-`` in front.

    ``ignored`` is True where a failure is ignored (``-`` in front).
    """

    text: str
    line: int
    ignored: bool = False


class Target(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One target of a Makefile or recipe of a justfile, with the targets it runs first."""

    name: str
    line: int
    needs: tuple[str, ...]
    commands: tuple[Command, ...]


class Requirement(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One line of a requirements file.

    Attributes:
        name: Distribution name in PEP 503 form; "" for a bare path or URL.
        spec: Version specifier as written, ``==1.2`` or ``>=1,<2``; "" for none.
        line: First line.
        extras: Extras, as written.
        marker: Environment marker; "" for none.
        url: Path or URL of a direct reference; "" for none.
        editable: Given with ``-e``.
        hashes: Number of ``--hash`` options.
    """

    name: str
    spec: str
    line: int
    extras: tuple[str, ...] = ()
    marker: str = ""
    url: str = ""
    editable: bool = False
    hashes: int = 0


class Include(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A file that a requirements file reads: ``-r`` or, as ``constraint``, ``-c``."""

    path: str
    line: int
    constraint: bool = False


class Locked(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One package of a lock file, its name in PEP 503 form.

    ``source`` is uv's word (registry, git, url, path, editable, virtual), "" where none is said.
    """

    name: str
    version: str
    line: int
    source: str = ""


class Paragraph(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Text between blank lines, without markup of links; a list item or table row is one too."""

    text: str
    line: int


class Code(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One code block, with the language it names; ``line`` is that of its first line of text."""

    text: str
    language: str
    line: int


class Link(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One link or image."""

    text: str
    target: str
    line: int
    image: bool = False


class Section(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A heading and what follows it up to the next heading, of whatever level.

    The text before the first heading is a section of level 0 without title.
    """

    title: str
    level: int
    line: int
    paragraphs: tuple[Paragraph, ...] = ()
    code: tuple[Code, ...] = ()
    links: tuple[Link, ...] = ()


class DocumentFact(msgspec.Struct, frozen=True):
    """Everything that one document says.

    Attributes:
        kind: How it was read.
        error: Why it could not be read, in words that follow a path; "" when it could.
        note: A remark of decoding; "" usually.
        documents: Data of TOML, JSON and INI (one) and YAML (one per ``---``): dicts with text
            keys, lists, text, bool, int, float, None. Dates, infinities and integers beyond 64
            bits are text; ``on``, ``off``, ``yes`` and ``no`` of YAML too.
        lines: 1-based line by path of keys and positions (``jobs.test.steps.0.run``); paths of
            later YAML documents begin with their position (``1#spec.replicas``).
        text: The text itself, for kinds without structure and for recipes; "" for the others.
        instructions: Of a Dockerfile.
        targets: Of a Makefile or justfile.
        variables: Of a Makefile or justfile, as written.
        requirements: Of a requirements file.
        includes: Of a requirements file.
        packages: Of a lock file.
        sections: Of Markdown and reStructuredText.
    """

    kind: Kind
    error: str = ""
    note: str = ""
    documents: tuple[Any, ...] = ()
    lines: dict[str, int] = {}
    text: str = ""
    instructions: tuple[Instruction, ...] = ()
    targets: tuple[Target, ...] = ()
    variables: dict[str, str] = {}
    requirements: tuple[Requirement, ...] = ()
    includes: tuple[Include, ...] = ()
    packages: tuple[Locked, ...] = ()
    sections: tuple[Section, ...] = ()

    @property
    def data(self) -> Any:
        """The first (usually the only) document; None when there is none."""
        return self.documents[0] if self.documents else None

    def get(self, path: str) -> Any:
        """The value at a path of keys and positions joined by dots, in ``data``; None without one.

        A key that itself holds a dot is not found this way.
        """
        value = self.data
        for part in path.split("."):
            if isinstance(value, dict):
                value = value.get(part)
            elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
                value = value[int(part)]
            else:
                return None
        return value

    def line_of(self, path: str) -> int:
        """Line of a path, or of the nearest part of it that has one; 0 when there is none."""
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path.rpartition(".")[0]
        return 0


DECODER: Final = msgspec.msgpack.Decoder(DocumentFact)


class Unreadable(ValueError):
    """A document that its format, or one of our limits, forbids to read."""


class Tree(msgspec.Struct):
    """Data and lines of one configuration file, while it is read."""

    documents: list[Any]
    lines: dict[str, int]
