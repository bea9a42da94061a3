"""What a person can get wrong. Every message is one clear sentence that says what to do next."""

from __future__ import annotations


class InputError(Exception):
    """The input cannot be judged. Ends the command with exit code 2 and this one sentence."""


class RepositoryError(InputError):
    """A repository cannot be read."""


class GitMissing(RepositoryError):
    """There is no git program on this machine."""


class NotARepository(RepositoryError):
    """The folder is no git repository."""


class EmptyRepository(RepositoryError):
    """The repository has no commit yet."""


class UnknownRevision(RepositoryError):
    """The revision that was asked for does not exist, or its name is not acceptable."""


class UnsupportedRepository(RepositoryError):
    """The repository has a format that the installed git cannot read."""


class DamagedRepository(RepositoryError):
    """An object is missing or unreadable: the copy has to be made again."""


class ReadLimit(RepositoryError):
    """Reading took longer, or gave more, than any honest repository needs."""
