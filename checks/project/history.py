"""The history as checks on it see it: who wrote, what was merged, how large commits are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from checks.project.layout import excluded_path
from checks.source import Commit

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.source import LineChange

_BOTS = re.compile(
    r"\[bot\]|^(dependabot|renovate|pre-commit-ci|github-actions)\b|[-_ ]bot$", re.IGNORECASE
)
_VERSION = r"v?\d+\.\d+(?:\.\d+)?\w*(?:[-.+]\w+)*"
_RELEASE = re.compile(
    rf"(?:(?:release|version|tag|cut|publish|prepare(?: for)?(?: release)?"
    rf"|bump(?:ed|s)?(?: (?:the )?version)?(?: (?:from \S+ )?to)?)[: ]\s*)?"
    rf"(?:(?:release|version)\s+)?{_VERSION}(?:\s*(?:→|[-=]>|to)\s*{_VERSION})?\W*$"
    r"|version bump\b|(?:bump|bumped|bumps|increase|increment|raise)\s+"
    r"(?:(?:the|package|project|app)\s+)?version\b(?! of\b)"
    r"|prepare\s+(?:for\s+)?(?:the\s+)?(?:next\s+)?release\b",
    re.IGNORECASE,
)
_RELEASE_TYPE = re.compile(r"\w+\(release\)!?:|release:", re.IGNORECASE)
_TYPE = re.compile(r"\w+(?:\([^()]*\))?!?:\s*")
_NUMBER = re.compile(r"\s*\([#!]\d+\)$")
_GENERATED = re.compile(
    r"(?:^|/)(?:uv|poetry|pdm|pipfile|cargo|composer|yarn|flake|pixi|gemfile)\.lock$"
    r"|(?:^|/)(?:package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|bun\.lockb?|go\.sum"
    r"|conda-lock\.ya?ml|pylock[\w.]*\.toml)$|\.min\.(?:js|css)$|_pb2(?:_grpc)?\.pyi?$|\.map$"
    r"|(?:^|/)(?:openapi|swagger|schema)\.(?:json|ya?ml)$|\.(?:svg|snap|ipynb|pot?)$"
    r"|(?:^|/)(?:generated|__generated__|__snapshots__|\.openapi-generator)/|\.gen\.\w+$",
    re.IGNORECASE,
)


class Segment(msgspec.Struct, frozen=True):
    """A commit of the mainline, and what it brought there beside itself."""

    tip: Commit
    brought: tuple[Commit, ...]


class Size(msgspec.Struct, frozen=True):
    """How much a commit changes, without lock files, generated and vendored ones, and moves."""

    lines: int
    paths: tuple[str, ...]


def is_bot(commit: Commit) -> bool:
    """Whether a commit was made by a bot."""
    return bool(_BOTS.search(commit.author) or _BOTS.search(commit.email.partition("@")[0]))


def is_revert(commit: Commit) -> bool:
    """Whether a commit takes another one back."""
    return commit.subject.lower().startswith(("revert ", "revert:", "revert(", "reapply "))


def is_release(commit: Commit) -> bool:
    """Whether a commit does nothing but release a version."""
    subject = _NUMBER.sub("", commit.subject.strip())
    return bool(_RELEASE_TYPE.match(subject) or _RELEASE.match(plain(subject)))


def plain(subject: str) -> str:
    """A subject without its conventional type and the number of its pull request."""
    return _NUMBER.sub("", _TYPE.sub("", subject.strip(), count=1)).strip()


class History:
    """The commits of a project, newest first."""

    def __init__(self, project: Project) -> None:
        self.project = project

    @property
    def commits(self) -> Sequence[Commit]:
        """All commits."""
        return self.project.source.history()

    def own(self, most: int) -> list[Commit]:
        """Those of the last ``most`` commits that a person wrote: no merge, bot or revert."""
        return [
            commit
            for commit in self.commits[:most]
            if len(commit.parents) < 2 and not is_bot(commit) and not is_revert(commit)
        ]

    def segments(self) -> Iterator[Segment]:
        """Commits of the mainline, each with what it merged."""
        mainline = set(self.project.source.mainline())
        tip: Commit | None = None
        brought: list[Commit] = []
        for commit in self.commits:
            if commit.oid in mainline:
                if tip is not None:
                    yield Segment(tip, tuple(brought))
                tip, brought = commit, []
            else:
                brought.append(commit)
        if tip is not None:
            yield Segment(tip, tuple(brought))

    @cached_property
    def people(self) -> int:
        """How many people wrote commits; one name or one address is one person."""
        seen = {(commit.author, commit.email): commit for commit in self.commits}
        leader: dict[str, str] = {}

        def found(key: str) -> str:
            while leader.setdefault(key, key) != key:
                key = leader[key]
            return key

        for (author, email), commit in seen.items():
            if not is_bot(commit):
                leader[found(f"name {author.casefold()}")] = found(f"mail {email.casefold()}")
        return sum(1 for key in list(leader) if found(key) == key)

    def sizes(self, commits: Sequence[Commit]) -> dict[str, Size]:
        """How much each of some commits changes, by its id; a file that was moved counts not."""
        changes = self.project.source.line_changes(commits)
        return {oid: self._size(rows) for oid, rows in changes.items()}

    def _size(self, rows: Sequence[LineChange]) -> Size:
        kept = [row for row in rows if not self._made(row.path) and not _is_move(row)]
        lines = sum(row.added + row.deleted for row in kept)
        return Size(lines, tuple(row.path for row in kept))

    def _made(self, path: str) -> bool:
        """Whether nobody wrote a file by hand: a lock, generated or vendored."""
        return _GENERATED.search(path) is not None or excluded_path(path) or path in self._marked

    @cached_property
    def _marked(self) -> frozenset[str]:
        """Files that say in their first lines that they are generated."""
        return frozenset(file.path for file in self.project.files if file.is_excluded)


def _is_move(row: LineChange) -> bool:
    return bool(row.old_path) and not row.added and not row.deleted
