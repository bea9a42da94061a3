"""Facts of blobs that are not in the tree."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator

import msgspec
import pytest

from checks.facts import limits, tree
from checks.facts.analyses import AccidentError, Analyses
from checks.facts.pasttables import Version
from checks.facts.store import MemoryFactStore
from checks.facts.team import Team

BLOBS = {
    "1" * 40: b"def f() -> None:\n    '''Do.'''\n",
    "2" * 40: b"def f(:\n",
    "3" * 40: b"x = '" + b"a" * limits.SYNTAX_BYTES + b"'\n",
    "4" * 40: b"x = 1" + b"+1" * 10_000,
}


def reader(asked: list[str]) -> Callable[[Iterable[str]], Iterator[tuple[str, bytes]]]:
    def read(oids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        for oid in oids:
            asked.append(oid)
            yield oid, BLOBS[oid]

    return read


def test_each_blob_is_analysed_once_whatever_it_holds() -> None:
    store, asked = MemoryFactStore(), list[str]()
    found = Analyses(store).of("py", BLOBS, reader(asked))
    facts = {oid: tree.DECODER.decode(data) for oid, data in found.items()}
    assert [row.name for row in facts["1" * 40].functions] == ["f"]
    assert facts["2" * 40].error
    assert "3" * 40 not in facts
    assert asked == list(BLOBS)
    assert Analyses(store).of("py", BLOBS, reader(asked)) == found
    assert asked == list(BLOBS)


def test_what_is_asked_of_the_past_survives_a_hostile_file() -> None:
    with Team() as team:
        analyses = Analyses(team=team)
        tables = analyses.of("tables", BLOBS, reader([]))
        nothing = msgspec.msgpack.encode(Version({}, parsed=False))
        assert tables["2" * 40] == nothing
        docstrings = analyses.of("docstrings", BLOBS, reader([]))
        assert msgspec.msgpack.decode(docstrings["1" * 40]) == [["f", 1, "Do.", []]]
        assert msgspec.msgpack.decode(docstrings["2" * 40]) == []
        assert not {"3" * 40} & (tables.keys() | docstrings.keys())


def test_a_child_that_was_killed_is_an_accident_and_not_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = MemoryFactStore()
    monkeypatch.setattr("checks.facts.children.Child.send", _killing)
    with pytest.raises(AccidentError):
        Analyses(store).of("py", ["1" * 40], reader([]))
    monkeypatch.undo()
    assert Analyses(store).of("py", ["1" * 40], reader([]))


def _killing(child: object, batch: object) -> None:
    os.kill(child._process.pid, signal.SIGKILL)  # type: ignore[attr-defined]
