"""A bare mirror on disk: made, locked, cleaned, pruned, pinned, swapped.

A mirror holds ``refs/heads``, ``refs/tags`` and ``refs/straightedge/scans/<n>``: the last keep the
commits of scans readable after a force-push. It knows no remote, has no hooks and no work tree.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from checks.gitfaults import FetchError, scrub
from checks.gitrunner import Session, run, session
from checks.gitwatch import Limits

_PINS = "refs/straightedge/scans/"
_SCRATCH = re.compile(r"(tmp_.*|\.tmp-.*|.*\.lock)\Z")
_HEX = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")


@contextlib.contextmanager
def mirror_lock(mirror_dir: Path, limits: Limits) -> Iterator[int]:
    """Hold the one right to write to a mirror; yields the descriptor for the programs to inherit.

    It ends when the last process that inherited it is gone, not when the caller is: a git that
    outlives a killed worker still keeps others out.

    Raises:
        FetchError: ``busy`` when somebody else holds it for longer than ``short_seconds``;
            ``disk`` when the folder can not be written.
    """
    try:
        mirror_dir.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(
            mirror_dir.with_name(f"{mirror_dir.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600
        )
    except OSError as error:
        raise _unwritable(error) from error
    try:
        deadline = time.monotonic() + limits.short_seconds
        while not _taken(lock):
            if time.monotonic() > deadline:
                raise FetchError("busy")
            time.sleep(0.1)
        yield lock
    finally:
        os.close(lock)


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _unwritable(error: OSError) -> FetchError:
    return FetchError(
        "disk",
        sentence=(
            f"The folder of the mirrors can not be written ({error.strerror or 'no access'}); "
            "make it writable, then scan again."
        ),
    )


def make_mirror(folder: Path, session: Session, *, object_format: str = "sha1") -> None:
    """Make an empty bare mirror.

    Raises:
        FetchError: ``disk`` when it can not be written.
    """
    form = f"--object-format={object_format}"
    made = run(["init", "--quiet", "--bare", "--template=", form, "--", str(folder)], session)
    if made.code != 0:
        raise FetchError("disk", detail=scrub(made.stderr))


@contextlib.contextmanager
def cleaned(git_dir: Path) -> Iterator[None]:
    """Under the lock: remove what a killed writer left, before and, after a failure, again."""
    _sweep(git_dir)
    try:
        yield
    except BaseException:
        _sweep(git_dir)
        raise


def _sweep(git_dir: Path) -> None:
    for root, folders, names in git_dir.walk():
        for name in names:
            if _SCRATCH.match(name):
                with contextlib.suppress(OSError):
                    (root / name).unlink()
        for name in [name for name in folders if _SCRATCH.match(name)]:
            shutil.rmtree(root / name, ignore_errors=True)


def prune_refs(git_dir: Path, offered: Mapping[str, str], session: Session) -> dict[str, str]:
    """Delete branches and tags that the server no longer offers; answers with those that stay.

    It comes before the fetch, because a branch ``a`` stands in the way of a new branch ``a/b``.

    Raises:
        ValueError: ``offered`` is empty: nothing is a reason to empty a mirror.
        FetchError: ``corrupt`` when the references can not be read or written.
    """
    if not offered:
        raise ValueError("refusing to prune by an empty list")
    there = _refs(git_dir, session, "refs/heads/", "refs/tags/")
    gone = there.keys() - offered.keys()
    if gone:
        _update_refs(git_dir, session, [f"delete {name}\0\0" for name in sorted(gone)])
    return {name: oid for name, oid in there.items() if name not in gone}


def _refs(git_dir: Path, session: Session, *prefixes: str) -> dict[str, str]:
    listed = run(
        ["for-each-ref", "--format=%(objectname) %(refname)", *prefixes], session, git_dir=git_dir
    )
    if listed.code != 0:
        raise FetchError("corrupt", detail=scrub(listed.stderr))
    lines = listed.stdout.decode("utf-8", "surrogateescape").split("\n")
    return {name: oid for oid, _, name in (line.partition(" ") for line in lines) if name}


def _update_refs(git_dir: Path, session: Session, commands: list[str]) -> None:
    text = "".join(commands).encode("utf-8", "surrogateescape")
    updated = run(["update-ref", "--stdin", "-z"], session, git_dir=git_dir, stdin=text)
    if updated.code != 0:
        raise FetchError("corrupt", detail=scrub(updated.stderr))


def move_pins(old: Path, new: Path, session: Session) -> None:
    """Take over the pins whose commits the new mirror has; what the old one can not say is lost."""
    try:
        pins = _refs(old, session, _PINS)
    except FetchError:
        return
    _set_pins(new, pins, session)


def pin(mirror_dir: Path, commits: Mapping[int, str], session: Session) -> None:
    """Under the lock: keep these commits readable, each under a number, and no others.

    A commit that the mirror does not have (any more) is left out.

    Raises:
        FetchError: ``corrupt`` when the references can not be read or written.
    """
    wanted = {f"{_PINS}{n:d}": commit for n, commit in commits.items() if _HEX.match(commit)}
    _set_pins(mirror_dir, wanted, session)


def _set_pins(git_dir: Path, wanted: Mapping[str, str], session: Session) -> None:
    there = _refs(git_dir, session, _PINS)
    commands = [f"delete {name}\0\0" for name in sorted(there.keys() - wanted.keys())]
    missing = {name: oid for name, oid in wanted.items() if there.get(name) != oid}
    if missing:
        asked = "".join(f"{oid}\n" for oid in missing.values()).encode("ascii")
        known = run(["cat-file", "--batch-check"], session, git_dir=git_dir, stdin=asked)
        answers = (line.split(" ") for line in known.stdout.decode("ascii", "replace").split("\n"))
        commits = {words[0] for words in answers if words[1:2] == ["commit"]}
        commands += [f"update {n}\0{oid}\0\0" for n, oid in missing.items() if oid in commits]
    if commands:
        _update_refs(git_dir, session, commands)


def swap(new: Path, mirror_dir: Path) -> None:
    """Put a finished mirror in the place of the old one, which is deleted afterwards."""
    old = mirror_dir.with_name(f"{mirror_dir.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    try:
        if mirror_dir.exists():
            mirror_dir.rename(old)
        new.rename(mirror_dir)
    except OSError as error:
        raise _unwritable(error) from error
    shutil.rmtree(old, ignore_errors=True)


def maintain(mirror_dir: Path, *, limits: Limits | None = None) -> None:
    """Check that all history is there and pack it, under the lock; a job for quiet hours.

    Raises:
        FetchError: ``busy``; ``corrupt`` when objects are missing: fetch it anew.
    """
    limits = limits or Limits()
    with _writing(mirror_dir, limits) as talk:
        checked = run(
            ["fsck", "--connectivity-only", "--no-progress", "--no-dangling"],
            talk,
            git_dir=mirror_dir,
            seconds=limits.seconds,
        )
        if checked.code != 0:
            raise FetchError(checked.overrun or "corrupt", detail=scrub(checked.stderr))
        run(["gc", "--quiet"], talk, git_dir=mirror_dir, seconds=limits.seconds)


@contextlib.contextmanager
def _writing(mirror_dir: Path, limits: Limits) -> Iterator[Session]:
    with (
        mirror_lock(mirror_dir, limits) as lock,
        session(None, (), limits=limits, inherited=(lock,)) as talk,
        cleaned(mirror_dir),
    ):
        yield talk


def drop(mirror_dir: Path) -> None:
    """Delete a mirror and whatever lies beside it.

    Raises:
        FetchError: ``busy`` while it is being written.
    """
    with mirror_lock(mirror_dir, Limits(short_seconds=10)):
        for name in ("", ".new", ".old"):
            shutil.rmtree(mirror_dir.with_name(mirror_dir.name + name), ignore_errors=True)
    mirror_dir.with_name(f"{mirror_dir.name}.lock").unlink(missing_ok=True)
