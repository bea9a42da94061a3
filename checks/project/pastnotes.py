"""What docstrings of functions said earlier on the mainline, and what of it is gone.

Compared are notes, warnings and entries of arguments of functions that are still there with the
same body. Versions of files are read newest first, and of long histories not all of them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from checks.facts import tree
from checks.facts.parse import parse
from checks.facts.text import decode, split_lines
from checks.project.docstrings import arguments, sectioned, sections
from checks.project.rows import Function
from checks.project.wording import name_words, words

if TYPE_CHECKING:
    from checks.facts.remembered import RememberedEach
    from checks.project.subjects import File
    from checks.project.trunk import Step, Trunk

MOST = 1_000
"""Earlier versions of files that are read."""
_BATCH = 100
_KEPT = 0.8
_PART = re.compile(
    rb"(?i:notes?|warnings?|caution|attention|danger|important|args|arguments)[ \t]*:|:param|@param"
    rb"|(?:Parameters|Notes?|Warnings?)[ \t]*\r?\n[ \t]*-{3,}"
)

_PROSE = re.compile(
    rb"(?!(?:from|import|return|raise|def|async|class|with|for|if|elif|else|try|except|await|assert"
    rb"|yield|pass)\b)(?:[\w*]+ ?(?:\([^()]*\))?:(?: .*\w.*)?|[:@]param\b.*|[^=(){}\[\]#\"@:]*\w+"
    rb"(?: [^=(){}\[\]#\"@:]+){2,})"
)

type Key = tuple[str, str]
"""``warning`` or ``note`` and "", or ``args`` and the name of the argument."""
type Def = ast.FunctionDef | ast.AsyncFunctionDef


class Version(msgspec.Struct, frozen=True):
    """A file as it was before a commit, and the blob that it became."""

    file: File
    oid: str
    new_oid: str
    step: Step


class Note(msgspec.Struct, frozen=True):
    """Something that a docstring said.

    Attributes:
        path: The file.
        function: Qualified name of the function.
        line: Its line now.
        kind: ``warning``, ``note`` or ``args``.
        name: The argument.
        removed: The commit that removed it, "" while it is there or where the code changed.
    """

    path: str
    function: str
    line: int
    kind: str
    name: str
    removed: str


class _Now:
    """What a file says now."""

    def __init__(self, text: str) -> None:
        self.functions = dict(_functions(text))
        self.words = set(words(text))


def notes(trunk: Trunk) -> list[Note]:
    """Everything that functions of production files say, or said and no longer say."""
    found = {
        (note.path, note.function, (note.kind, note.name)): note
        for file in trunk.project.production
        for note in _present(file)
    }
    now: dict[str, _Now] = {}
    lost = trunk.project.source.remembered("lost prose", bool)
    versions = _versions(trunk)
    for start in range(0, len(versions), _BATCH):
        batch = versions[start : start + _BATCH]
        told = _telling(trunk, batch, lost)
        texts = trunk.texts(each.oid for each in told)
        current = {each.file.path: each.file.oid for each in told if each.file.path not in now}
        files = trunk.texts(current.values())
        now |= {path: _Now(_text(files.get(oid, b""))) for path, oid in current.items()}
        for each in told:
            for note in _compared(each, _text(texts[each.oid]), now[each.file.path]):
                found.setdefault((note.path, note.function, (note.kind, note.name)), note)
    return list(found.values())


def _present(file: File) -> Iterator[Note]:
    """What the functions of a file say now."""
    for docstring, parts in sectioned(file):
        owner = docstring.owner
        if not isinstance(owner, Function):
            continue
        place = (file.path, owner.fact.qualname, owner.line)
        kinds = {part.kind for part in parts if part.text} & {"warning", "note"}
        yield from (Note(*place, kind, "", "") for kind in sorted(kinds))
        for entry in arguments(parts):
            param = owner.param(entry.name)
            hint = None if param is None else param.annotation
            names = (each.id for each in tree.walk(hint) if isinstance(each, tree.Name))
            known = name_words(" ".join([entry.name, *names]))
            told = words(entry.text)
            if param is not None and told and (hint is None or not set(told) <= known):
                yield Note(*place, "args", entry.name, "")


def _telling(trunk: Trunk, batch: Sequence[Version], lost: RememberedEach[bool]) -> list[Version]:
    """The versions that lost prose; those that a review has compared are not read again."""
    pairs = [f"{each.oid}:{each.new_oid}" for each in batch]

    def read(missing: Sequence[str]) -> Iterator[tuple[str, bool]]:
        changes = {pair: pair.split(":") for pair in missing}
        texts = trunk.texts(oid for change in changes.values() for oid in change)
        for pair, (old, new) in changes.items():
            yield pair, _loses_words(texts.get(old, b""), texts.get(new, b""))

    known = lost.records(pairs, read)
    return [each for each, pair in zip(batch, pairs, strict=True) if known[pair]]


def _loses_words(old: bytes, new: bytes) -> bool:
    """Whether a file with notes loses a line that may be prose: cheaper to see than by parsing."""
    gone = set(old.splitlines()) - set(new.splitlines())
    if not any(_PROSE.fullmatch(line.strip()) for line in gone):
        return False
    return _PART.search(old) is not None


def _text(data: bytes) -> str:
    return decode(data).text


def _versions(trunk: Trunk) -> list[Version]:
    """Earlier versions of production files, newest first, through their moves."""
    files = {file.path: file for file in trunk.project.production}
    found: list[Version] = []
    for step in reversed(trunk.steps):
        gone = [each for each in step.changes if each.status == "D"]
        for change in step.changes:
            file = files.get(change.path)
            if file is None:
                continue
            if change.old_oid:
                found.append(Version(file, change.old_oid, change.new_oid, step))
            elif change.status == "A":
                name = change.path.rpartition("/")[2]
                moved = [each for each in gone if each.old_oid == change.new_oid]
                moved = moved or [each for each in gone if each.path.rpartition("/")[2] == name]
                if len(moved) == 1:
                    files.setdefault(moved[0].path, file)
                    found.append(Version(file, moved[0].old_oid, change.new_oid, step))
        if len(found) >= MOST:
            break
    return found[:MOST]


def _compared(version: Version, text: str, now: _Now) -> Iterator[Note]:
    for name, old in _functions(text):
        docstring = ast.get_docstring(old, clean=False)
        new = now.functions.get(name)
        if not docstring or new is None:
            continue
        said = _said(docstring.strip(), old)
        kept = _said((ast.get_docstring(new, clean=False) or "").strip(), new) if said else {}
        for key, told in said.items():
            lost = key not in kept and _is_lost(key, told, new, now)
            lost = lost and _shape(old) == _shape(new)
            removed = version.step.oid if lost else ""
            yield Note(version.file.path, name, new.lineno, *key, removed)


def _is_lost(key: Key, told: Sequence[str], new: Def, now: _Now) -> bool:
    """Whether something that a docstring no longer says is said nowhere else in the file."""
    kind, name = key
    if kind == "args" and name not in {each.arg for each in _parameters(new)}:
        return False
    return sum(word in now.words for word in told) < _KEPT * len(told)


def _said(docstring: str, function: Def) -> dict[Key, list[str]]:
    """The words of notes, of warnings and of entries that say more than the signature."""
    parts = sections(docstring)
    found: dict[Key, list[str]] = {}
    for part in parts:
        if part.kind in {"warning", "note"} and part.text:
            found.setdefault((part.kind, ""), []).extend(words(part.text))
    hints = {each.arg: each.annotation for each in _parameters(function)}
    for entry in arguments(parts):
        if entry.name not in hints:
            continue
        hint = hints[entry.name]
        known = name_words(entry.name) | _names(hint)
        told = words(entry.text)
        if told and (hint is None or not set(told) <= known):
            found["args", entry.name] = told
    return found


def _parameters(function: Def) -> list[ast.arg]:
    given = function.args
    rest = [each for each in (given.vararg, given.kwarg) if each is not None]
    return [*given.posonlyargs, *given.args, *given.kwonlyargs, *rest]


def _names(expr: ast.expr | None) -> set[str]:
    """The words of an annotation."""
    found: set[str] = set()
    for node in ast.walk(expr) if expr is not None else ():
        if isinstance(node, ast.Name):
            found |= name_words(node.id)
        elif isinstance(node, ast.Attribute):
            found |= name_words(node.attr)
    return found


def _functions(text: str) -> Iterator[tuple[str, Def]]:
    """The functions and methods of a file by qualified name."""
    module, *_ = parse(text, split_lines(text))
    stack: list[tuple[str, ast.AST]] = [("", module)] if module is not None else []
    while stack:
        prefix, node = stack.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{prefix}{child.name}", child
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                stack.append((f"{prefix}{child.name}.", child))
            elif isinstance(child, ast.stmt):
                stack.append((prefix, child))


def _shape(function: Def) -> list[object]:
    """The body of a function without its docstring; its own names are numbers."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    nodes = [node for statement in body for node in ast.walk(statement)]
    own = {each.arg: number for number, each in enumerate(_parameters(function))}
    for node in nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            own.setdefault(node.id, len(own))
    found: list[object] = []
    for node in nodes:
        if not isinstance(node, ast.expr_context | ast.Pass):
            found.append(type(node).__name__)
        if isinstance(node, ast.Name):
            found.append(own.get(node.id, node.id))
        else:
            found += [
                value
                for name, value in ast.iter_fields(node)
                if name != "kind" and isinstance(value, str | int | float | bytes | bool)
            ]
    return found
