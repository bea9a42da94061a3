"""The port to a repository over a bare mirror or the git directory of a checkout.

Nothing is checked out and no file of the repository is opened. What runs often goes through plain
``git`` processes, which are several times faster than GitPython's streams; GitPython, whose import
alone takes longer than a review of an unchanged repository, only turns a revision that a person
named into a commit.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from checks.errors import (
    DamagedRepository,
    EmptyRepository,
    RepositoryError,
    UnknownRevision,
    UnsupportedRepository,
)
from checks.facts.remembered import RememberedEach
from checks.facts.store import FactStore
from checks.facts.version import extractor_version, rules_version
from checks.githistory import (
    clamp,
    first_parents,
    read_beside,
    read_changes,
    read_commits,
    read_lines,
    read_tags,
)
from checks.gitread import HEX_ID, common_dir, environment, git_program, label, objects, output
from checks.gitremembered import REACH, RememberedLog
from checks.gittree import MAX_BLOB_BYTES, MAX_FILES, Tree, read_tree
from checks.source import Change, Commit, Entry, LineChange

if TYPE_CHECKING:
    from checks.facts.leaks import Leaked

MAX_COMMITS = 20_000
MAX_ONE_BLOB = 16 << 20
MAX_COMMIT_OBJECT = 16 << 20

_TREE = re.compile(rb"tree ([0-9a-f]{40,64})\n")
_COMMITTER = re.compile(rb"^committer .*> *(-?[0-9]+)", re.M)
# A revision as a person names it: no option, no range, no path, no pattern.
_NAME = re.compile(r"(?!-)[^\x00-\x20\x7f~^:?*\[\\]+")
_STEPS = re.compile(r"(?:[~^][0-9]{0,4})*")
_ABBREVIATED = re.compile(r"[0-9a-f]{7,64}")
_REMOTE = "refs/remotes/origin/"
_ONE_COMMIT = ("rev-list", "--max-count=1", "--end-of-options")


def resolve(git_dir: Path, rev: str = "") -> str:
    """The full id of the commit that a revision names.

    Args:
        git_dir: A bare repository, or the ``.git`` directory of a checkout.
        rev: A branch, a tag, a full reference name or a hex id, with ``~N`` and ``^N`` behind it
            if wanted; "" or "HEAD" for the commit that the repository stands at.

    Raises:
        UnsupportedRepository: git cannot read this format of repository.
        EmptyRepository: There is no commit yet.
        UnknownRevision: There is no such revision, or its name could be taken for something else.
    """
    name, steps = _split(rev or "HEAD")
    commit = ""
    if name == "HEAD" and not steps:
        with contextlib.suppress(DamagedRepository):
            commit = _first_line(output(git_dir, [*_ONE_COMMIT, "HEAD"]))
    else:
        commit = _named(git_dir, name, steps)
    if commit:
        return commit
    raise _unresolved(git_dir, rev or "HEAD")


def merge_base(git_dir: Path, one: str, other: str) -> str:
    """The commit where two commits part; "" when they have no past in common.

    Raises:
        UnknownRevision: One of them is no full hex id.
    """
    for commit in (one, other):
        if not HEX_ID.match(commit):
            raise UnknownRevision(f"{commit!r} is no full commit id: resolve the name first.")
    try:
        return _first_line(output(git_dir, ["merge-base", "--end-of-options", one, other]))
    except DamagedRepository:
        return ""


def _split(rev: str) -> tuple[str, str]:
    """The name of a revision and the steps back from it."""
    found = _NAME.match(rev)
    name, steps = (rev[: found.end()], rev[found.end() :]) if found else ("", "")
    if not name or ".." in name or "@{" in name or not _STEPS.fullmatch(steps):
        raise UnknownRevision(
            f"{rev!r} is no name of a revision: give a branch, a tag or a commit id."
        )
    return name, steps


def _named(git_dir: Path, name: str, steps: str) -> str:
    """Look a name up as exactly one kind of thing after the other; "" if it is none."""
    if name == "HEAD" or name.startswith("refs/"):
        candidates = [name]
    else:
        candidates = [prefix + name for prefix in ("refs/heads/", "refs/tags/", _REMOTE)]
    if HEX_ID.match(name):
        # A branch may be called like an id; the id is what was meant.
        candidates.insert(0, name)
    elif _ABBREVIATED.fullmatch(name):
        candidates.append(name)
    for candidate in candidates:
        commit = _rev_list(git_dir, candidate)
        # git takes a short id for the name of a reference, if there is one like it.
        if candidate == name and _ABBREVIATED.fullmatch(name) and not commit.startswith(name):
            continue
        if commit:
            return _rev_list(git_dir, commit + steps) if steps else commit
    return ""


def _rev_list(git_dir: Path, revision: str) -> str:
    """The commit that a full reference name or an id stands for; "" if there is none."""
    # Imported here: it costs more than the review of an unchanged repository at HEAD.
    os.environ["GIT_PYTHON_GIT_EXECUTABLE"] = git_program()
    import configparser

    import git

    # A Repo that saw an error is thrown away, with whatever may be left in its pipes.
    try:
        with git.Repo(git_dir, expand_vars=False, search_parent_directories=False) as repo:
            repo.git.update_environment(**environment(git_dir))
            answer = repo.git.rev_list(*_ONE_COMMIT[1:], revision, stdout_as_string=False)
    except git.GitCommandError:
        return ""
    except (git.GitError, configparser.Error, ValueError, OSError):
        # It could not be opened, for its configuration most of the time. git understands more of
        # that, and its complaints do not repeat lines of files that were included.
        try:
            answer = output(git_dir, [*_ONE_COMMIT, revision])
        except DamagedRepository:
            return ""
    return _first_line(answer)


def _first_line(text: bytes) -> str:
    line = text.split(b"\n", 1)[0].decode("ascii", "replace")
    return line if HEX_ID.match(line) else ""


def _unresolved(git_dir: Path, rev: str) -> RepositoryError:
    """Why there is no commit: the repository is unreadable or empty, or the name is unknown."""
    name = label(git_dir)
    try:
        refs = output(git_dir, ["for-each-ref", "--count=20", "--format=%(refname)", "refs/heads/"])
    except DamagedRepository:
        return UnsupportedRepository(
            f"The installed git cannot read the format of {name}: update git, or convert it."
        )
    branches = refs.decode("utf-8", "backslashreplace").split()
    if not branches and rev == "HEAD":
        return EmptyRepository(f"{name} has no commit yet: push one and try again.")
    known = ", ".join(branch.removeprefix("refs/heads/") for branch in branches) or "none"
    return UnknownRevision(f"{name} has no revision {rev!r}: its branches are {known}.")


class GitSource:
    """One commit of a repository, with its history.

    Args:
        git_dir: A bare repository, or the ``.git`` directory of a checkout.
        commit: Full hex id of the commit, as :func:`resolve` gives it.
        remember: Where history is kept between reviews; None reads it anew each time.
        max_commits: Newest commits that history goes back to.
        max_files: Entries of the tree that are looked at.
        max_bytes: Bytes of blobs that are read; beyond them the largest blobs are left out.

    Attributes:
        commit: The hex id that is read.

    Raises:
        UnknownRevision: ``commit`` is no full hex id.
    """

    def __init__(
        self,
        git_dir: Path,
        commit: str,
        *,
        remember: FactStore | None = None,
        max_commits: int = MAX_COMMITS,
        max_files: int = MAX_FILES,
        max_bytes: int = MAX_BLOB_BYTES,
    ) -> None:
        if not HEX_ID.match(commit):
            raise UnknownRevision(f"{commit!r} is no full commit id: resolve the name first.")
        self.commit = commit
        self._git_dir = git_dir
        self._max_commits = max_commits
        self._max_files = max_files
        self._max_bytes = max_bytes
        self._remember = remember
        # The same commit has another history in a shallow clone: nothing of that is kept.
        kept = None if self.shallow else remember
        self._commits = RememberedLog(kept, "commits", Commit, limit=max_commits + 1)
        self._changes = RememberedLog(
            kept, "changes", tuple[str, tuple[Change, ...]], limit=max_commits
        )
        self._lines = RememberedEach(kept, "lines", tuple[LineChange, ...])
        self._later: GitSource | None = None

    def earlier(self, commit: str) -> GitSource:
        """The same repository at an older commit of the mainline.

        Its history is the end of this one's, so it is not read again; unless this one is cut, then
        the older one goes further back.
        """
        source = GitSource(
            self._git_dir,
            commit,
            remember=self._remember,
            max_commits=self._max_commits,
            max_files=self._max_files,
            max_bytes=self._max_bytes,
        )
        if not self.truncated and commit in self.mainline():
            source._later = self
        return source

    @functools.cached_property
    def shallow(self) -> bool:
        """Whether the clone lacks older commits."""
        marker = common_dir(self._git_dir) / "shallow"
        return marker.is_file() and marker.stat().st_size > 0

    @property
    def time(self) -> int:
        """Committer date in seconds since the epoch, clamped to the years 1970 to 2200."""
        return self._head[1]

    @property
    def truncated(self) -> bool:
        """Whether history goes back further than was read."""
        return len(self._read_history) > self._max_commits

    def tree(self) -> Sequence[Entry]:
        """All tracked entries, sorted by path; what is unusual is listed in :meth:`notes`.

        Raises:
            RepositoryError: Objects are missing or damaged.
        """
        return self._tree.entries

    def notes(self) -> Sequence[tuple[str, str]]:
        """(path, reason) of entries that were left out, are not read or are unusual."""
        return self._tree.notes

    def blobs(self, oids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Content of the blobs, in the order asked for.

        A blob over 16 MiB, and one that :meth:`notes` names as not read, is left out.

        Raises:
            DamagedRepository: A blob is missing, or git answered something else.
        """
        wanted = list(oids)
        sizes = self._sizes if "_tree" in self.__dict__ else {}
        unknown = [oid for oid in dict.fromkeys(wanted) if oid not in sizes]
        if unknown:
            with objects(self._git_dir, contents=False) as reader:
                sizes = sizes | {oid: size for oid, _, size, _ in reader.ask(unknown)}
        readable = (oid for oid in wanted if sizes[oid] <= MAX_ONE_BLOB)
        with objects(self._git_dir, contents=True) as reader:
            for oid, kind, _, content in reader.ask(readable):
                if kind != "blob":
                    raise DamagedRepository(
                        f"A file of {label(self._git_dir)} is missing (object {oid[:12]}): "
                        "make a new, full clone of the repository."
                    )
                yield oid, content

    def history(self) -> Sequence[Commit]:
        """Commits reachable from the commit, newest first, topological; at most ``max_commits``."""
        return self._history

    def mainline(self) -> Sequence[str]:
        """Ids of the first-parent chain, newest first."""
        return self._mainline

    @functools.cached_property
    def _mainline(self) -> list[str]:
        parents = {each.oid: each.parents for each in self._read_history}
        chain, oid = list[str](), self.commit
        while oid in parents and len(chain) < self._max_commits:
            chain.append(oid)
            oid = parents[oid][0] if parents[oid] else ""
        return chain

    def changes(self) -> Iterator[tuple[str, Sequence[Change]]]:
        """(commit id, changed paths against its first parent), in the order of history."""
        if self._later is not None:
            return self._of_ours(self._later.changes())
        return self._changes.records(self.commit, lambda: self.mainline()[1:], self._changes_above)

    def line_changes(self, commits: Sequence[Commit]) -> Mapping[str, Sequence[LineChange]]:
        """Lines changed per file by each of these commits, by commit id; moves are recognised."""
        known = {commit.oid: commit for commit in commits}
        return self._lines.records(
            list(known), lambda oids: read_lines(self._git_dir, (known[oid] for oid in oids))
        )

    def leaks(self) -> Iterator[tuple[str, Sequence[Leaked]]]:
        """(commit id, what it may have given away), newest first; commits with nothing left out."""
        if self._later is not None:
            return self._of_ours(self._later.leaks())
        # Imported here: a commit that was judged before is not looked through.
        from checks.facts.leaks import Leaked

        kind = f"leaks-by-path-{extractor_version()}"
        kept = None if self.shallow else self._remember
        log = RememberedLog(kept, kind, tuple[str, tuple[Leaked, ...]], limit=self._max_commits)
        return log.records(self.commit, lambda: self.mainline()[1:], self._leaks_above)

    def _of_ours[Record](
        self, records: Iterable[tuple[str, Record]]
    ) -> Iterator[tuple[str, Record]]:
        """Those of a later commit that are about commits of this history."""
        ours = {commit.oid for commit in self._read_history}
        return (each for each in records if each[0] in ours)

    def beside(self, limit: int) -> Sequence[Commit]:
        """Commits of branches that are not reachable from the commit, newest first."""
        return read_beside(self._git_dir, self.commit, self._branches[0], limit=limit)

    def branches(self) -> Sequence[str]:
        """Names of the branches the remote has: its own in a mirror, origin's in a checkout."""
        return [name for name, _ in self._branches[1]]

    @functools.cached_property
    def _branches(self) -> tuple[str, list[tuple[str, str]]]:
        """Prefix of the branches that count, and (name, commit) of each of them."""
        prefixes = (_REMOTE, "refs/heads/")
        arguments = ["for-each-ref", "--format=%(objectname) %(refname)", *prefixes]
        text = output(self._git_dir, arguments).decode("utf-8", "backslashreplace")
        rows = [line.split(" ", 1) for line in text.split("\n") if " " in line]
        for prefix in prefixes:
            found = [(name.removeprefix(prefix), oid) for oid, name in rows
                     if name.startswith(prefix) and name != f"{prefix}HEAD"]  # fmt: skip
            if found:
                return prefix, found
        return prefixes[-1], []

    def remembered[Record](self, kind: str, record: type[Record]) -> RememberedEach[Record]:
        """What belongs to blobs and commits; another version of our code finds nothing of it."""
        return RememberedEach(self._remember, f"{kind}-{rules_version()}", record)

    def surroundings(self) -> str:
        """Digest of branches and tags with their commits, and of shallowness."""
        arguments = ["for-each-ref", "--format=%(objectname) %(*objectname) %(refname)"]
        tags = output(self._git_dir, [*arguments, "refs/tags/"])
        seen = repr((sorted(self._branches[1]), tags, self.shallow))
        return hashlib.sha256(seen.encode("utf-8", "backslashreplace")).hexdigest()

    @functools.cached_property
    def _head(self) -> tuple[str, int]:
        """Id of the root tree and committer date, out of the commit object itself."""
        with objects(self._git_dir, contents=False) as reader:
            [(_, kind, size, _)] = reader.ask([self.commit])
        if kind != "commit" or size > MAX_COMMIT_OBJECT:
            raise UnknownRevision(
                f"{self.commit} is no commit of {label(self._git_dir)}: "
                "fetch the repository again, or name another revision."
            )
        with objects(self._git_dir, contents=True) as reader:
            [(_, _, _, content)] = reader.ask([self.commit])
        header = content.partition(b"\n\n")[0] + b"\n"
        tree, committer = _TREE.match(header), _COMMITTER.search(header)
        if tree is None:
            raise UnknownRevision(f"{self.commit} is damaged: name another revision.")
        return tree[1].decode("ascii"), clamp(committer[1]) if committer else 0

    @functools.cached_property
    def _tree(self) -> Tree:
        root, _ = self._head
        return read_tree(self._git_dir, root, max_files=self._max_files, max_bytes=self._max_bytes)

    @functools.cached_property
    def _sizes(self) -> dict[str, int]:
        """Sizes of the blobs of the tree; those that are not to be read count as too large."""
        sizes = {entry.oid: entry.size for entry in self._tree.entries}
        return sizes | dict.fromkeys(self._tree.unread, MAX_ONE_BLOB + 1)

    @functools.cached_property
    def _read_history(self) -> Sequence[Commit]:
        """One commit more than asked for, if there is one, so that a cut is noticed."""
        if self._later is not None:
            commits = self._later._read_history
            return list(itertools.dropwhile(lambda each: each.oid != self.commit, commits))
        limit = self._max_commits + 1
        return list(
            self._commits.records(
                self.commit,
                lambda: first_parents(self._git_dir, self.commit, limit=REACH + 1)[1:],
                lambda base: iter(
                    read_commits(self._git_dir, self.commit, without=base, limit=limit)
                ),
            )
        )

    @functools.cached_property
    def _history(self) -> Sequence[Commit]:
        commits = list(self._read_history[: self._max_commits])
        tags = self._tags
        for number, commit in enumerate(commits) if tags else ():
            if names := tags.get(commit.oid):
                commits[number] = msgspec.structs.replace(commit, tags=names)
        return commits

    @functools.cached_property
    def _tags(self) -> dict[str, tuple[str, ...]]:
        return self._later._tags if self._later else read_tags(self._git_dir)

    def _changes_above(self, base: str) -> Iterator[tuple[str, tuple[Change, ...]]]:
        commits = self._read_history[: self._max_commits]
        return read_changes(self._git_dir, commits[: self._above(base)])

    def _above(self, base: str) -> int | None:
        """How many of the newest commits do not belong to the history of ``base``; None for all."""
        commits = self._read_history[: self._max_commits]
        return next((place for place, each in enumerate(commits) if each.oid == base), None)

    def _leaks_above(self, base: str) -> Iterator[tuple[str, tuple[Leaked, ...]]]:
        """Look through each blob that was added or changed, once for each path it was given."""
        from checks.facts.leaks import MAX_BYTES, Leaked, Versions, is_read

        places: dict[str, dict[str, str]] = {}
        order: dict[str, list[Leaked]] = {}
        # Oldest last: where several commits bring a blob to a path, the oldest is what counts.
        # Asked for like by everybody else, so that git compares the trees of a history once.
        for commit, changes in itertools.islice(self.changes(), self._above(base)):
            order[commit] = []
            for change in changes:
                if change.new_oid and change.status != "D" and is_read(change.path):
                    places.setdefault(change.new_oid, {})[change.path] = commit
        with objects(self._git_dir, contents=False) as reader:
            sizes = [(oid, kind, size) for oid, kind, size, _ in reader.ask(places)]
        wanted = [oid for oid, kind, size in sizes if kind == "blob" and size <= MAX_BYTES]
        versions = Versions()
        with objects(self._git_dir, contents=True) as reader:
            for oid, _, size, content in reader.ask(wanted):
                for path, commit in places[oid].items():
                    found = versions.leaks(content, path)
                    order[commit] += [Leaked(path, oid, size, leak) for leak in found]
        for brought in order.values():
            # In an order that does not depend on what came after.
            brought.sort(key=lambda each: (each.path, each.oid, each.leak.line))
        return ((commit, tuple(found)) for commit, found in order.items() if found)
