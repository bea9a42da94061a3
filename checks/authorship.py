"""Which commit last changed a file: who brought a finding, and who took it away.

Told from the history that a review reads anyway, newest first, without blame: within the range of
two scans it is the last commit that touched the file; for a first scan the search goes on until
the file's present content came, through renames that changed nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from checks.source import Change, Commit, Source

ABOUT_COMMIT = "commit:"
"""What the symbol of a finding begins with that is about one commit."""


class Origin(msgspec.Struct, frozen=True):
    """The commit behind a turn of a finding. The author's address is not kept.

    Attributes:
        commit: Its id.
        author: Name of the author.
        time: Committer date in seconds since the epoch.
        at_least: History ends or is cut here: it may have been an older one.
    """

    commit: str
    author: str
    time: int
    at_least: bool = False


def last_changes(source: Source, paths: Iterable[str], since: str = "") -> dict[str, Origin]:
    """The commit that changed each file last.

    Args:
        source: The repository at the newer commit.
        paths: Files, of that commit or gone since the older one.
        since: A commit of the mainline at which the search ends; "" for all of history.

    Returns:
        What was found; without ``since`` every file that history shows has an origin.
    """
    wanted = {path: [path] for path in paths if path}
    if not wanted or (since and since not in set(source.mainline())):
        return {}
    found: dict[str, str] = {}
    commits = {each.oid: each for each in source.history()}
    last = ""
    for oid, changes in _changed(source, commits, since):
        last = oid
        for path, former in changes.items():
            asked = wanted.pop(path, [])
            if former:
                wanted.setdefault(former, []).extend(asked)
            else:
                found |= dict.fromkeys(asked, oid)
        if not wanted:
            break
    origins = {path: _origin(commits[oid], source) for path, oid in found.items()}
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
) -> Iterator[tuple[str, Mapping[str, str]]]:
    """(commit id, changed paths with the path that each was renamed from, or ""), newest first.

    A merge repeats what its branch did: it counts after the commits of that branch.
    """
    mainline = set(source.mainline())
    merge: tuple[str, Mapping[str, str]] | None = None
    for oid, changes in source.changes():
        if merge is not None and oid in mainline:
            yield merge
            merge = None
        if oid == since:
            return
        named = {change.path: _former(change, changes) for change in changes}
        if len(commits[oid].parents) > 1:
            if oid in mainline:
                merge = oid, dict.fromkeys(named, "")
        else:
            yield oid, named
    if merge is not None:
        yield merge


def _former(change: Change, changes: Sequence[Change]) -> str:
    """The path from which a commit moved a file without touching it, else ""."""
    if change.status != "A":
        return ""
    gone = (e.path for e in changes if e.status == "D" and e.old_oid == change.new_oid)
    return next(gone, "")


def _origin(commit: Commit, source: Source) -> Origin:
    cut = source.shallow and not commit.parents
    return Origin(commit.oid, commit.author, commit.time, at_least=cut)


def _is_cut(source: Source, oldest: Commit) -> bool:
    """Whether older commits exist that were not read."""
    return bool(oldest.parents) or source.shallow
