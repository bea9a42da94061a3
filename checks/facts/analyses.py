"""Facts of blobs that are not in the tree: old versions of files, analysed like all others."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from checks.facts.doctree import DocumentFact
from checks.facts.mapper import MapJob, Reader, key_of, map_blobs
from checks.facts.store import FactStore, MemoryFactStore
from checks.facts.team import Team

_DOCUMENTS = msgspec.msgpack.Decoder(DocumentFact)


class AccidentError(Exception):
    """An analysis child was lost by an accident: another review may know more."""


class Analyses:
    """Makes facts of any blobs, by disposable children, and keeps them where facts are kept.

    Args:
        store: Facts of earlier reviews; none are kept without one.
        team: Children that are there already; without any, new ones are started when needed.
    """

    def __init__(self, store: FactStore | None = None, team: Team | None = None) -> None:
        self._store = store or MemoryFactStore()
        self._team = team

    def of(self, kind: str, oids: Iterable[str], read: Reader) -> dict[str, bytes]:
        """Encoded facts of a kind by blob; a blob that is too large or broke its child has none.

        Args:
            kind: A kind of :class:`~checks.facts.mapper.MapJob`.
            oids: Blobs.
            read: Content of blobs, such as ``Source.blobs``.

        Raises:
            AccidentError: A child was ended for what need not happen again.
            checks.facts.children.AnalysisError: No child can be started.
        """
        keys = {oid: MapJob(oid, kind, -1) for oid in oids}
        mapped = map_blobs(list(keys.values()), read, self._store, team=self._team)
        if mapped.accidents:
            note = mapped.notes[min(mapped.accidents)]
            raise AccidentError(f"old versions of files could not be analysed: {note}")
        found = ((oid, mapped.facts.get(key_of(job))) for oid, job in keys.items())
        return {oid: data for oid, data in found if data is not None}

    def documents(self, kind: str, oids: Iterable[str], read: Reader) -> dict[str, DocumentFact]:
        """Facts of documents by blob, in the same way."""
        found = self.of(kind, oids, read)
        return {oid: _DOCUMENTS.decode(data) for oid, data in found.items()}
