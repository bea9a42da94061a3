"""Commits and what they changed, read in one stream each.

The order is our own: a commit of the mainline, then all that it merged, then the mainline commit
before it. So the history of an older mainline commit is exactly the tail of the history of a newer
one (git's own orders do not promise that), and after a push only what lies on top is read.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from checks.errors import DamagedRepository, ReadLimit
from checks.gitread import CHUNK, Reading, damaged, label, objects, output, running
from checks.gittree import shown_path
from checks.source import Change, Commit, LineChange

MAX_HISTORY_BYTES = 512 << 20
MAX_BODY_BYTES = 1 << 16
# Seconds since the epoch of 2200-01-01: later dates are mistakes or mischief.
LATEST = 7_258_118_400

_FORMAT = "--format=tformat:%H%x00%P%x00%at%x00%ct%x00%an%x00%ae%x00%cn%x00%ce%x00%s%x00%b"
_FIELDS = 10
_PRINTED = (
    *("-z", "--encoding=UTF-8", _FORMAT),
    *("--no-color", "--no-decorate", "--no-mailmap", "--no-show-signature", "--no-notes"),
)
# Files of one commit among which moves are looked for; the search is quadratic.
_MOVES = 400
# Files with lost versions that are left out by name; a command line holds no more of them.
_MOST_LOST = 50
_TAGGED = re.compile(rb"object ([0-9a-f]{40,64})\n")
_TAG_BYTES = 1 << 20
_NESTED_TAGS = 5


def clamp(seconds: bytes) -> int:
    """A date as git prints it, moved into the years 1970 to 2200."""
    text = seconds.strip()
    if text.startswith(b"-") or not text.isdigit():
        return 0
    return min(int(text), LATEST) if len(text) <= 12 else LATEST


def read_commits(git_dir: Path, head: str, *, without: str = "", limit: int) -> list[Commit]:
    """Commits reachable from ``head`` but not from ``without``, newest first, at most ``limit``.

    Args:
        git_dir: The repository.
        head: Full hex id.
        without: "", or the id of a first-parent ancestor of ``head``.
        limit: Number of commits.

    Raises:
        ReadLimit: The messages are larger than any honest history.
        DamagedRepository: A commit is missing.
    """
    arguments = [
        *("log", "--topo-order", f"--max-count={limit}", *_PRINTED),
        *("--end-of-options", head, *([f"^{without}"] if without else [])),
    ]
    return _in_order(head, {commit.oid: commit for commit in _printed(git_dir, arguments)})


def read_beside(git_dir: Path, head: str, branches: str, *, limit: int) -> list[Commit]:
    """Commits of branches that are not reachable from ``head``, newest first, at most ``limit``.

    Args:
        git_dir: The repository.
        head: Full hex id.
        branches: Prefix of the full names of the branches.
        limit: Number of commits.
    """
    given = ["log", "--date-order", f"--max-count={limit}", *_PRINTED, f"--glob={branches}*"]
    return list(_printed(git_dir, [*given, f"^{head}", "--"]))


def _printed(git_dir: Path, arguments: Sequence[str]) -> Iterator[Commit]:
    """The commits that ``git log`` prints."""
    with running(git_dir, arguments) as reading:
        fields = _fields(reading, git_dir)
        # The fields of one commit come one after the other out of the same stream.
        yield from map(_commit, *[fields] * _FIELDS)


def _in_order(head: str, commits: Mapping[str, Commit]) -> list[Commit]:
    mainline: list[Commit] = []
    while commit := commits.get(head):
        mainline.append(commit)
        head = commit.parents[0] if commit.parents else ""
    seen: set[str] = set()
    segments = [_merged_by(commit, commits, seen) for commit in reversed(mainline)]
    return [commit for segment in reversed(segments) for commit in segment]


def _merged_by(tip: Commit, commits: Mapping[str, Commit], seen: set[str]) -> list[Commit]:
    """``tip`` and what it brought to the mainline, children before parents; adds them to ``seen``.

    Args:
        tip: A commit of the mainline.
        commits: All commits by id.
        seen: Ids of all commits that are reachable from the older mainline.
    """
    members = {tip.oid}
    children: dict[str, int] = {}
    pending = [tip]
    while pending:
        for oid in pending.pop().parents:
            if oid in commits and oid not in seen:
                children[oid] = children.get(oid, 0) + 1
                if oid not in members:
                    members.add(oid)
                    pending.append(commits[oid])
    seen |= members
    ordered: list[Commit] = []
    pending = [tip]
    while pending:
        commit = pending.pop()
        ordered.append(commit)
        for oid in commit.parents:
            if oid in children:
                children[oid] -= 1
                if not children[oid]:
                    pending.append(commits[oid])
    return ordered


def _commit(
    oid: bytes,
    parents: bytes,
    authored: bytes,
    committed: bytes,
    author: bytes,
    email: bytes,
    committer: bytes,
    committer_email: bytes,
    subject: bytes,
    body: bytes,
) -> Commit:
    return Commit(
        oid=oid.decode("ascii"),
        parents=tuple(parents.decode("ascii").split()),
        author=author.decode("utf-8", "replace"),
        email=email.decode("utf-8", "replace"),
        time=clamp(committed),
        author_time=clamp(authored),
        subject=subject[:MAX_BODY_BYTES].decode("utf-8", "replace"),
        body=body[:MAX_BODY_BYTES].decode("utf-8", "replace").rstrip("\n"),
        committer=committer.decode("utf-8", "replace"),
        committer_email=committer_email.decode("utf-8", "replace"),
    )


def read_changes(
    git_dir: Path, commits: Iterable[Commit]
) -> Iterator[tuple[str, tuple[Change, ...]]]:
    """What each of the commits changed against its first parent, in their order.

    Raises:
        ReadLimit: More changes than any honest history has.
        DamagedRepository: A tree is missing.
    """
    arguments = ["diff-tree", "--stdin", "--always", "-r", "-z", "--raw", "--root", "--no-abbrev"]
    wanted: list[str] = []
    with tempfile.TemporaryFile() as questions:
        for commit in commits:
            wanted.append(commit.oid)
            questions.write(" ".join([commit.oid, *commit.parents[:1]]).encode("ascii") + b"\n")
        questions.seek(0)
        with running(git_dir, [*arguments, "--no-renames"], stdin=questions) as reading:
            answers = _changes(_fields(reading, git_dir))
            for oid in wanted:
                # A commit that it cannot read is passed over by git in silence.
                answer = next(answers, None)
                if answer is None or answer[0] != oid:
                    raise damaged(git_dir)
                yield answer


def _changes(fields: Iterator[bytes]) -> Iterator[tuple[str, tuple[Change, ...]]]:
    """Gather the lines of each commit: its id, then pairs of a raw line and a path."""
    oid, changes = "", list[Change]()
    for field in fields:
        if not field.startswith(b":"):
            if oid:
                yield oid, tuple(changes)
            oid, changes = field.decode("ascii"), []
            continue
        _, _, old, new, status = field.decode("ascii").split(" ")
        path = shown_path(next(fields, b""))
        changes.append(Change(status[:1], path, old.strip("0") and old, new.strip("0") and new))
    if oid:
        yield oid, tuple(changes)


def read_lines(
    git_dir: Path, commits: Iterable[Commit]
) -> Iterator[tuple[str, tuple[LineChange, ...]]]:
    """How many lines of which file each of the commits changed against its first parent.

    Files of which a version is missing are left out, in all of the commits.

    Raises:
        ReadLimit: More changes than any honest history has.
        DamagedRepository: A commit or a tree is missing.
    """
    wanted = list(commits)
    try:
        found = list(_counted(git_dir, wanted, ()))
    except DamagedRepository:
        lost = _lost_files(git_dir, wanted)
        if not lost:
            raise
        found = list(_counted(git_dir, wanted, lost))
    return iter(found)


def _counted(
    git_dir: Path, commits: Iterable[Commit], left_out: Sequence[str]
) -> Iterator[tuple[str, tuple[LineChange, ...]]]:
    arguments = ["diff-tree", "--stdin", "--always", "-r", "-z", "--numstat", "--root", "-M"]
    with tempfile.TemporaryFile() as questions:
        for commit in commits:
            questions.write(" ".join([commit.oid, *commit.parents[:1]]).encode("ascii") + b"\n")
        questions.seek(0)
        options = [*arguments, f"-l{_MOVES}", "--no-ext-diff", "--no-textconv"]
        if left_out:
            options += ["--", ":(top)", *(f":(top,exclude,literal){path}" for path in left_out)]
        with running(git_dir, options, stdin=questions) as reading:
            oid, found = "", list[LineChange]()
            fields = _fields(reading, git_dir)
            for field in fields:
                if b"\t" in field:
                    found.append(_line_change(field, fields))
                    continue
                if oid:
                    yield oid, tuple(found)
                oid, found = field.decode("ascii"), []
            if oid:
                yield oid, tuple(found)


def _lost_files(git_dir: Path, commits: Iterable[Commit]) -> list[str]:
    """Files that the commits changed and of which the repository lacks a version, a few of them."""
    paths: dict[str, set[str]] = {}
    for _, changes in read_changes(git_dir, commits):
        for change in changes:
            for blob in filter(None, (change.old_oid, change.new_oid)):
                paths.setdefault(blob, set()).add(change.path)
    with objects(git_dir, contents=False) as reader:
        lost = [oid for oid, kind, _, _ in reader.ask(paths) if not kind]
    return sorted({path for oid in lost for path in paths[oid]})[:_MOST_LOST]


def _line_change(field: bytes, fields: Iterator[bytes]) -> LineChange:
    """One line of counts; for a moved file the two paths follow it."""
    added, deleted, path = field.split(b"\t", 2)
    counts = [int(each) if each.isdigit() else 0 for each in (added, deleted)]
    if path:
        return LineChange(shown_path(path), counts[0], counts[1])
    old, new = next(fields, b""), next(fields, b"")
    return LineChange(shown_path(new), counts[0], counts[1], shown_path(old))


def read_tags(git_dir: Path) -> dict[str, tuple[str, ...]]:
    """Names of the tags by the commit they point to, through annotated tags.

    One that points to something else, or to nothing, is passed over.
    """
    listed = output(git_dir, ["for-each-ref", "--format=%(objectname) %(refname)", "refs/tags/"])
    names: dict[str, list[str]] = {}
    for line in listed.decode("utf-8", "backslashreplace").split("\n")[:-1]:
        oid, name = line.split(" ", 1)
        names.setdefault(oid, []).append(name.removeprefix("refs/tags/"))
    found: dict[str, list[str]] = {}
    for oid, target in _peeled(git_dir, list(names)).items():
        found.setdefault(target, []).extend(names[oid])
    return {oid: tuple(sorted(each)) for oid, each in found.items()}


def _peeled(git_dir: Path, oids: list[str]) -> dict[str, str]:
    """The commit behind each id of a commit or a tag object."""
    commits: dict[str, str] = {}
    pointing = {oid: oid for oid in oids}
    for _ in range(_NESTED_TAGS):
        if not pointing:
            break
        with objects(git_dir, contents=False) as reader:
            kinds = {oid: (kind, size) for oid, kind, size, _ in reader.ask(pointing.values())}
        commits |= {first: oid for first, oid in pointing.items() if kinds[oid][0] == "commit"}
        tags = {oid for oid, (kind, size) in kinds.items() if kind == "tag" and size <= _TAG_BYTES}
        if not tags:
            break
        with objects(git_dir, contents=True) as reader:
            targets = {oid: _TAGGED.match(content) for oid, _, _, content in reader.ask(tags)}
        pointing = {
            first: found[1].decode("ascii")
            for first, oid in pointing.items()
            if (found := targets.get(oid))
        }
    return commits


def first_parents(git_dir: Path, head: str, *, limit: int) -> list[str]:
    """Ids of the first-parent chain from ``head`` on, at most ``limit``."""
    arguments = ["rev-list", "--first-parent", f"--max-count={limit}", "--end-of-options", head]
    return output(git_dir, arguments).decode("ascii").split()


def _fields(reading: Reading, git_dir: Path) -> Iterator[bytes]:
    """The NUL-terminated fields of what git prints."""
    total, open_field = 0, list[bytes]()
    while chunk := reading.read(CHUNK):
        total += len(chunk)
        if total > MAX_HISTORY_BYTES:
            raise ReadLimit(
                f"The history of {label(git_dir)} is larger than {MAX_HISTORY_BYTES >> 20} MiB: "
                "review a shallow clone of it, without checks on history."
            )
        first, *more = chunk.split(b"\0")
        open_field.append(first)
        if more:
            yield b"".join(open_field)
            open_field = [more.pop()]
            yield from more
