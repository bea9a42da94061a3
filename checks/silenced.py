"""The comments by which the Python files of a folder silence a tool, each with its reason.

A comment that leaves lines out of the measured coverage silences no tool, so it is none of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from checks.facts.limits import SYNTAX_BYTES
from checks.facts.text import SuppressionKind, decode, noqa, split_lines
from checks.facts.version import extractor_version
from checks.outline import line_digests
from checks.project.layout import excluded_path
from checks.source import Entry, Source

_SUFFIXES = (".py", ".pyi")


class Silenced(msgspec.Struct, frozen=True, array_like=True):
    """One comment that silences a tool.

    Attributes:
        line: Where it stands, 1-based.
        kind: Which tool it silences.
        codes: What of it; empty when it is all.
        file_wide: Whether it holds for the whole file.
        reason: Why, in the words beside it; "" when there are none.
        text: Digest of the line, by which it is known again.
        end_line: Last line it covers; 0 when it covers its own line only.
    """

    line: int
    kind: SuppressionKind
    codes: tuple[str, ...]
    file_wide: bool
    reason: str
    text: str
    end_line: int = 0


def silenced(source: Source, folder: str = "") -> dict[str, tuple[Silenced, ...]]:
    """The comments in a folder's own files, by path; files without any are left out.

    A file is read once: what it says is remembered by its content.
    """
    files = [entry for entry in source.tree() if _is_own(entry, folder)]
    known = source.remembered(f"silenced 2 {extractor_version()[:12]}", tuple[Silenced, ...])

    def read(oids: Sequence[str]) -> Iterator[tuple[str, tuple[Silenced, ...]]]:
        return ((oid, _of(data)) for oid, data in source.blobs(oids))

    found = known.records([entry.oid for entry in files], read)
    return {entry.path: comments for entry in files if (comments := found.get(entry.oid))}


def _is_own(entry: Entry, folder: str) -> bool:
    prefix = f"{folder}/" if folder else ""
    return (
        entry.kind in {"file", "executable"}
        and entry.size <= SYNTAX_BYTES
        and entry.path.startswith(prefix)
        and entry.path.endswith(_SUFFIXES)
        and not excluded_path(entry.path[len(prefix) :])
    )


def _of(data: bytes) -> tuple[Silenced, ...]:
    decoded = decode(data)
    if not decoded.readable:
        return ()
    comments = [each for each in noqa(split_lines(decoded.text)) if each.kind != "no-cover"]
    digests = line_digests(data, {each.line for each in comments}) if comments else {}
    return tuple(
        Silenced(
            each.line,
            each.kind,
            each.codes,
            each.file_wide,
            each.reason,
            digests.get(each.line, ""),
            each.end_line,
        )
        for each in comments
    )
