"""Environment variables: those that code and compose files read, and what a template says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from checks.facts import tree
from checks.facts.text import split_lines
from checks.project.composefile import compose_files
from checks.project.envfiles import PLATFORM, env_variables
from checks.project.given import Given, argument, elements
from checks.project.layout import excluded_path, test_path
from checks.project.modelconfig import configured

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.schemas import Field
    from checks.project.subjects import Class

_TEMPLATE = re.compile(
    r"(?:\.?env|\.env[._-]\w+|\w+\.env)[._-](?:example|sample|template|dist|tmpl)"
    r"|\.?(?:example|sample|template)\.env",
    re.IGNORECASE,
)
_USED = re.compile(r"(?<!\$)\$(?:\{([A-Za-z_]\w*)[^{}]*\}|([A-Za-z_]\w*))")
_COMMENTED = re.compile(r"\s*#+\s*(?:export\s+)?([A-Za-z_]\w*)=(.*)")
_BARE = re.compile(r"\s*([A-Z][A-Z0-9_]*_[A-Z0-9_]+)\s*")  # named, its value left to the reader
_BEHIND = re.compile(r"\s#\s*\w")
_PROSE = re.compile(r"\s*#.*\w")
_BASES = ("pydantic_settings.BaseSettings", "pydantic.BaseSettings",
          "pydantic_settings.main.BaseSettings")  # fmt: skip
_NO_VARIABLE = frozenset({"typing.ClassVar", "typing.Final", "pydantic.PrivateAttr"})
_ALIASES = ("validation_alias", "alias", "env")
_DEPTH = 6


class Needed(msgspec.Struct, frozen=True):
    """A variable that something reads; one of its names is enough."""

    names: tuple[str, ...]
    path: str
    line: int


class Entry(msgspec.Struct, frozen=True):
    """A variable in a template.

    Attributes:
        path: The template.
        line: Its line.
        name: Its name as written.
        value: Its value, None where the whole line is commented out.
        explained: Whether a comment stands behind it or above its group.
    """

    path: str
    line: int
    name: str
    value: str | None
    explained: bool


class Template(msgspec.Struct, frozen=True):
    """A template of the environment.

    Attributes:
        path: Its path.
        entries: Its variables.
        longest: First line and number of variables of the longest run without a gap.
    """

    path: str
    entries: tuple[Entry, ...]
    longest: tuple[int, int]


class Variables:
    """What a project reads of the environment, and its templates of it."""

    def __init__(self, project: Project) -> None:
        self.project = project

    @cached_property
    def templates(self) -> list[Template]:
        """Templates at the root, beside the manifests and beside code."""
        manifests = self.project.manifests
        folders = {"", *manifests.folders, *manifests.homes, *self.project.python_folders}
        found = []
        for path, fact in sorted(self.project.documents.items()):
            folder, _, name = path.rpartition("/")
            if excluded_path(path) or test_path(path):
                continue
            if folder in folders and fact.kind == "text" and _TEMPLATE.fullmatch(name):
                found.append(read_template(path, fact.text))
        return found

    @cached_property
    def needed(self) -> list[Needed]:
        """Variables that are read, each once: where a setting declares it before other places."""
        found: dict[str, Needed] = {}
        for each in (*self._of_settings(), *self._of_code(), *self._of_compose()):
            if not any(name.lower() in found for name in each.names):
                found[each.names[0].lower()] = each
        return list(found.values())

    def _of_code(self) -> Iterator[Needed]:
        for file in self.project.analysed:
            if not file.is_test:
                for read in self.project.environment.reads(file):
                    if read.name and not PLATFORM.fullmatch(read.name):
                        yield Needed((read.name,), file.path, read.line)

    def _of_compose(self) -> Iterator[Needed]:
        for path, fact in compose_files(self.project).items():
            if excluded_path(path):
                continue
            for place, text in _texts(fact.data):
                for match in _USED.finditer(text):
                    name = match[1] or match[2]
                    if not PLATFORM.fullmatch(name):
                        yield Needed((name,), path, fact.line_of(place))

    # Settings -------------------------------------------------------------------------------------

    def _of_settings(self) -> Iterator[Needed]:
        for cls in self._made:
            prefix = next((given.text or "" for given in configured(cls, "env_prefix")), "")
            found = configured(cls, "env_nested_delimiter")
            delimiter = next((given.text or "" for given in found), "")
            yield from self._of_class(cls, prefix, delimiter)

    @cached_property
    def _made(self) -> list[Class]:
        """Settings classes that read the environment: those that are made, or that end a line."""
        own = [cls for cls in self.project.classes.settings if cls.inherits(*_BASES)]
        bases = {name for cls in own for name in cls.ancestors}
        return [cls for cls in own if cls.key not in bases or self._is_made(cls)]

    def _is_made(self, cls: Class) -> bool:
        return any(
            call.name == cls.key
            for file in self.project.production
            for call in file.calls_named(cls.name)
        )

    def _of_class(self, cls: Class, prefix: str, delimiter: str) -> Iterator[Needed]:
        stack: list[tuple[tuple[str, ...], Class, int]] = [((prefix,), cls, 0)]
        while stack:
            prefixes, each, depth = stack.pop()
            origins = self._origins(each)
            for field in self.project.schemas.fields(each).values():
                names = () if _is_no_variable(field) else _names(field, prefixes, top=depth == 0)
                group = self._group(field) if names else None
                if group is not None and group.inherits(*_BASES):
                    continue  # it reads its variables itself
                if group is not None and delimiter and depth < _DEPTH:
                    stack.append((tuple(f"{n}{delimiter}" for n in names), group, depth + 1))
                elif names:
                    origin = origins.get(field.name, field)
                    yield Needed(names, origin.cls.path, origin.line)

    def _origins(self, cls: Class) -> dict[str, Field]:
        """Where the fields of a class were declared first."""
        found: dict[str, Field] = {}
        for key in (*reversed(cls.ancestors), cls.key):
            owner = self.project.classes.by_key.get(key)
            for field in self.project.schemas.own_fields(owner) if owner is not None else ():
                found.setdefault(field.name, field)
        return found

    def _group(self, field: Field) -> Class | None:
        """The class of a field that holds several values."""
        if field.type is None:
            return None
        schemas, classes = self.project.schemas, self.project.classes
        found = [schemas.class_of(each) for each in schemas.members(field.type)]
        parts = (cls for cls in found if cls is not None)
        return next((cls for cls in parts if classes.role(cls) in {"settings", "schema"}), None)


def _is_no_variable(field: Field) -> bool:
    if field.name in field.cls.methods or field.type is None:
        return True
    expr = field.type.expr
    base = expr.value if isinstance(expr, tree.Item) else expr
    return field.cls.file.resolve(base) in _NO_VARIABLE


def _names(field: Field, prefixes: tuple[str, ...], *, top: bool) -> tuple[str, ...]:
    """The names under which a field is read."""
    call = field.call
    given = None if call is None else argument(call, _ALIASES)
    aliases = [] if given is None else _aliases(given)
    if aliases and top:
        return tuple(aliases)
    own = aliases or [field.name.upper()]
    return tuple(f"{prefix.upper()}{name}" for prefix in prefixes for name in own)


def _aliases(given: Given) -> list[str]:
    """``"A"``, ``["A", "B"]``, ``AliasChoices("A", "B")``, ``AliasPath("A", 0)``."""
    if isinstance(given.expr, tree.CallRef):
        call = given.file.calls[given.expr.index]
        parts = [given.at(each) for each in call.fact.args]
        if call.last == "AliasPath":
            parts = parts[:1]
        return [name for part in parts for name in _aliases(part)]
    if isinstance(given.expr, tree.Seq):
        return [text for each in elements(given) if (text := each.text)]
    return [given.text] if given.text else []


# Files --------------------------------------------------------------------------------------------


def read_template(path: str, text: str) -> Template:
    """The variables of a template, those that are commented out too."""
    variables = {each.line: each for each in env_variables(path, text)}
    entries: list[Entry] = []
    longest, run, start, explained = (0, 0), 0, 0, False
    for number, line in enumerate(split_lines(text), 1):
        if number in variables:
            each = variables[number]
            behind = bool(_BEHIND.search(line))
            entries.append(Entry(path, number, each.name, each.value, explained or behind))
            start, run = (start, run + 1) if run else (number, 1)
            longest = (start, run) if run > longest[1] else longest
        elif match := _BARE.fullmatch(line):
            entries.append(Entry(path, number, match[1], None, explained))
        elif match := _COMMENTED.match(line):
            entries.append(Entry(path, number, match[1], None, explained))
            run = 0
        elif not line.strip():
            explained, run = False, 0
        elif line.lstrip().startswith("#"):
            explained, run = explained or bool(_PROSE.match(line)), 0
    return Template(path, tuple(entries), longest)


def _texts(data: Any) -> Iterator[tuple[str, str]]:
    """The texts of a document with their places, in order."""
    stack: list[tuple[str, Any]] = [("", data)]
    while stack:
        place, value = stack.pop()
        if isinstance(value, str):
            yield place, value
        elif isinstance(value, dict):
            inner = [(f"{place}.{key}".lstrip("."), each) for key, each in value.items()]
            stack += reversed(inner)
        elif isinstance(value, list):
            inner = [(f"{place}.{number}".lstrip("."), each) for number, each in enumerate(value)]
            stack += reversed(inner)
