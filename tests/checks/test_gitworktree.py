"""Uncommitted files are judged as they lie on the disk."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from checks import gitworktree
from checks.errors import NotARepository
from checks.gitread import git_program
from checks.gitsource import GitSource, resolve
from checks.gitworktree import worktree
from checks.memorysource import MemorySource
from tests.materialise import materialise


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with one commit of a.py, b.py, lib/c.py and .gitignore."""
    text = "#-- a.py\nA = 1\n#-- b.py\nB = 1\n#-- lib/c.py\nC = 1\n#-- .gitignore\n*.log\n"
    example = materialise(text, tmp_path / "orders.git")
    folder = tmp_path / "orders"
    git(tmp_path, "clone", "-q", str(example.git_dir), str(folder))
    return folder


def git(folder: Path, *arguments: str) -> None:
    subprocess.run([git_program(), "-C", str(folder), *arguments], check=True, capture_output=True)


def listed(source: MemorySource) -> dict[str, bytes | str]:
    """Content, or kind where there is none to read, by path."""
    contents = dict(source.blobs(entry.oid for entry in source.tree()))
    return {entry.path: contents.get(entry.oid, entry.kind) for entry in source.tree()}


def test_an_untouched_checkout_equals_its_commit(checkout: Path) -> None:
    git_dir = checkout / ".git"
    committed = GitSource(git_dir, resolve(git_dir))
    source = worktree(checkout)
    assert list(source.tree()) == list(committed.tree())
    assert source.history() == committed.history()
    assert (source.commit, source.time) == ("", committed.time)
    assert not source.notes()


def test_the_content_on_the_disk_counts(checkout: Path) -> None:
    (checkout / "a.py").write_text("A = 2\n")
    (checkout / "b.py").unlink()
    (checkout / "new.py").write_text("N = 1\n")
    (checkout / "staged.py").write_text("S = 1\n")
    git(checkout, "add", "staged.py")
    (checkout / "noise.log").write_text("ignored\n")
    (checkout / "lib/c.py").chmod(0o755)
    source = worktree(checkout)
    assert listed(source) == {
        ".gitignore": b"*.log\n",
        "a.py": b"A = 2\n",
        "lib/c.py": b"C = 1\n",
        "new.py": b"N = 1\n",
        "staged.py": b"S = 1\n",
    }
    assert [entry.path for entry in source.tree() if entry.kind == "executable"] == ["lib/c.py"]


def test_a_tracked_file_counts_although_it_is_ignored(checkout: Path) -> None:
    (checkout / "kept.log").write_text("kept\n")
    git(checkout, "add", "-f", "kept.log")
    assert listed(worktree(checkout))["kept.log"] == b"kept\n"


def test_links_are_listed_and_never_followed(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/c.py").write_text("hunter2\n")
    (checkout / "link.py").symlink_to(tmp_path / "secret/c.py")
    (checkout / "a.py").unlink()
    (checkout / "a.py").symlink_to("/etc/passwd")
    (checkout / "lib/c.py").unlink()
    (checkout / "lib").rmdir()
    (checkout / "lib").symlink_to(tmp_path / "secret")
    found = listed(worktree(checkout))
    assert {path: found[path] for path in ("link.py", "a.py", "lib")} == dict.fromkeys(
        ("link.py", "a.py", "lib"), "symlink"
    )
    assert "lib/c.py" not in found


def test_pipes_and_repositories_inside_are_no_files(checkout: Path) -> None:
    os.mkfifo(checkout / "pipe")
    (checkout / "a.py").unlink()
    os.mkfifo(checkout / "a.py")
    (checkout / "inner").mkdir()
    git(checkout / "inner", "init", "-q")
    (checkout / "inner/x.py").write_text("X = 1\n")
    assert sorted(listed(worktree(checkout))) == [".gitignore", "b.py", "lib/c.py"]


def test_names_that_are_no_text_are_shown(checkout: Path) -> None:
    Path(os.fsdecode(os.fsencode(checkout) + b"/\xff.py")).write_text("F = 1\n")
    assert listed(worktree(checkout))["\\xff.py"] == b"F = 1\n"


def test_a_file_too_large_is_listed_and_not_read(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gitworktree, "MAX_ONE_BLOB", 10)
    (checkout / "large.py").write_text("x" * 11)
    source = worktree(checkout)
    assert listed(source)["large.py"] == "file"
    assert ("large.py", "not read: too large") in source.notes()


def test_a_file_that_may_not_be_read_costs_a_note(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The user of a container may read everything, whatever the mode of the file.
    opened = os.open

    def refuse(path: bytes | str, flags: int) -> int:
        if os.fsencode(path).endswith(b"a.py"):
            raise PermissionError(13, "Permission denied")
        return opened(path, flags)

    monkeypatch.setattr(os, "open", refuse)
    source = worktree(checkout)
    assert list(source.notes()) == [("a.py", "left out: not readable (Permission denied)")]
    assert "b.py" in listed(source)


def test_a_repository_without_a_commit_has_files_and_no_history(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "a.py").write_text("A = 1\n")
    source = worktree(tmp_path)
    assert listed(source) == {"a.py": b"A = 1\n"}
    assert not source.history()
    assert source.time > 1_700_000_000


def test_a_submodule_is_listed(checkout: Path) -> None:
    git(checkout, "update-index", "--add", "--cacheinfo", f"160000,{'12' * 20},sub")
    [entry] = [entry for entry in worktree(checkout).tree() if entry.path == "sub"]
    assert (entry.kind, entry.oid) == ("submodule", "12" * 20)


def test_a_file_monitor_of_the_checkout_is_not_started(checkout: Path, tmp_path: Path) -> None:
    mark = tmp_path / "started"
    program = tmp_path / "monitor"
    program.write_text(f"#!/bin/sh\ntouch {mark}\n")
    program.chmod(0o755)
    git(checkout, "config", "core.fsmonitor", str(program))
    git(checkout, "config", "core.worktree", "/etc")
    assert "a.py" in listed(worktree(checkout))
    assert not mark.exists()


def test_what_has_no_files_is_refused(checkout: Path, tmp_path: Path) -> None:
    for folder in (checkout.parent / "orders.git", checkout / ".git", tmp_path):
        with pytest.raises(NotARepository):
            worktree(folder)
