"""YAML as plain data with lines, from the parser's events: bounded, and no surprise of YAML 1.1.

The data is built from the event stream itself. So limits hold before anything is built, no tag
constructs anything, and ``on``, ``yes``, dates and ``22:22`` stay text.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
import yaml

from checks.facts import limits
from checks.facts.doctree import Tree, Unreadable

_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_HEX = re.compile(r"0x[0-9a-fA-F]{1,15}")
_EXPONENT = r"[eE][-+]?[0-9]{1,2}"
_FLOAT = re.compile(
    rf"[-+]?(?:\.[0-9]{{1,20}}|[0-9]{{1,20}}\.[0-9]{{1,20}}|[0-9]{{1,20}}(?={_EXPONENT}))(?:{_EXPONENT})?"
)
_WORDS = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_MAX_NODES = 100_000  # with aliases expanded, since the data is stored without them
_MAX_PATH = 400


class _Built(msgspec.Struct):
    """A value with what it weighs once aliases are expanded, and how deep it is."""

    value: Any
    nodes: int = 1
    height: int = 1


class _Frame(msgspec.Struct):
    """A mapping or sequence that is being filled."""

    path: str
    mapping: bool
    anchor: str | None
    built: _Built
    key: str | None = None
    merges: bool = False
    inherited: list[dict[str, Any]] = []


def read_yaml(text: str) -> Tree:
    """Read all documents of a YAML file.

    Raises:
        Unreadable: It does not parse, or is nested, aliased or long beyond the limits.
    """
    composer = _Composer()
    try:
        for count, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
            if count >= limits.YAML_EVENTS:
                raise Unreadable(f"has more than {limits.YAML_EVENTS:,} YAML entries")
            composer.take(event)
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        raise Unreadable(f"does not parse: {line}{fault.problem or fault.context}") from None
    except yaml.YAMLError:
        raise Unreadable("does not parse: holds a character that YAML does not allow") from None
    return composer.tree


class _Composer:
    def __init__(self) -> None:
        self.tree = Tree([], {})
        self._stack: list[_Frame] = []
        self._anchors: dict[str, _Built | None] = {}
        self._aliases = 0

    def take(self, event: yaml.Event) -> None:
        """Add what one event says."""
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self._open(event)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._close()
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._anchors = {}

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        frame = self._stack[-1] if self._stack else None
        if frame is not None and frame.mapping and frame.key is None:
            frame.key = event.value[:_MAX_PATH]
            frame.merges = event.value == "<<" and event.style is None
            self._line(_join(frame.path, frame.key), event)
            return
        built = _Built(_resolve(event))
        if event.anchor:
            self._anchors[event.anchor] = built
        self._add(built, event)

    def _open(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        if len(self._stack) >= limits.TREE_DEPTH:
            raise Unreadable(f"is nested deeper than {limits.TREE_DEPTH} levels")
        mapping = isinstance(event, yaml.MappingStartEvent)
        path = self._place(event)
        if event.anchor:
            self._anchors[event.anchor] = None  # until it is closed: it must not hold itself
        built = _Built({} if mapping else [])
        self._stack.append(_Frame(path, mapping, event.anchor, built))

    def _close(self) -> None:
        frame = self._stack.pop()
        for inherited in frame.inherited:
            for key, value in inherited.items():
                frame.built.value.setdefault(key, value)
        if frame.anchor:
            self._anchors[frame.anchor] = frame.built
        self._add(frame.built, None)

    def _alias(self, event: yaml.AliasEvent) -> None:
        self._aliases += 1
        if self._aliases > limits.YAML_ALIASES:
            raise Unreadable(f"has more than {limits.YAML_ALIASES:,} YAML aliases")
        if event.anchor not in self._anchors:
            raise Unreadable(f"does not parse: line {_line_of(event)}: an alias without its anchor")
        built = self._anchors[event.anchor]
        if built is None:
            raise Unreadable("holds a YAML alias of the value that it is part of")
        self._add(built, event)

    def _add(self, built: _Built, event: yaml.Event | None) -> None:
        """Put a finished value into the innermost frame, or make it a document."""
        if event is not None:
            self._place(event)
        if not self._stack:
            self.tree.documents.append(built.value)
            return
        frame = self._stack[-1]
        frame.built.nodes += built.nodes
        frame.built.height = max(frame.built.height, built.height + 1)
        if frame.built.nodes > _MAX_NODES:
            raise Unreadable("grows too large when its YAML aliases are expanded")
        if len(self._stack) + built.height > limits.TREE_DEPTH + 1:
            raise Unreadable(f"is nested deeper than {limits.TREE_DEPTH} levels")
        if not frame.mapping:
            frame.built.value.append(built.value)
        elif frame.merges:
            merged = built.value if isinstance(built.value, list) else [built.value]
            frame.inherited = frame.inherited + [each for each in merged if isinstance(each, dict)]
        else:
            frame.built.value[frame.key] = built.value
        frame.key, frame.merges = None, False

    def _place(self, event: yaml.Event) -> str:
        """Path of a value that begins here; notes its line where it is an item of a sequence."""
        if not self._stack:
            number = len(self.tree.documents)
            return f"{number}#" if number else ""
        frame = self._stack[-1]
        if frame.mapping:
            if frame.key is None:
                raise Unreadable(
                    f"does not parse: line {_line_of(event)}: the key is no plain text"
                )
            return _join(frame.path, frame.key)
        path = _join(frame.path, str(len(frame.built.value)))
        self._line(path, event)
        return path

    def _line(self, path: str, event: yaml.Event) -> None:
        if len(path) <= _MAX_PATH:
            self.tree.lines.setdefault(path, _line_of(event))


def _line_of(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0


def _join(path: str, key: str) -> str:
    return f"{path}.{key}"[: _MAX_PATH + 1] if path and not path.endswith("#") else path + key


def _resolve(event: yaml.ScalarEvent) -> Any:
    """Value of a scalar; only plain ones without a tag are anything but text."""
    text: str = event.value
    if not event.implicit[0] or event.tag is not None:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _HEX.fullmatch(text):
        return int(text, 16)
    return float(text) if _FLOAT.fullmatch(text) else text
