"""The port through which a review reads a repository: tree, blobs, history. Nothing else.

Implementations: :mod:`checks.gitsource` (a bare mirror or a local checkout) and
:class:`checks.memorysource.MemorySource` (tests and uncommitted files).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

if TYPE_CHECKING:
    from checks.facts.leaks import Leaked
    from checks.facts.remembered import RememberedEach

type EntryKind = Literal["file", "executable", "symlink", "submodule"]


class Entry(msgspec.Struct, frozen=True):
    """One path of the tree. ``path`` is decoded with ``surrogateescape`` replaced visibly.

    ``size`` is in bytes, known before content is read; 0 for symlinks and submodules.
    """

    path: str
    oid: str
    kind: EntryKind
    size: int


class Change(msgspec.Struct, frozen=True, array_like=True):
    """One path that a commit changed. ``status`` is A, M, D or T; ids are "" where absent."""

    status: str
    path: str
    old_oid: str
    new_oid: str


class LineChange(msgspec.Struct, frozen=True, array_like=True):
    """How many lines of one file a commit changed against its first parent.

    ``old_path`` is the former path of a file that was moved, else "". A binary file counts 0.
    """

    path: str
    added: int
    deleted: int
    old_path: str = ""


class Commit(msgspec.Struct, frozen=True, array_like=True):
    """One commit. Both times are in seconds since the epoch, clamped to the years 1970 to 2200.

    ``time`` is the committer date. Names and messages are decoded with replacement; ``tags`` are
    the names of the tags that point here. The committer is the author unless somebody else, or a
    hosting service, put the commit where it is.
    """

    oid: str
    parents: tuple[str, ...]
    author: str
    email: str
    time: int
    author_time: int
    subject: str
    body: str
    tags: tuple[str, ...] = ()
    committer: str = ""
    committer_email: str = ""


class Source(Protocol):
    """What a repository offers at one commit."""

    @property
    def commit(self) -> str:
        """The hex id that is read; "" for uncommitted files."""
        ...

    @property
    def time(self) -> int:
        """Committer date of that commit (the evaluation date), seconds since the epoch."""
        ...

    @property
    def shallow(self) -> bool:
        """True when history is incomplete: checks on history are then not applicable."""
        ...

    def tree(self) -> Sequence[Entry]:
        """All tracked entries, sorted by path.

        Paths that no honest git would have written are left out and listed in :meth:`notes`.
        """
        ...

    def notes(self) -> Sequence[tuple[str, str]]:
        """(path, reason) of entries that were left out or are unusual, valid after :meth:`tree`."""
        ...

    def blobs(self, oids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Content of the blobs, in the order asked for; each id is verified against the answer.

        A blob that is too large to be read is left out; :attr:`Entry.size` tells beforehand.
        """
        ...

    def history(self) -> Sequence[Commit]:
        """Commits reachable from the commit, newest first, topological."""
        ...

    def mainline(self) -> Sequence[str]:
        """Ids of the first-parent chain, newest first."""
        ...

    def changes(self) -> Iterator[tuple[str, Sequence[Change]]]:
        """(commit id, changed paths against its first parent), newest first, streamed in one pass.

        Merge commits yield their changes against the first parent.
        """
        ...

    def line_changes(self, commits: Sequence[Commit]) -> Mapping[str, Sequence[LineChange]]:
        """Lines changed per file by each of these commits, by commit id; moves are recognised."""
        ...

    def leaks(self) -> Iterator[tuple[str, Sequence[Leaked]]]:
        """(commit id, what it may have given away), newest first; commits with nothing left out.

        Lock files, images and other files that hold no text of a person are not looked through.
        """
        ...

    def beside(self, limit: int) -> Sequence[Commit]:
        """Commits of branches that are not reachable from the commit, newest first."""
        ...

    def branches(self) -> Sequence[str]:
        """Names of the branches the remote has, without prefix."""
        ...

    def remembered[Record](self, kind: str, record: type[Record]) -> RememberedEach[Record]:
        """What reviews find out about single blobs or commits, kept where facts are kept.

        Args:
            kind: A name of its own for each kind of record.
            record: Type of a record.
        """
        ...

    def surroundings(self) -> str:
        """Digest of what a review can see beside the commit: branches, tags, shallowness."""
        ...
