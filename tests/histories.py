"""Repositories written commit by commit, for tests of what happened when."""

from __future__ import annotations

from pathlib import Path

from checks.gitsource import GitSource
from tests.rawgit import RawRepository


class History:
    """A repository that is written commit by commit; each has an author of its own."""

    def __init__(self, folder: Path) -> None:
        self.raw = RawRepository(folder)
        self._times = iter(range(1_700_000_000, 1_800_000_000, 1000))

    def commit(self, author: str, *parents: str, **files: str) -> str:
        entries = [
            ("100644", f"{name}.py".encode(), self.raw.blob(text.encode()))
            for name, text in sorted(files.items())
        ]
        person = f"{author} <{author}@example.org> {next(self._times)} +0000".encode()
        return self.raw.commit(self.raw.tree(entries), parents, author=person, committer=person)

    def at(self, oid: str) -> GitSource:
        return GitSource(self.raw.git_dir, oid)
