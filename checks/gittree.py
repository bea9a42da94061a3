"""The tree of a commit, walked by ourselves, since a hostile one must cost one note, not the tree.

Listing programs print whatever is there: ``..``, ``.GIT``, names with slashes, ten folders of ten
folders nested twelve times, a hundred thousand levels. Here every entry is looked at before its
folder is opened, each distinct tree object is read once, and limits end the walk early.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from checks.errors import DamagedRepository
from checks.gitread import BATCH, Objects, label, objects
from checks.source import Entry, EntryKind

MAX_FILES = 60_000
MAX_BLOB_BYTES = 512 << 20
MAX_DEPTH = 200
MAX_PATH_BYTES = 1024
MAX_NOTES = 1_000
MAX_TREE_BYTES = 64 << 20

_ENTRY = {
    40: re.compile(rb"([0-7]{5,6}) ([^\0]*)\0(.{20})", re.S),
    64: re.compile(rb"([0-7]{5,6}) ([^\0]*)\0(.{32})", re.S),
}
_LOOKS_ESCAPED = re.compile(r"\\x[0-9a-f]{2}")
# Characters that HFS+ drops when it compares names.
_IGNORED_BY_HFS = dict.fromkeys(
    [*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF]
)


class Tree(msgspec.Struct, frozen=True):
    """What one commit contains.

    Attributes:
        entries: Files, symlinks and submodules, sorted by path.
        notes: (path, reason) of what was left out or is unusual.
        unread: Ids of blobs that do not fit into the limit on bytes; the largest go first.
    """

    entries: tuple[Entry, ...]
    notes: tuple[tuple[str, str], ...]
    unread: frozenset[str]


class _Found(msgspec.Struct, frozen=True):
    """A path with its id, before sizes are known."""

    path: str
    oid: str
    kind: EntryKind


def read_tree(git_dir: Path, root: str, *, max_files: int, max_bytes: int) -> Tree:
    """Walk the tree object ``root`` (a hex id).

    Args:
        git_dir: The repository.
        root: Hex id of the tree object.
        max_files: Entries after which the walk stops with a note.
        max_bytes: Sum of blob sizes after which the largest blobs are left unread.

    Raises:
        DamagedRepository: A tree is missing.
    """
    with (
        objects(git_dir, contents=False) as sizes_of,
        objects(git_dir, contents=True) as contents_of,
    ):
        walk = _Walk(git_dir, max_files, sizes_of, contents_of)
        walk.run(root)
        sizes, missing = _sizes(walk.found, sizes_of)
    entries = [
        Entry(path=each.path, oid=each.oid, kind=each.kind, size=sizes.get(each.oid, 0))
        for each in walk.found
    ]
    entries.sort(key=lambda entry: entry.path)
    unread = _too_much(sizes, max_bytes)
    if unread:
        walk.note("", f"more than {max_bytes >> 20} MiB: the largest files are not read")
        for entry in entries:
            if entry.oid in unread:
                walk.note(entry.path, "not read: the repository is over the limit on bytes")
    for entry in entries:
        if entry.oid in missing:
            walk.note(entry.path, "not read: its content is missing from this clone")
    return Tree(tuple(entries), tuple(walk.notes), unread | missing)


def _sizes(found: Sequence[_Found], sizes_of: Objects) -> tuple[dict[str, int], frozenset[str]]:
    """Sizes in bytes of all distinct blobs, and those that a partial clone does not have."""
    oids = dict.fromkeys(each.oid for each in found if each.kind in ("file", "executable"))
    sizes: dict[str, int] = {}
    missing: set[str] = set()
    for oid, kind, size, _ in sizes_of.ask(oids):
        if kind == "blob":
            sizes[oid] = size
        else:
            missing.add(oid)
    return sizes, frozenset(missing)


def _too_much(sizes: dict[str, int], max_bytes: int) -> frozenset[str]:
    """The largest blobs, as many as have to go until the rest fits."""
    total = sum(sizes.values())
    gone: list[str] = []
    if total > max_bytes:
        for oid, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
            if total <= max_bytes:
                break
            gone.append(oid)
            total -= size
    return frozenset(gone)


class _Walk:
    """Breadth first over tree objects, a level's trees asked for together."""

    def __init__(
        self, git_dir: Path, max_files: int, sizes_of: Objects, contents_of: Objects
    ) -> None:
        self.found: list[_Found] = []
        self.notes: list[tuple[str, str]] = []
        self._git_dir = git_dir
        self._max_files = max_files
        self._sizes_of = sizes_of
        self._contents_of = contents_of
        self._full = False

    def note(self, path: str, reason: str) -> None:
        """Remember what is unusual; a flood of oddities is cut, with a last word on that."""
        if len(self.notes) < MAX_NOTES:
            self.notes.append((path, reason))
        elif len(self.notes) == MAX_NOTES:
            self.notes.append(("", f"more than {MAX_NOTES} entries are unusual"))

    def run(self, root: str) -> None:
        level: list[tuple[str, bytes, str]] = [("", b"", root)]
        depth = folders = 0
        while level and not self._full:
            folders += len(level)
            if folders > self._max_files:
                self._stop()
                return
            if depth > MAX_DEPTH:
                for path, _, _ in level:
                    self.note(path, f"left out: nested deeper than {MAX_DEPTH} folders")
                return
            level = self._level(level)
            depth += 1

    def _level(self, level: Sequence[tuple[str, bytes, str]]) -> list[tuple[str, bytes, str]]:
        below: list[tuple[str, bytes, str]] = []
        for start in range(0, len(level), BATCH):
            some = level[start : start + BATCH]
            contents = self._contents([oid for _, _, oid in some])
            for path, raw_path, oid in some:
                below.extend(self._folder(path, raw_path, contents[oid], len(oid)))
                if self._full or len(below) > self._max_files:
                    self._stop()
                    return []
        return below

    def _contents(self, oids: Sequence[str]) -> dict[str, bytes]:
        wanted = list(dict.fromkeys(oids))
        sizes = {oid: (kind, size) for oid, kind, size, _ in self._sizes_of.ask(wanted)}
        total = 0
        for oid, (kind, size) in sizes.items():
            total += size
            if kind != "tree" or total > MAX_TREE_BYTES:
                raise DamagedRepository(
                    f"A folder of {label(self._git_dir)} is missing or too large to be read "
                    f"(object {oid[:12]}): make a new, full clone of the repository."
                )
        return {oid: content for oid, _, _, content in self._contents_of.ask(wanted)}

    def _folder(
        self, path: str, raw_path: bytes, content: bytes, digits: int
    ) -> Iterator[tuple[str, bytes, str]]:
        """List one folder; yields its sub-folders."""
        prefix, raw_prefix = (f"{path}/", raw_path + b"/") if raw_path else ("", b"")
        seen: set[bytes] = set()
        end = 0
        for match in _ENTRY[digits].finditer(content):
            if match.start() != end:
                break
            end = match.end()
            mode, name, oid = match.groups()
            shown = prefix + _shown(name)
            if fault := _fault(name, len(raw_prefix) + len(name), name in seen):
                self.note(shown[: MAX_PATH_BYTES * 4], f"left out: {fault}")
                continue
            seen.add(name)
            if int(mode, 8) & 0o170000 == 0o040000:
                yield shown, raw_prefix + name, oid.hex()
            elif len(self.found) >= self._max_files:
                self._stop()
                return
            else:
                self.found.append(_Found(shown, oid.hex(), _kind(int(mode, 8))))
        if end != len(content):
            self.note(path, "left out: the rest of this folder is not readable")

    def _stop(self) -> None:
        if not self._full:
            self._full = True
            self.note("", f"more than {self._max_files} files: the rest is not looked at")


def _kind(mode: int) -> EntryKind:
    kind = mode & 0o170000
    if kind == 0o120000:
        return "symlink"
    if kind == 0o160000:
        return "submodule"
    return "executable" if mode & 0o111 else "file"


def _fault(name: bytes, length: int, repeated: bool) -> str:
    """Why an entry cannot have been written by an honest git, or ""."""
    if not name or b"/" in name:
        return "not a file name"
    if name in (b".", b".."):
        return "leads out of its folder"
    if repeated:
        return "the same name twice in one folder"
    if length > MAX_PATH_BYTES:
        return f"path longer than {MAX_PATH_BYTES} bytes"
    # On some systems a backslash separates folders.
    for part in name.split(b"\\"):
        if part == b".." or is_dot_git(part.decode("utf-8", "replace")):
            return "stands for git's own folder, or leads out of its own"
    return ""


def is_dot_git(name: str) -> bool:
    """Whether some file system takes ``name`` for ``.git``."""
    lowered = name.translate(_IGNORED_BY_HFS).lower()
    stem = lowered.split(":", 1)[0].rstrip(". ")
    return stem in (".git", "git~1")


def shown_path(path: bytes) -> str:
    """A whole path as text, written as :func:`read_tree` writes it."""
    if b"\\" not in path:
        try:
            return path.decode("utf-8")
        except UnicodeDecodeError:
            pass
    return "/".join(map(_shown, path.split(b"/")))


def _shown(name: bytes) -> str:
    r"""A file name as text; different bytes always give different text.

    Bytes that are no UTF-8 are written ``\xNN``. A name that contains such text of its own has its
    backslashes written as ``\x5c``, as has every name in which something was written that way.
    """
    try:
        text = name.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if text and not _LOOKS_ESCAPED.search(text):
        return text
    return name.replace(b"\\", b"\\x5c").decode("utf-8", "backslashreplace")
