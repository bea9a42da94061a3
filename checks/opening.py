"""From what a person typed to a source that can be reviewed: a folder, or a clone address."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from checks.errors import InputError
from checks.gitread import git_dir_of
from checks.gitsource import GitSource, merge_base, resolve

if TYPE_CHECKING:
    from checks.facts.store import FactStore
    from checks.gitwatch import Progress
    from checks.source import Source

_ADDRESS = re.compile(r"[A-Za-z0-9+.-]+:(?://|:)|[^/@\s]+@[^/:\s]+:")


class Opened(NamedTuple):
    """A repository that is ready to be read, what reports call it, and where git keeps it."""

    source: Source
    repository: str
    git_dir: Path


def is_address(where: str) -> bool:
    """Whether the text is meant as an address; a folder of that very name wins."""
    return bool(_ADDRESS.match(where)) and not Path(where).is_dir()


def open_folder(
    where: str, *, rev: str = "", worktree: bool = False, remember: FactStore | None = None
) -> Opened:
    """A git repository on this disk, the person's own.

    Args:
        where: The folder.
        rev: The revision to read; "" for HEAD.
        worktree: Read the files as they are on disk, committed or not.
        remember: Where history is kept between reviews.

    Raises:
        InputError: It cannot be read, or there is no such revision.
    """
    folder = Path(where)
    if not folder.is_dir():
        raise InputError(f"{where} is neither a folder nor a clone address: check the spelling.")
    name = folder.resolve().name or where
    if worktree:
        from checks.gitworktree import worktree as uncommitted

        return Opened(uncommitted(folder, remember=remember), name, git_dir_of(folder))
    git_dir = git_dir_of(folder)
    source = GitSource(git_dir, resolve(git_dir, rev), remember=remember)
    return Opened(source, name.removesuffix(".git"), git_dir)


def open_address(
    where: str,
    mirrors: Path,
    *,
    rev: str = "",
    remember: FactStore | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Opened:
    """A repository elsewhere, fetched into a bare mirror below ``mirrors``.

    Args:
        where: The clone address; hosts and paths are refused as the environment says.
        mirrors: Folder of the mirrors, one for each address.
        rev: The revision to read; "" for the top of the default branch.
        remember: Where history is kept between reviews.
        progress: Told how far the fetch has come.

    Raises:
        InputError: The address is refused, or the fetch failed.
    """
    # Local folders, the common case, do not pay for the network half.
    from checks.cloneurl import ClonePolicy, parse
    from checks.gitfetch import fetch

    try:
        policy = ClonePolicy.from_environment(os.environ)
    except ValueError as error:
        raise InputError(str(error)) from error
    url = parse(where, policy)
    mirrors.mkdir(parents=True, exist_ok=True)
    mirror = mirrors / f"{hashlib.sha256(url.text.encode()).hexdigest()[:32]}.git"
    fetched = fetch(url, mirror, policy=policy, progress=progress)
    commit = resolve(fetched.git_dir, rev) if rev else fetched.commit
    source = GitSource(fetched.git_dir, commit, remember=remember)
    return Opened(source, url.text, fetched.git_dir)


def open_base(opened: Opened, rev: str, *, remember: FactStore | None = None) -> Source:
    """The commit where the judged state and a revision part.

    Raises:
        InputError: There is no such revision, or no commit in common.
    """
    head = opened.source.commit or resolve(opened.git_dir)
    commit = merge_base(opened.git_dir, head, resolve(opened.git_dir, rev))
    if not commit:
        raise InputError(
            f"{rev} has no commit in common with what is judged: name another base, or fetch the"
            " whole history first."
        )
    return GitSource(opened.git_dir, commit, remember=remember)
