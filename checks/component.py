"""One folder of a monorepo seen as a repository of its own.

Below the folder, paths lose its name; files of the root that govern the whole repository (CI,
hooks, recipes, ignore rules, ownership, documents) stay visible under their own names where the
folder has none, and so do the root's manifests where the folder has no manifest at all. A file
of the root whose name the folder has taken is seen as ``../NAME``; servers and hooks read their
configuration at the root only, so there the root's wins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from checks.errors import InputError
from checks.facts.leaks import Leaked
from checks.facts.remembered import RememberedEach
from checks.source import Change, Commit, Entry, LineChange, Source

ABOVE = "../"
_CI = (".github/", ".gitlab/", ".circleci/", ".woodpecker/")
_SHARED = (*_CI, ".husky/", "docs/", "doc/")
_CI_NAMES = frozenset(
    ".gitlab-ci.yml azure-pipelines.yml bitbucket-pipelines.yml Jenkinsfile .drone.yml "
    ".woodpecker.yml .pre-commit-config.yaml .pre-commit-config.yml prek.toml lefthook.yml".split()
)
_SHARED_NAMES = _CI_NAMES | frozenset(
    ".gitignore .gitattributes CODEOWNERS codecov.yml .codecov.yml uv.lock LICENSE .env.example "
    "Makefile justfile Taskfile.yml tox.ini mypy.ini ruff.toml .coveragerc mkdocs.yml "
    "renovate.json".split()
)
_SHARED_STEMS = re.compile(
    r"(?:README|CHANGELOG|CHANGES|HISTORY|NEWS|CONTRIBUTING)(?:[.-][\w-]+)*"
    r"|(?:docker-)?compose(?:[.-][\w.-]+)?\.ya?ml",
    re.IGNORECASE,
)
MANIFESTS = re.compile(r"pyproject\.toml|setup\.cfg|Pipfile|requirements[\w.-]*\.(?:txt|in)")
_LOCKS = frozenset({"poetry.lock", "pdm.lock", "Pipfile.lock"})


def has(source: Source, folder: str) -> bool:
    """Whether a commit has anything below a folder; "" is the whole repository."""
    return not folder or any(entry.path.startswith(f"{folder}/") for entry in source.tree())


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
        self._without_manifest = not any(MANIFESTS.fullmatch(path) for path in own)
        self._own = own
        seen = own | {
            name: entry
            for entry in entries
            if (name := self._shared_as(entry.path)) and not entry.path.startswith(self.prefix)
        }
        self._real = {path: entry.path for path, entry in seen.items()}
        self._entries = [
            msgspec.structs.replace(entry, path=path) for path, entry in sorted(seen.items())
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

    def line_changes(self, commits: Sequence[Commit]) -> Mapping[str, Sequence[LineChange]]:
        """Changed lines of the whole repository: the size of a commit is that of all of it."""
        return self._source.line_changes(commits)

    def leaks(self) -> Iterator[tuple[str, Sequence[Leaked]]]:
        """What commits may have given away in the component's files."""
        for oid, found in self._source.leaks():
            kept = [
                msgspec.structs.replace(each, path=each.path[len(self.prefix) :])
                for each in found
                if each.path.startswith(self.prefix)
            ]
            if kept:
                yield oid, kept

    def beside(self, limit: int) -> Sequence[Commit]:
        """Commits of other branches of the repository."""
        return self._source.beside(limit)

    def branches(self) -> Sequence[str]:
        """Branches of the repository."""
        return self._source.branches()

    def remembered[Record](self, kind: str, record: type[Record]) -> RememberedEach[Record]:
        """What belongs to blobs and commits of the repository."""
        return self._source.remembered(kind, record)

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
        name = self._shared_as(change.path)
        return msgspec.structs.replace(change, path=name) if name else None

    def _shared_as(self, path: str) -> str:
        """Under which name a file of the root is seen; "" when it is not."""
        manifest = MANIFESTS.fullmatch(path) is not None or path in _LOCKS
        if not (manifest or _is_shared(path)):
            return ""
        if path.startswith(_CI) or path in _CI_NAMES:
            return path
        taken = path in self._own or (manifest and not self._without_manifest)
        return f"{ABOVE}{path}" if taken else path


def _is_shared(path: str) -> bool:
    """Whether a file of the root speaks for every component."""
    if path.startswith(_SHARED) or path in _SHARED_NAMES:
        return True
    return _SHARED_STEMS.fullmatch(path) is not None
