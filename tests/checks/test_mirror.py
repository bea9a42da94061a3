"""Mirrors on disk: one writer, pins that hold, damage that is mended."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from pathlib import Path

import pytest

from checks import mirror
from checks.gitfaults import FetchError
from tests.checks.fetching import LIMITS, fetch, refs
from tests.gitservers import GitServer, Origin, git


def test_one_writer_per_mirror(server: GitServer, origin: Origin, place: Path) -> None:
    impatient = dataclasses.replace(LIMITS, short_seconds=0.2)
    with mirror.mirror_lock(place, LIMITS), pytest.raises(FetchError) as caught:
        fetch(server, place, limits=impatient)
    assert caught.value.code == "busy"
    assert fetch(server, place).commit == origin.top()


def test_a_rewritten_branch_is_followed_and_a_pinned_commit_stays_readable(
    server: GitServer, origin: Origin, place: Path
) -> None:
    old = fetch(server, place).commit
    new = origin.commit({"app.py": "z = 3\n"}, unrelated=True)
    assert fetch(server, place, keep={7: old, 8: "f" * 40, 9: "no id"}).commit == new
    git(place, "gc", "--quiet", "--prune=now")
    assert git(place, "cat-file", "-t", old) == "commit"
    fetch(server, place)
    assert git(place, "cat-file", "-t", old) == "commit"
    fetch(server, place, keep={})
    git(place, "gc", "--quiet", "--prune=now")
    with pytest.raises(subprocess.CalledProcessError):
        git(place, "cat-file", "-t", old)


def flip_a_byte(place: Path) -> None:
    pack = next((place / "objects").rglob("*.pack"), None) or next(
        path for path in (place / "objects").rglob("*") if path.is_file()
    )
    pack.chmod(0o600)
    content = bytearray(pack.read_bytes())
    content[len(content) // 2] ^= 0xFF
    pack.write_bytes(content)


def lose_all_objects(place: Path) -> None:
    for folder in (place / "objects").iterdir():
        shutil.rmtree(folder)


def empty_a_reference(place: Path) -> None:
    (place / "refs" / "heads" / "main").write_text("")


def lose_head(place: Path) -> None:
    (place / "HEAD").unlink()


def break_config(place: Path) -> None:
    (place / "config").write_text("[core\n\0")


def leave_locks(place: Path) -> None:
    (place / "refs" / "heads" / "main.lock").touch()
    (place / "packed-refs.lock").touch()
    (place / "objects" / "pack").mkdir(exist_ok=True)
    (place / "objects" / "pack" / "tmp_pack_abc").write_bytes(b"x" * 100)


@pytest.mark.parametrize(
    "damage", [lose_all_objects, empty_a_reference, lose_head, break_config, leave_locks]
)
def test_a_damaged_mirror_is_mended_by_the_next_fetch(
    server: GitServer, origin: Origin, place: Path, damage: object
) -> None:
    fetch(server, place)
    assert callable(damage)
    damage(place)
    new = origin.commit({"app.py": "x = 3\n"})
    assert fetch(server, place).commit == new
    git(place, "fsck", "--full")
    assert sorted(path.name for path in place.parent.iterdir()) == ["1.git", "1.git.lock"]
    assert not list(place.rglob("tmp_*")) + list(place.rglob("*.lock"))


def test_a_mirror_that_can_not_be_read_is_made_anew_on_request_with_its_pins(
    server: GitServer, origin: Origin, place: Path
) -> None:
    first = fetch(server, place).commit
    fetch(server, place, keep={1: first})
    flip_a_byte(place)
    assert fetch(server, place, rebuild="always").commit == first
    git(place, "fsck", "--full")
    assert refs(place)["refs/straightedge/scans/1"] == first


def test_maintenance_finds_missing_history(server: GitServer, origin: Origin, place: Path) -> None:
    fetch(server, place)
    mirror.maintain(place)
    lose_all_objects(place)
    with pytest.raises(FetchError) as caught:
        mirror.maintain(place)
    assert caught.value.code == "corrupt"


def test_a_dropped_mirror_leaves_nothing(server: GitServer, origin: Origin, place: Path) -> None:
    fetch(server, place)
    mirror.drop(place)
    assert list(place.parent.iterdir()) == []
