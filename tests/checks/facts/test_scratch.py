"""Scratch directories do not outlive their owner."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from checks.facts import scratch
from checks.facts.scratch import scratch_directory


@pytest.fixture(autouse=True)
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(scratch, "_base", lambda: tmp_path)
    return tmp_path


def _folders(base: Path) -> list[Path]:
    return [path for path in base.iterdir() if path.name.startswith("straightedge-scratch-")]


def test_a_directory_is_private_and_gone_afterwards_whatever_happened(base: Path) -> None:
    with scratch_directory() as path:
        assert path.stat().st_mode & 0o777 == 0o700
        (path / "deep").mkdir()
        (path / "deep" / "file").touch()
    assert _folders(base) == []
    with pytest.raises(ZeroDivisionError), scratch_directory():
        raise ZeroDivisionError
    assert _folders(base) == []


def test_what_a_killed_process_left_is_swept_and_what_is_in_use_is_kept(base: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from checks.facts import scratch\n"
        "scratch._base = lambda: Path(sys.argv[1])\n"
        "with scratch.scratch_directory() as path: print(path, flush=True); time.sleep(60)\n"
    )
    owners = [
        subprocess.Popen([sys.executable, "-c", code, base], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    paths = [Path(owner.stdout.readline().strip()) for owner in owners if owner.stdout]
    owners[0].send_signal(signal.SIGKILL)
    owners[0].wait()
    hour_ago = time.time() - 3600
    for path in paths:
        os.utime(path, (hour_ago, hour_ago))
    with scratch_directory() as mine:
        assert set(_folders(base)) == {paths[1], mine}
    owners[1].kill()
    owners[1].wait()


def test_a_link_that_bears_our_name_is_not_followed(base: Path) -> None:
    target = base / "precious"
    target.mkdir()
    link = base / "straightedge-scratch-link"
    link.symlink_to(target)
    with scratch_directory():
        pass
    assert target.is_dir()
    assert link.is_symlink()
