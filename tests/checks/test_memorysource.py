"""Files in memory are read through the same port as those of a repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

from checks.gitread import git_program
from checks.gitsource import GitSource
from checks.memorysource import MemorySource, blob_id
from checks.source import Source
from tests.materialise import materialise


def test_ids_are_those_that_git_gives() -> None:
    for content in (b"", b"X = 1\n", b"\0\xff"):
        given = subprocess.run(
            [git_program(), "hash-object", "--stdin"],
            input=content,
            capture_output=True,
            check=True,
        ).stdout
        assert blob_id(content) == given.decode().strip()
    assert len(blob_id(b"", digits=64)) == 64


def test_plain_files_make_a_source() -> None:
    source: Source = MemorySource.of({"b.py": "B = 'é'\n", "a.py": b"\xff"}, time=1700000000)
    assert [(e.path, e.kind, e.size) for e in source.tree()] == [
        ("a.py", "file", 1),
        ("b.py", "file", 9),
    ]
    oids = [entry.oid for entry in source.tree()]
    assert list(source.blobs(reversed(oids))) == [
        (oids[1], "B = 'é'\n".encode()),
        (oids[0], b"\xff"),
    ]
    assert (source.commit, source.time, source.shallow) == ("", 1700000000, False)
    assert not source.notes()
    assert not source.history()
    assert not source.mainline()
    assert not list(source.changes())
    assert not source.branches()


def test_older_blobs_and_history_come_from_below(tmp_path: Path) -> None:
    example = materialise("#-- a.py\nA = 1\n", tmp_path / "a.git")
    below = GitSource(example.git_dir, example.commit)
    new = MemorySource.of({"b.py": "B = 1\n", "c.py": "C = 1\n"}, time=0).tree()
    contents = {new[0].oid: b"B = 1\n"}
    source = MemorySource(new, contents, time=below.time, below=below)
    old = below.tree()[0].oid
    asked = [old, new[0].oid, old, new[1].oid]
    # What is listed without content is too large to be read; it is nowhere else either.
    assert list(source.blobs(asked)) == [
        (old, b"A = 1\n"),
        (new[0].oid, b"B = 1\n"),
        (old, b"A = 1\n"),
    ]
    assert source.history() == below.history()
    assert list(source.changes()) == list(below.changes())
    assert source.mainline() == [example.commit]
    assert list(source.branches()) == ["main"]
