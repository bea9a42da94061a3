"""Where this machine keeps what it read out of blobs."""

from __future__ import annotations

from functools import cache

from django.conf import settings

from checks.facts.store import SqliteFactStore


@cache
def store() -> SqliteFactStore:
    """Return the fact store of this machine, a file that all its processes share.

    Facts can be made again at any time, so each machine has its own and none is in the database.
    """
    return SqliteFactStore(settings.HOME / "cache" / "facts.sqlite3")
