"""What a repository on the local disk must look like before git is let near it.

Its owner wrote its files, not we: a link, a borrowed object folder or a pointer file in it could
lead git to repositories that the operator never opened.
"""

from __future__ import annotations

import os
from pathlib import Path

from checks.gitfaults import FetchError

# Folders and files by which a repository can claim another one's objects or references.
_OWN = ("HEAD", "objects", "objects/info", "objects/pack", "refs", "refs/heads", "packed-refs")
_BORROWING = ("objects/info/alternates", "objects/info/http-alternates", "commondir")


def check_local(folder: Path) -> None:
    """Accept a repository that holds all it offers within ``folder``.

    Raises:
        FetchError: ``not-found``, ``not-a-git-server`` or ``host-refused``.
    """
    if not folder.exists():
        raise FetchError(
            "not-found", sentence="The folder does not exist; check the path for typing errors."
        )
    if not folder.is_dir():
        raise _no_repository()
    if not os.access(folder, os.R_OK | os.X_OK):
        raise FetchError(
            "host-refused", sentence="The folder may not be read; give this user read access."
        )
    git_dir = folder / ".git" if os.path.lexists(folder / ".git") else folder
    if git_dir.is_symlink() or git_dir.is_file():
        raise _elsewhere()
    if not (git_dir / "HEAD").is_file() or not (git_dir / "objects").is_dir():
        raise _no_repository()
    if any((git_dir / name).is_symlink() for name in _OWN):
        raise _elsewhere()
    if any(os.path.lexists(git_dir / name) for name in _BORROWING):
        raise _elsewhere()


def _no_repository() -> FetchError:
    return FetchError(
        "not-a-git-server", sentence="No git repository is in this folder; give the path of one."
    )


def _elsewhere() -> FetchError:
    return FetchError(
        "host-refused",
        sentence=(
            "The folder borrows its data from another repository; give the path of that one, or "
            "of a full clone."
        ),
    )
