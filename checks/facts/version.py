"""Version of the extractors: a digest of their own source, so that no one forgets to raise it."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).parent.parent
_TOOLS = ("msgspec", "pyyaml", "radon", "ruff")
_DIST = re.compile(rf"^({'|'.join(_TOOLS)})-([^-]+)\.dist-info$", re.IGNORECASE)


@cache
def extractor_version() -> str:
    """16 hex digits that change with any source file beside this one, Python or a library used.

    Facts of another version are never read again: they age out of the store.
    """
    digest = hashlib.sha256(repr(sys.version_info[:3]).encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    for name, version in tool_versions().items():
        digest.update(f"{name}={version}\0".encode())
    return digest.hexdigest()[:16]


@cache
def rules_version() -> str:
    """16 hex digits that change with any source or definition of the whole package."""
    digest = hashlib.sha256(extractor_version().encode())
    for name, path in _sources(str(_PACKAGE)):
        digest.update(name.encode() + b"\0" + Path(path).read_bytes())
    return digest.hexdigest()[:16]


def _sources(folder: str, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Name and path of every source and definition below a folder, in order."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda each: each.name):
            if entry.name.endswith((".py", ".toml")):
                yield prefix + entry.name, entry.path
            elif entry.name not in {"examples", "__pycache__"} and entry.is_dir():
                yield from _sources(entry.path, f"{prefix}{entry.name}/")


@cache
def tool_versions() -> dict[str, str]:
    """Installed versions of the libraries and tools that make facts, by name.

    Read from the names of the ``dist-info`` folders: importing ``importlib.metadata`` costs more
    than a review of a small change.
    """
    found: dict[str, str] = {}
    for folder in sys.path:
        try:
            entries = list(Path(folder).iterdir())
        except OSError:
            continue
        for entry in entries:
            if match := _DIST.match(entry.name):
                found.setdefault(match[1].lower(), match[2])
    return {name: found.get(name, "unknown") for name in _TOOLS}
