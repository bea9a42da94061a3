"""Answers that were given about the same content before, whichever commit it was a part of.

Half of the commits of a repository may touch nothing that any check reads, a merge holds what its
branch held, and a revert what was there before. An answer that owes nothing to the source is a
function of the content, of what was handed in and of our code, and is not worked out again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from checks.facts.store import FactStore
from checks.facts.store import Key as Place
from checks.facts.version import rules_version
from checks.model import Outcome
from checks.outcomes import pack, unpack
from checks.rules.specs import Key


class Recalled:
    """The answers about one content, in a store of facts.

    Args:
        store: Where facts are kept.
        content: Digest of what was read, :attr:`checks.reading.Read.content`.
        said: What no repository holds: ``attestations`` and ``tables``.
    """

    def __init__(self, store: FactStore, content: str, said: Mapping[str, Any]) -> None:
        handed = (
            [dict(each) for each in said.get("attestations", ())],
            dict(said.get("tables") or {}),
        )
        text = msgspec.json.encode(handed, order="sorted", enc_hook=str)
        digest = hashlib.sha256(content.encode() + text).hexdigest()[:32]
        self._store = store
        self._place = Place(digest, "content-answers", rules_version())
        self._answers = self._read()
        self._known = len(self._answers)

    def get(self, key: Key) -> Outcome | None:
        """What was answered before, None when nothing was."""
        return self._answers.get(key)

    def hold(self, key: Key, outcome: Outcome) -> None:
        """Take in an answer that owes nothing to the source; what failed is no answer."""
        if outcome.state != "unknown":
            self._answers[key] = outcome

    def keep(self) -> None:
        """Keep what was taken in, beside what was there."""
        if len(self._answers) > self._known:
            self._store.put_many({self._place: pack(self._answers)})

    def _read(self) -> dict[Key, Outcome]:
        data = self._store.get_many([self._place]).get(self._place, b"")
        try:
            return unpack(data)
        except ValueError:
            return {}
