"""The port to a repository over what lies in memory: uncommitted files, and files of tests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from checks.facts.leaks import Leaked
from checks.facts.remembered import RememberedEach
from checks.source import Change, Commit, Entry, LineChange, Source


def blob_id(content: bytes, *, digits: int = 40) -> str:
    """The id that git gives a file with this content, in a repository with ids of 40 or 64 digits.

    So a fact about an uncommitted file is found again once that file is committed.
    """
    header = b"blob %d\0" % len(content)
    if digits == 64:
        return hashlib.sha256(header + content).hexdigest()
    return hashlib.sha1(header + content, usedforsecurity=False).hexdigest()


class MemorySource:
    """Files that no commit holds, with the history of another source below them.

    Args:
        entries: The files.
        contents: Content by blob id; a blob that is not there is too large to be read.
        time: Evaluation date in seconds since the epoch.
        below: Where history comes from; None for a repository without a commit.
        notes: (path, reason) of files that were left out or are not read.
    """

    def __init__(
        self,
        entries: Iterable[Entry],
        contents: Mapping[str, bytes],
        *,
        time: int,
        below: Source | None = None,
        notes: Sequence[tuple[str, str]] = (),
    ) -> None:
        self.commit = ""
        self.time = time
        self.shallow = below.shallow if below else False
        self._entries = sorted(entries, key=lambda entry: entry.path)
        self._contents = contents
        self._below = below
        self._notes = notes

    @classmethod
    def of(cls, files: Mapping[str, str | bytes], *, time: int) -> MemorySource:
        """A source of plain files, given as path and content, without a history."""
        entries: list[Entry] = []
        contents: dict[str, bytes] = {}
        for path, given in files.items():
            content = given.encode() if isinstance(given, str) else given
            entry = Entry(path=path, oid=blob_id(content), kind="file", size=len(content))
            entries.append(entry)
            contents[entry.oid] = content
        return cls(entries, contents, time=time)

    def tree(self) -> Sequence[Entry]:
        """All files, sorted by path."""
        return self._entries

    def notes(self) -> Sequence[tuple[str, str]]:
        """(path, reason) of files that were left out or are not read."""
        return self._notes

    def blobs(self, oids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Content of the blobs, in the order asked for; older ones come from history."""
        older: list[str] = []
        for oid in oids:
            content = self._contents.get(oid)
            if content is None:
                older.append(oid)
                continue
            # What was asked before comes first.
            yield from self._older(older)
            older = []
            yield oid, content
        yield from self._older(older)

    def history(self) -> Sequence[Commit]:
        """Commits below the uncommitted files, newest first."""
        return self._below.history() if self._below else ()

    def mainline(self) -> Sequence[str]:
        """Ids of the first-parent chain, newest first."""
        return self._below.mainline() if self._below else ()

    def changes(self) -> Iterator[tuple[str, Sequence[Change]]]:
        """(commit id, changed paths against its first parent), newest first."""
        if self._below:
            yield from self._below.changes()

    def line_changes(self, commits: Sequence[Commit]) -> Mapping[str, Sequence[LineChange]]:
        """Lines changed per file by each of these commits."""
        return self._below.line_changes(commits) if self._below else {}

    def leaks(self) -> Iterator[tuple[str, Sequence[Leaked]]]:
        """(commit id, what it may have given away) of commits below the uncommitted files."""
        if self._below:
            yield from self._below.leaks()

    def beside(self, limit: int) -> Sequence[Commit]:
        """Commits of other branches."""
        return self._below.beside(limit) if self._below else ()

    def branches(self) -> Sequence[str]:
        """Names of the branches the remote has."""
        return self._below.branches() if self._below else ()

    def remembered[Record](self, kind: str, record: type[Record]) -> RememberedEach[Record]:
        """What belongs to the blobs and commits below the uncommitted files."""
        if self._below:
            return self._below.remembered(kind, record)
        return RememberedEach(None, kind, record)

    def surroundings(self) -> str:
        """Digest of what is beside the commit."""
        return self._below.surroundings() if self._below else ""

    def _older(self, oids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        unread = {entry.oid for entry in self._entries}
        wanted = [oid for oid in oids if oid not in unread]
        if wanted and self._below:
            yield from self._below.blobs(wanted)
