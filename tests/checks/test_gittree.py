"""A hostile tree costs a note for each oddity, never the tree."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from checks import gittree
from checks.errors import DamagedRepository
from checks.gittree import Tree, is_dot_git, read_tree, shown_path
from tests.rawgit import RawRepository


@pytest.fixture
def raw(tmp_path: Path) -> RawRepository:
    return RawRepository(tmp_path / "raw.git")


def read(raw: RawRepository, root: str, *, max_files: int = 1000, max_bytes: int = 1 << 20) -> Tree:
    return read_tree(raw.git_dir, root, max_files=max_files, max_bytes=max_bytes)


def paths(tree: Tree) -> list[str]:
    return [entry.path for entry in tree.entries]


def nested(raw: RawRepository, names: Iterable[bytes], inner: str) -> str:
    for name in names:
        inner = raw.tree([("40000", name, inner)])
    return inner


def test_all_kinds_are_listed_by_path_with_their_sizes(raw: RawRepository) -> None:
    blob, link = raw.blob(b"12345"), raw.blob(b"/etc/passwd")
    app = raw.tree([("100755", b"run", blob), ("120000", b"secret", link)])
    entries = [("100644", b"z.py", blob), ("40000", b"app", app), ("160000", b"sub", "12" * 20)]
    tree = read(raw, raw.tree(entries))
    assert [(e.path, e.kind, e.size) for e in tree.entries] == [
        ("app/run", "executable", 5),
        ("app/secret", "symlink", 0),
        ("sub", "submodule", 0),
        ("z.py", "file", 5),
    ]
    assert [e.oid for e in tree.entries] == [blob, link, "12" * 20, blob]
    assert tree.notes == ()


HOSTILE = [
    b"..",
    b".",
    b"",
    b"/etc",
    b"a/b",
    b".git",
    b".GIT",
    b".Git.",
    b".git ",
    b".git...",
    b"git~1",
    b"GIT~1",
    b".git::$INDEX_ALLOCATION",
    b".git:x",
    ".g\u200cit".encode(),
    "\ufeff.git".encode(),
    b"a\\..\\b",
    b"a\\.git\\config",
    b"..\\x",
]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("mode", ["100644", "40000", "120000", "160000"])
def test_an_entry_that_leads_out_or_into_git_is_left_out(
    raw: RawRepository, name: bytes, mode: str
) -> None:
    blob = raw.blob()
    target = raw.tree([("100644", b"inner", blob)]) if mode == "40000" else blob
    tree = read(raw, raw.tree([("100644", b"ok.py", blob), (mode, name, target)]))
    assert paths(tree) == ["ok.py"]
    [(_, reason)] = tree.notes
    assert reason.startswith("left out: ")


@pytest.mark.parametrize(
    "name", [b".gitignore", b".github", b"git", b"git~2", b".git-x", b"...", b"a..b", b"a\\b", b" "]
)
def test_an_unusual_but_harmless_name_is_kept(raw: RawRepository, name: bytes) -> None:
    tree = read(raw, raw.tree([("100644", name, raw.blob())]))
    assert paths(tree) == [name.decode()]
    assert tree.notes == ()


def test_a_name_that_stands_twice_is_taken_once(raw: RawRepository) -> None:
    first, second = raw.blob(b"1"), raw.blob(b"2")
    tree = read(raw, raw.tree([("100644", b"a", first), ("100644", b"a", second)]))
    assert [e.oid for e in tree.entries] == [first]
    assert tree.notes == (("a", "left out: the same name twice in one folder"),)


def test_names_of_other_bytes_are_shown_and_never_collide(raw: RawRepository) -> None:
    names = [b"\xff", b"\\xff", b"\\x5cxff", b"\\x5c\xff", b"\xfe\\xff", "\u00e9".encode(), b"\xe9"]
    tree = read(raw, raw.tree([("100644", name, raw.blob(name)) for name in names]))
    assert len(set(paths(tree))) == len(names)
    assert {"\\xff", "\u00e9", "\\xe9"} < set(paths(tree))
    assert all(path.isprintable() for path in paths(tree))
    assert {shown_path(b"a/" + name) for name in names} == {"a/" + path for path in paths(tree)}


def test_a_folder_with_a_broken_end_keeps_what_was_readable(raw: RawRepository) -> None:
    good = b"100644 a.py\0" + bytes.fromhex(raw.blob())
    tree = read(raw, raw.write("tree", good + b"100644 cut\0abc"))
    assert paths(tree) == ["a.py"]
    assert tree.notes == (("", "left out: the rest of this folder is not readable"),)


def test_folders_are_followed_two_hundred_deep_and_no_further(raw: RawRepository) -> None:
    leaf = raw.tree([("100644", b"f", raw.blob())])
    at_limit = nested(raw, [b"d"] * 200, leaf)
    assert paths(read(raw, at_limit)) == ["d/" * 200 + "f"]
    beyond = read(raw, nested(raw, [b"d"] * 3000, leaf))
    assert paths(beyond) == []
    assert beyond.notes == (("/".join("d" * 201), "left out: nested deeper than 200 folders"),)


def test_a_path_over_its_limit_is_left_out(raw: RawRepository) -> None:
    leaf = raw.tree([("100644", b"f", raw.blob()), ("100644", b"long", raw.blob())])
    tree = read(raw, nested(raw, [b"x" * 255, b"x" * 255, b"x" * 255, b"x" * 254], leaf))
    assert [len(path) for path in paths(tree)] == [1024]
    [(_, reason)] = tree.notes
    assert reason == "left out: path longer than 1024 bytes"


def test_a_tree_bomb_ends_at_the_limit_of_files(raw: RawRepository) -> None:
    inner = raw.tree([("100644", b"f%d" % n, raw.blob()) for n in range(10)])
    for _ in range(12):
        inner = raw.tree([("40000", b"d%d" % n, inner) for n in range(10)])
    tree = read(raw, inner)
    assert len(tree.entries) <= 1000
    assert ("", "more than 1000 files: the rest is not looked at") in tree.notes


@pytest.mark.parametrize(("width", "depth"), [(10, 12), (40, 100)])
def test_a_bomb_of_empty_folders_ends_at_the_limit_too(
    raw: RawRepository, width: int, depth: int
) -> None:
    # Either each folder holds many, or many stand side by side and each is deep.
    inner = raw.tree([])
    for _ in range(depth):
        fan = width if depth < 100 else 1
        inner = raw.tree([("40000", b"d%d" % n, inner) for n in range(fan)])
    tree = read(raw, raw.tree([("40000", b"r%d" % n, inner) for n in range(width)]))
    assert tree.notes == (("", "more than 1000 files: the rest is not looked at"),)


def test_exactly_as_many_files_as_allowed_are_no_excess(raw: RawRepository) -> None:
    root = raw.tree([("100644", b"f%d" % n, raw.blob()) for n in range(5)])
    assert read(raw, root, max_files=5).notes == ()
    cut = read(raw, root, max_files=4)
    assert paths(cut) == ["f0", "f1", "f2", "f3"]
    assert cut.notes == (("", "more than 4 files: the rest is not looked at"),)


def test_the_largest_blobs_are_unread_when_all_are_too_many_bytes(raw: RawRepository) -> None:
    sizes = {b"a": 300, b"b": 500, b"c": 200}
    oids = {name: raw.blob(name * size) for name, size in sizes.items()}
    tree = read(raw, raw.tree([("100644", n, oids[n]) for n in sizes]), max_bytes=500)
    assert tree.unread == {oids[b"b"]}
    assert paths(tree) == ["a", "b", "c"]
    assert tree.notes[1:] == (("b", "not read: the repository is over the limit on bytes"),)


def test_a_flood_of_notes_is_cut(raw: RawRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gittree, "MAX_NOTES", 3)
    root = raw.tree([("100644", b"x/%d" % n, raw.blob()) for n in range(50)])
    notes = read(raw, root).notes
    assert len(notes) == 4
    assert notes[3] == ("", "more than 3 entries are unusual")


def test_a_file_that_a_partial_clone_lacks_is_listed_and_not_read(raw: RawRepository) -> None:
    gone = "34" * 20
    tree = read(raw, raw.tree([("100644", b"a", raw.blob()), ("100644", b"gone", gone)]))
    assert paths(tree) == ["a", "gone"]
    assert tree.unread == {gone}
    assert tree.notes == (("gone", "not read: its content is missing from this clone"),)


def test_a_missing_folder_is_damage(raw: RawRepository) -> None:
    with pytest.raises(DamagedRepository, match="is missing"):
        read(raw, raw.tree([("40000", b"gone", "34" * 20)]))


def test_a_folder_that_is_a_file_is_damage(raw: RawRepository) -> None:
    with pytest.raises(DamagedRepository):
        read(raw, raw.tree([("40000", b"folder", raw.blob())]))


def test_objects_of_64_digits_are_read(tmp_path: Path) -> None:
    raw = RawRepository(tmp_path / "raw.git", digits=64)
    app = raw.tree([("100644", b"a.py", raw.blob(b"123"))])
    tree = read(raw, raw.tree([("40000", b"app", app)]))
    assert [(e.path, len(e.oid), e.size) for e in tree.entries] == [("app/a.py", 64, 3)]


@pytest.mark.parametrize("name", [".git", ".GIT", "git~1", ".git. . ", ".git:stream", ".gi\u200dt"])
def test_what_some_file_system_takes_for_git_is_recognised(name: str) -> None:
    assert is_dot_git(name)
