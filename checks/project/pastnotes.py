"""What docstrings of functions said earlier on the mainline, and what of it is gone.

Compared are notes, warnings and entries of arguments of functions that are still there with the
same body. Versions of files are read newest first, and of long histories not all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from checks.facts import tree
from checks.facts.pastfunctions import Documented, Hinted
from checks.facts.text import decode
from checks.project.docstrings import arguments, sectioned, sections
from checks.project.rows import Function
from checks.project.wording import name_words, words

if TYPE_CHECKING:
    from checks.project.subjects import File
    from checks.project.trunk import Pair, Step, Trunk

MOST = 1_000
"""Earlier versions of files that are read."""
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
type Lines = set[bytes]

_DOCUMENTED = msgspec.msgpack.Decoder(list[Documented])
_SHAPES = msgspec.msgpack.Decoder(list[tuple[str, bytes]])


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


class Said(msgspec.Struct, frozen=True, array_like=True):
    """What an old version of a file said of a function that is still there.

    Attributes:
        function: Its qualified name.
        line: Its line now.
        kind: As in :class:`Note`.
        name: As in :class:`Note`.
        lost: The file says it no longer, and the function does what it did.
    """

    function: str
    line: int
    kind: str
    name: str
    lost: bool


def notes(trunk: Trunk) -> list[Note]:
    """Everything that functions of production files say, or said and no longer say."""
    found = {
        (note.path, note.function, (note.kind, note.name)): note
        for file in trunk.project.production
        for note in _present(file)
    }
    told = _telling(trunk, _versions(trunk))
    past = trunk.project.source.remembered("past notes", tuple[Said, ...])
    pairs = [f"{each.oid}:{each.file.oid}" for each in told]
    known = past.records(pairs, lambda missing: _compared(trunk, [_pair(each) for each in missing]))
    for version, pair in zip(told, pairs, strict=True):
        for said in known[pair]:
            removed = version.step.oid if said.lost else ""
            path = version.file.path
            note = Note(path, said.function, said.line, said.kind, said.name, removed)
            found.setdefault((path, said.function, (said.kind, said.name)), note)
    return list(found.values())


def _pair(name: str) -> Pair:
    old, _, new = name.partition(":")
    return old, new


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


def _telling(trunk: Trunk, versions: Sequence[Version]) -> list[Version]:
    """The versions that lost prose; those that a review has compared are not read again."""
    names = {(each.oid, each.new_oid): each.file.path for each in versions}

    def read(missing: Sequence[str]) -> Iterator[tuple[str, bool]]:
        pairs = [_pair(name) for name in missing]
        before: dict[str, Lines] = {}
        for name, pair, texts in zip(missing, pairs, trunk.compared(pairs), strict=True):
            # What one change of a file made is what the change before it began with.
            lines = {oid: before.get(oid) or set(text.splitlines())
                     for oid, text in zip(pair, texts, strict=True)}  # fmt: skip
            yield name, _loses_words(texts[0], lines[pair[0]] - lines[pair[1]])
            before = lines

    lost = trunk.project.source.remembered("lost prose", bool)
    # One file after the other, so that few of their versions are held at a time.
    known = lost.records([":".join(pair) for pair in sorted(names, key=names.__getitem__)], read)
    return [each for each in versions if known[f"{each.oid}:{each.new_oid}"]]


def _loses_words(old: bytes, gone: Lines) -> bool:
    """Whether a file with notes loses a line that may be prose: cheaper to see than by parsing."""
    if not any(_PROSE.fullmatch(line.strip()) for line in gone):
        return False
    return _PART.search(old) is not None


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


def _compared(trunk: Trunk, pairs: Sequence[Pair]) -> Iterator[tuple[str, tuple[Said, ...]]]:
    """What old versions said, each beside the blob that its file is now."""
    functions = _Functions(trunk, pairs)
    texts = trunk.texts(now for _, now in pairs)
    spoken: dict[str, set[str]] = {}
    for old, now in pairs:
        if now not in spoken:
            spoken[now] = set(words(decode(texts.get(now, b"")).text))
        yield f"{old}:{now}", tuple(_said_of(functions, (old, now), spoken[now]))


class _Functions:
    """The functions of versions, and whether their bodies are the same."""

    def __init__(self, trunk: Trunk, pairs: Sequence[Pair]) -> None:
        self._trunk = trunk
        self._oids = dict.fromkeys(oid for pair in pairs for oid in pair)
        found = trunk.analysed("docstrings", self._oids)
        self._of = {oid: _DOCUMENTED.decode(data) for oid, data in found.items()}
        self._shapes: dict[str, dict[str, list[bytes]]] = {}

    def of(self, oid: str) -> Sequence[Documented]:
        """All functions of a version."""
        return self._of.get(oid, ())

    def shapes(self, oid: str) -> Mapping[str, Sequence[bytes]]:
        """Digests of bodies by qualified name; made for the few versions that lost something."""
        if oid not in self._shapes:
            found = self._shapes[oid] = {}
            for data in self._trunk.analysed("shapes", [oid]).values():
                for name, digest in _SHAPES.decode(data):
                    found.setdefault(name, []).append(digest)
        return self._shapes[oid]


def _said_of(functions: _Functions, pair: Pair, spoken: set[str]) -> Iterator[Said]:
    old, now = pair
    current = {each.name: each for each in functions.of(now)}
    seen: dict[str, int] = {}
    for function in functions.of(old):
        place = seen[function.name] = seen.get(function.name, -1) + 1
        new = current.get(function.name)
        if not function.docstring or new is None:
            continue
        said = _said(function)
        kept = _said(new) if said else {}
        for key, told in said.items():
            lost = key not in kept and _is_lost(key, told, new, spoken)
            if lost:
                was = functions.shapes(old)[function.name][place]
                lost = was == functions.shapes(now)[function.name][-1]
            yield Said(function.name, new.line, *key, lost)


def _is_lost(key: Key, told: Sequence[str], new: Documented, spoken: set[str]) -> bool:
    """Whether something that a docstring no longer says is said nowhere else in the file."""
    kind, name = key
    if kind == "args" and name not in {each.name for each in new.params}:
        return False
    return sum(word in spoken for word in told) < _KEPT * len(told)


def _said(function: Documented) -> dict[Key, list[str]]:
    """The words of notes, of warnings and of entries that say more than the signature."""
    parts = sections(function.docstring)
    found: dict[Key, list[str]] = {}
    for part in parts:
        if part.kind in {"warning", "note"} and part.text:
            found.setdefault((part.kind, ""), []).extend(words(part.text))
    params = {each.name: each for each in function.params}
    for entry in arguments(parts):
        param = params.get(entry.name)
        if param is None:
            continue
        told = words(entry.text)
        if told and (param.hint is None or not set(told) <= _known(param)):
            found["args", entry.name] = told
    return found


def _known(param: Hinted) -> set[str]:
    """The words of a parameter's name and of its annotation."""
    return set().union(*(name_words(name) for name in (param.name, *(param.hint or ()))))
