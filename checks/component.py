"""One folder of a monorepo seen as a repository of its own.

Below the folder, paths lose its name; files of the root that govern the whole repository (CI,
hooks, ignore rules, ownership) stay visible under their own names where the folder has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from checks.errors import InputError
from checks.source import Change, Commit, Entry, Source

_SHARED = (".github/", ".gitlab/", ".circleci/", ".woodpecker/")
_SHARED_NAMES = frozenset(
    ".gitignore .gitattributes .gitlab-ci.yml .pre-commit-config.yaml .pre-commit-config.yml "
    "CODEOWNERS azure-pipelines.yml bitbucket-pipelines.yml Jenkinsfile codecov.yml .codecov.yml "
    "uv.lock LICENSE lefthook.yml .env.example".split()
)


class ComponentSource:
    """A source below one folder.

    Args:
        source: The whole repository.
        folder: Repository-relative folder without trailing slash.

    Raises:
        InputError: No tracked file lies below the folder.
    """

    def __init__(self, source: Source, folder: str) -> None:
        self._source = source
        self.prefix = folder.strip("/") + "/"
        entries = source.tree()
        own = {e.path[len(self.prefix) :]: e for e in entries if e.path.startswith(self.prefix)}
        if not own:
            raise InputError(f"No tracked file lies below {folder!r}: name another component.")
        shared = {e.path: e for e in entries if _is_shared(e.path) and e.path not in own}
        self._real = {path: entry.path for path, entry in {**shared, **own}.items()}
        self._entries = [
            msgspec.structs.replace(entry, path=path)
            for path, entry in sorted({**shared, **own}.items())
        ]

    @property
    def commit(self) -> str:
        """The commit of the whole repository."""
        return self._source.commit

    @property
    def time(self) -> int:
        """The evaluation date."""
        return self._source.time

    @property
    def shallow(self) -> bool:
        """Whether history is incomplete."""
        return self._source.shallow

    def tree(self) -> Sequence[Entry]:
        """Entries of the component, and of the root those that govern it."""
        return self._entries

    def notes(self) -> Sequence[tuple[str, str]]:
        """Notes about paths of the component, under their full names."""
        return [note for note in self._source.notes() if note[0].startswith(self.prefix)]

    def blobs(self, oids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Content of blobs."""
        return self._source.blobs(oids)

    def history(self) -> Sequence[Commit]:
        """History of the whole repository: commits are made in common."""
        return self._source.history()

    def mainline(self) -> Sequence[str]:
        """First-parent chain."""
        return self._source.mainline()

    def changes(self) -> Iterator[tuple[str, Sequence[Change]]]:
        """Changes of the component's paths, those of the root's shared files among them."""
        for oid, changes in self._source.changes():
            kept = [change for each in changes if (change := self._seen(each)) is not None]
            yield oid, kept

    def branches(self) -> Sequence[str]:
        """Branches of the repository."""
        return self._source.branches()

    def surroundings(self) -> str:
        """Digest of what is beside the commit."""
        return self._source.surroundings()

    def real_path(self, path: str) -> str:
        """The repository-relative path of a path as seen here."""
        known = self._real.get(path)
        if known is not None:
            return known
        return f"{self.prefix}{path}" if path else ""

    def _seen(self, change: Change) -> Change | None:
        if change.path.startswith(self.prefix):
            return msgspec.structs.replace(change, path=change.path[len(self.prefix) :])
        return change if _is_shared(change.path) else None


def _is_shared(path: str) -> bool:
    return path.startswith(_SHARED) or path in _SHARED_NAMES
