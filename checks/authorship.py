"""Which commit last changed a file: who brought a finding, and who took it away.

Told from the history that a review reads anyway, newest first, without blame: within the range of
two scans it is the last commit that touched the file; for a first scan the search goes on until
the file's present content came, through renames that changed nothing else. Where an older commit
touched the file as well, it may have been that one: this is said, not guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from checks.source import Change, Commit, Source

ABOUT_COMMIT = "commit:"
"""What the symbol of a finding begins with that is about one commit."""

type Touched = tuple[str, str]
"""How a commit changed a path, and the path that it was renamed from without a change, or ""."""


class Origin(msgspec.Struct, frozen=True):
    """The commit behind a turn of a finding. The author's address is not kept.

    Attributes:
        commit: Its id.
        author: Name of the author.
        time: Committer date in seconds since the epoch.
        at_least: It may have been an older one: history ends or is cut here, or the file was
            touched before as well.
    """

    commit: str
    author: str
    time: int
    at_least: bool = False


class _Search(msgspec.Struct):
    """Files that are asked for by the path they have at the commit in hand, and what was found."""

    wanted: dict[str, list[str]]
    bounded: bool
    found: dict[str, str] = {}
    unsure: set[str] = set()

    def enter(self, oid: str, changes: Mapping[str, Touched]) -> None:
        """Go on to an older commit."""
        further: list[tuple[str, list[str]]] = []
        for path, (status, former) in changes.items():
            asked = self.wanted.pop(path, [])
            further.append((former, asked) if former else (path, self._meet(oid, status, asked)))
        for path, asked in further:
            if asked:
                self.wanted.setdefault(path, []).extend(asked)

    def _meet(self, oid: str, status: str, asked: Sequence[str]) -> list[str]:
        """Note that a commit touched these; return those for which older commits matter."""
        new = [each for each in asked if each not in self.found]
        self.found.update(dict.fromkeys(new, oid))
        if self.bounded:
            self.unsure.update(each for each in asked if each not in new)
        elif status != "A":
            self.unsure.update(new)
        return new if self.bounded and status != "A" else []


def last_changes(source: Source, paths: Iterable[str], since: str = "") -> dict[str, Origin]:
    """The commit that changed each file last.

    Args:
        source: The repository at the newer commit.
        paths: Files, of that commit or gone since the older one.
        since: A commit of the mainline at which the search ends; "" for all of history.

    Returns:
        What was found; without ``since`` every file that history shows has an origin. It is
        ``at_least`` where the file changed more than once after ``since``; without that, where it
        was there before the change.
    """
    search = _Search({path: [path] for path in paths if path}, bounded=bool(since))
    wanted, found = search.wanted, search.found
    if not wanted or (since and since not in set(source.mainline())):
        return {}
    commits = {each.oid: each for each in source.history()}
    last = ""
    for oid, changes in _changed(source, commits, since):
        last = oid
        search.enter(oid, changes)
        if not wanted:
            break
    origins = {
        path: _origin(commits[oid], source, unsure=path in search.unsure)
        for path, oid in found.items()
    }
    if not since and last and _is_cut(source, commits[last]):
        oldest = msgspec.structs.replace(_origin(commits[last], source), at_least=True)
        origins |= {path: oldest for asked in wanted.values() for path in asked}
    return origins


def only_commit(source: Source, since: str) -> Origin | None:
    """The one commit after ``since``, merges aside; None when there are several or none."""
    found: list[Commit] = []
    if since not in set(source.mainline()):
        return None
    for commit in source.history():
        if commit.oid == since or len(found) > 1:
            break
        if len(commit.parents) < 2:
            found.append(commit)
    return _origin(found[0], source) if len(found) == 1 else None


def commits_named(source: Source, symbols: Iterable[str]) -> dict[str, Origin]:
    """The commits that findings are about by themselves, by their symbol ``commit:<id>``."""
    wanted = {symbol for symbol in symbols if symbol.startswith(ABOUT_COMMIT)}
    if not wanted:
        return {}
    commits = {ABOUT_COMMIT + each.oid: each for each in source.history()}
    return {symbol: _origin(commits[symbol], source) for symbol in wanted if symbol in commits}


def _changed(
    source: Source, commits: Mapping[str, Commit], since: str
) -> Iterator[tuple[str, Mapping[str, Touched]]]:
    """(commit id, what it touched by path), newest first.

    A merge repeats what its branch did: it comes after the commits of that branch, with the rest.
    """
    mainline = set(source.mainline())
    merge: tuple[str, dict[str, Touched]] | None = None
    for oid, changes in source.changes():
        if merge is not None and oid in mainline:
            yield merge
            merge = None
        if oid == since:
            return
        if len(commits[oid].parents) > 1:
            if oid in mainline:
                merge = oid, {change.path: (change.status, "") for change in changes}
            continue
        if merge is not None:
            for change in changes:
                merge[1].pop(change.path, None)
        yield oid, {each.path: (each.status, _former(each, changes)) for each in changes}
    if merge is not None:
        yield merge


def _former(change: Change, changes: Sequence[Change]) -> str:
    """The path from which a commit moved a file without touching it, else ""."""
    if change.status != "A":
        return ""
    gone = (e.path for e in changes if e.status == "D" and e.old_oid == change.new_oid)
    return next(gone, "")


def _origin(commit: Commit, source: Source, *, unsure: bool = False) -> Origin:
    cut = source.shallow and not commit.parents
    return Origin(commit.oid, commit.author, commit.time, at_least=cut or unsure)


def _is_cut(source: Source, oldest: Commit) -> bool:
    """Whether older commits exist that were not read."""
    return bool(oldest.parents) or source.shallow
