"""Reports that were made before: the same commit under the same rules is not judged twice.

A report is a function of the commit, the component, the standards, what leads attested, dated
tables and our own code; all of that is in its key. What may have been an accident (a blob that was
missing, a file that ran out of time, a check that broke) is never remembered.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from checks.facts.store import FactStore, Key
from checks.facts.version import rules_version
from checks.model import NOT_BUILT, Report
from checks.source import Source
from checks.standard import Standard

_LASTING = ("does not parse", "larger than", "is ", "contains NUL")
_DECODER = msgspec.json.Decoder(Report)
_ENCODER = msgspec.json.Encoder()


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

    def read(self) -> Report | None:
        """The report, when it was made before."""
        try:
            return _DECODER.decode(self.encoded())
        except msgspec.DecodeError:
            return None

    def encoded(self) -> bytes:
        """The same as JSON in one line; nothing when it was not made before."""
        try:
            return zlib.decompress(self._bytes(self._key))
        except zlib.error:
            return b""

    def answers(self) -> bytes:
        """The packed answers it was made of; nothing when they were not kept."""
        return self._bytes(self._answers if self._key else None)

    def keep(self, report: Report, answers: bytes = b"") -> None:
        """Keep a report that owes nothing to an accident, with its packed answers if there."""
        if self._key is None or not _is_certain(report):
            return
        kept = {self._key: zlib.compress(_ENCODER.encode(report), 1)}
        if answers:
            kept[self._answers] = answers
        self._store.put_many(kept)

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
