"""The analysis child as a process: what it may not do, and how its death is told."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from checks.facts import limits
from checks.facts.children import Child, ChildDied
from checks.facts.wire import DONE, Answer, Batch, Item, Task


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Child]:
    child = Child(tmp_path)
    yield child
    child.end()


def _pid(tmp_path: Path) -> int:
    """The process that works in the directory."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "cwd").readlink() == tmp_path:
                    return int(entry.name)
            except OSError:
                continue
    raise AssertionError("no process works there")


def _answers(child: Child) -> list[Answer]:
    answers: list[Answer] = []
    while not answers or answers[-1].task != DONE:
        select.select([child], [], [], 1.0)
        answers += child.receive()
    return answers


def _batch(*sources: bytes) -> Batch:
    return Batch((), tuple(Item(data, (Task(n, "py"),)) for n, data in enumerate(sources)))


def test_a_child_answers_a_batch_and_then_another(child: Child) -> None:
    for _ in range(2):
        child.send(_batch(b"x = 1\n", b"def f(:\n"))
        answers = _answers(child)
        assert [answer.task for answer in answers] == [0, 1, DONE]
        assert answers[0].data
        assert answers[0].note == ""
        assert "line 1" in answers[1].note


def test_a_batch_larger_than_every_pipe_does_not_block(child: Child) -> None:
    source = b"value = call(1, 2, 3)\n" * 4_000
    child.send(_batch(*[source] * 8))
    assert len(_answers(child)) == 9


def test_a_child_has_no_secret_and_no_rights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "hunter2")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    child = Child(tmp_path)
    process = Path("/proc") / str(_pid(tmp_path))
    environment = (process / "environ").read_bytes()
    status = (process / "status").read_text()
    bounds = (process / "limits").read_text()
    child.end()
    names = {entry.split(b"=")[0] for entry in environment.split(b"\0") if entry}
    assert names == {b"PATH", b"HOME", b"TMPDIR", b"LC_ALL"}
    assert "NoNewPrivs:\t1" in status
    for name, value in [
        ("Max address space", limits.CHILD_MEMORY),
        ("Max file size", limits.OUTPUT_BYTES),
        ("Max open files", limits.CHILD_FILES),
        ("Max core file size", 0),
    ]:
        line = next(line for line in bounds.splitlines() if line.startswith(name))
        assert line.removeprefix(name).split()[:2] == [str(value), str(value)]


@pytest.mark.parametrize(
    ("number", "reason", "lasting"),
    [
        (signal.SIGXCPU, "analysis took longer than 10 s", True),
        (signal.SIGSEGV, "analysis crashed on it", True),
        (signal.SIGKILL, "analysis was killed, perhaps for lack of memory", False),
    ],
)
def test_the_way_a_child_dies_is_told(
    child: Child, tmp_path: Path, number: int, reason: str, *, lasting: bool
) -> None:
    os.kill(_pid(tmp_path), number)
    with pytest.raises(ChildDied) as death:
        _answers(child)
    assert (death.value.reason, death.value.lasting) == (reason, lasting)


def test_a_silent_child_is_ended(
    child: Child, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = _pid(tmp_path)
    os.kill(pid, signal.SIGSTOP)
    monkeypatch.setattr(limits, "SILENCE_SECONDS", 0.0)
    with pytest.raises(ChildDied, match="did not answer"):
        child.watch()
    assert not Path(f"/proc/{pid}").exists()


def test_a_child_that_answers_too_much_is_ended(
    child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "OUTPUT_BYTES", 1_000)
    child.send(_batch(b"value = call(1, 2, 3)\n" * 1_000))
    with pytest.raises(ChildDied, match="more facts than are kept"):
        _answers(child)


def test_a_child_does_not_outlive_a_parent_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from checks.facts.children import Child\n"
        "child = Child(Path(sys.argv[1])); print('started', flush=True); time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    parent.stdout.readline()
    process = Path("/proc") / str(_pid(tmp_path))
    parent.kill()
    parent.wait()
    for _ in range(100):
        if not process.exists() or "\nState:\tZ" in (process / "status").read_text():
            break
        time.sleep(0.05)
    else:
        pytest.fail("the child is still there")


def test_what_python_finds_in_the_directory_is_not_imported(tmp_path: Path) -> None:
    for name in ("ast", "msgspec", "radon", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported')\n")
    child = Child(tmp_path)
    child.send(_batch(b"x = 1\n"))
    assert _answers(child)[0].data
    child.end()
