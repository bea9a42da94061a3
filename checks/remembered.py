"""Reports that were made before: the same commit under the same rules is not judged twice.

A report is a function of the commit, the component, the standards, what leads attested, dated
tables and our own code; all of that is in its key. What may have been an accident (a blob that was
missing, a file that ran out of time, a check that broke) is never remembered.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from checks.facts.store import FactStore, Key
from checks.facts.version import rules_version
from checks.model import NOT_BUILT, Report
from checks.source import Source
from checks.standard import Standard

_LASTING = ("does not parse", "larger than", "is ", "contains NUL")
_DECODER = msgspec.json.Decoder(Report)
_ENCODER = msgspec.json.Encoder()


class Kept(NamedTuple):
    """A report, and packed beside it its answers and what can be drawn; empty where not wanted."""

    report: Report
    answers: bytes = b""
    anatomy: bytes = b""


class Remembered:
    """The place of one report in a store of facts.

    Args:
        store: Where facts are kept.
        commit: Commit that is judged; without one (uncommitted files) nothing is remembered.
        asked: Everything else that the report depends on, as JSON-like values.
    """

    def __init__(self, store: FactStore, commit: str, asked: Mapping[str, Any]) -> None:
        self._store = store
        text = msgspec.json.encode(asked, order="sorted", enc_hook=str)
        digest = hashlib.sha256(text).hexdigest()[:32]
        self._key = Key(commit, f"report:{digest}", rules_version()) if commit else None
        self._answers = Key(commit, f"answers:{digest}", rules_version())
        self._anatomy = Key(commit, f"anatomy:{digest}", rules_version())

    def read(self, answers: bool = False, anatomy: bool = False) -> Kept | None:
        """What was made before; None unless the report is there, and all that is wanted besides.

        Args:
            answers: Whether the answers are wanted.
            anatomy: Whether what can be drawn is wanted.
        """
        try:
            report = _DECODER.decode(self.encoded())
        except msgspec.DecodeError:
            return None
        found = Kept(
            report,
            self._bytes(self._answers if self._key and answers else None),
            self._bytes(self._anatomy if self._key and anatomy else None),
        )
        lacking = (answers and not found.answers) or (anatomy and not found.anatomy)
        return None if lacking else found

    def encoded(self) -> bytes:
        """The same as JSON in one line; nothing when it was not made before."""
        try:
            return zlib.decompress(self._bytes(self._key))
        except zlib.error:
            return b""

    def keep(self, kept: Kept) -> None:
        """Keep a report that owes nothing to an accident, with what goes along if there."""
        if self._key is None or not _is_certain(kept.report):
            return
        data = {self._key: zlib.compress(_ENCODER.encode(kept.report), 1)}
        if kept.answers:
            data[self._answers] = kept.answers
        if kept.anatomy:
            data[self._anatomy] = kept.anatomy
        self._store.put_many(data)

    def _bytes(self, key: Key | None) -> bytes:
        return b"" if key is None else self._store.get_many([key]).get(key, b"")


def _is_certain(report: Report) -> bool:
    if not all(each.reason.startswith(_LASTING) for each in report.manifest.skipped):
        return False
    return all(
        check.state != "unknown" or check.reason == NOT_BUILT
        for standard in report.standards
        for clause in standard.clauses
        for check in clause.checks
    )


def asked(
    source: Source,
    repository: str,
    component: str,
    standards: Sequence[Standard],
    attestations: Sequence[Mapping[str, Any]],
    tables: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """What a report depends on besides the commit and our code."""
    return {
        "surroundings": source.surroundings() if source.commit else "",
        "repository": repository,
        "component": component,
        "standards": [
            (each.slug, each.version, [(c.strength, bool(c.checks)) for c in each.clauses])
            for each in standards
        ],
        "attestations": [dict(each) for each in attestations],
        "tables": dict(tables or {}),
    }
