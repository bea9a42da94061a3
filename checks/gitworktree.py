"""Uncommitted files of a checkout: what git tracks there and what it would, as it is on disk."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from checks.errors import EmptyRepository, NotARepository
from checks.facts.store import FactStore
from checks.gitread import git_dir_of, output
from checks.gitsource import MAX_ONE_BLOB, GitSource, resolve
from checks.gittree import MAX_BLOB_BYTES, MAX_FILES, MAX_NOTES, shown_path
from checks.memorysource import MemorySource, blob_id
from checks.source import Entry, EntryKind


def worktree(folder: Path, *, remember: FactStore | None = None) -> MemorySource:
    """The files of a checkout as they are now, on top of the history of its HEAD.

    Files count that git tracks or that it does not ignore. Links are listed and not followed.

    Args:
        folder: The checkout.
        remember: Where history is kept between reviews.

    Raises:
        NotARepository: ``folder`` is no git repository, or one without files.
        RepositoryError: The repository cannot be read.
    """
    git_dir = git_dir_of(folder)
    if git_dir == folder.absolute():
        raise NotARepository(f"{folder} has no files of its own: name a revision of it instead.")
    try:
        below = GitSource(git_dir, resolve(git_dir), remember=remember)
    except EmptyRepository:
        return _Files(folder, git_dir, digits=40).source(None)
    return _Files(folder, git_dir, digits=len(below.commit)).source(below)


class _Files:
    """Reads the files of a checkout within the limits of a tree."""

    def __init__(self, folder: Path, git_dir: Path, *, digits: int) -> None:
        self._folder = Path(os.path.realpath(folder))
        self._git_dir = git_dir
        self._digits = digits
        self._entries: list[Entry] = []
        self._contents: dict[str, bytes] = {}
        self._notes: list[tuple[str, str]] = []
        self._bytes = 0

    def source(self, below: GitSource | None) -> MemorySource:
        for path, submodule in self._listed():
            if len(self._entries) >= MAX_FILES:
                self._note("", f"more than {MAX_FILES} files: the rest is not looked at")
                break
            if submodule:
                self._entries.append(Entry(shown_path(path), submodule, "submodule", 0))
            else:
                self._add(path)
        return MemorySource(
            self._entries,
            self._contents,
            time=below.time if below else int(time.time()),
            below=below,
            notes=self._notes,
        )

    def _listed(self) -> Iterator[tuple[bytes, str]]:
        """(path, id of the submodule or "") of tracked files, then of untracked ones."""
        where = [f"--work-tree={self._folder}", "ls-files", "-z", "--full-name"]
        seen: set[bytes] = set()
        for line in output(self._git_dir, [*where, "--stage"]).split(b"\0")[:-1]:
            head, path = line.split(b"\t", 1)
            mode, oid, _ = head.decode("ascii").split(" ")
            if path not in seen:
                seen.add(path)
                yield path, oid if mode == "160000" else ""
        others = output(self._git_dir, [*where, "--others", "--exclude-standard"])
        for path in others.split(b"\0")[:-1]:
            # A folder that is a repository of its own ends with a slash.
            if not path.endswith(b"/"):
                yield path, ""

    def _add(self, path: bytes) -> None:
        shown = shown_path(path)
        place = os.path.join(os.fsencode(self._folder), path)  # noqa: PTH118 - bytes
        # A folder may have been replaced by a link after its files were tracked.
        parent = os.path.dirname(place)  # noqa: PTH120 - bytes
        if os.path.realpath(parent) != parent:
            return
        try:
            found = os.lstat(place)
            if stat.S_ISLNK(found.st_mode):
                target = os.readlink(place)  # noqa: PTH115 - bytes
                self._entries.append(
                    Entry(shown, blob_id(target, digits=self._digits), "symlink", 0)
                )
            elif stat.S_ISREG(found.st_mode):
                self._read(place, shown, found)
        except FileNotFoundError:
            return  # tracked, and deleted without a commit
        except OSError as error:
            self._note(shown, f"left out: not readable ({error.strerror})")

    def _read(self, place: bytes, shown: str, found: os.stat_result) -> None:
        kind: EntryKind = "executable" if found.st_mode & 0o100 else "file"
        if found.st_size > MAX_ONE_BLOB or self._bytes + found.st_size > MAX_BLOB_BYTES:
            # No content, so no id either: the path stands for it.
            oid = blob_id(place, digits=self._digits)
            self._entries.append(Entry(shown, oid, kind, found.st_size))
            self._note(shown, "not read: too large")
            return
        descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            content = file.read(MAX_ONE_BLOB)
        oid = blob_id(content, digits=self._digits)
        self._bytes += len(content)
        self._contents[oid] = content
        self._entries.append(Entry(shown, oid, kind, len(content)))

    def _note(self, path: str, reason: str) -> None:
        if len(self._notes) < MAX_NOTES:
            self._notes.append((path, reason))
