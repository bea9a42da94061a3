"""The parent's end of an analysis child: start it, feed it, listen to it, see how it died."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import IO, cast

import checks
from checks.facts import limits
from checks.facts.wire import ANSWERS, HEADER, READY, Answer, Batch, frame

_START = (
    "import sys; sys.path[:0] = sys.argv[2:];"
    " from checks.facts.child import main; main(sys.argv[1] == 'isolate')"
)
_LIBRARIES = ("msgspec", "yaml", "radon")
_READ = 1 << 20


class AnalysisError(Exception):
    """No analysis child can be started; the message says why and what to do."""


class ChildDied(Exception):
    """The child ended in mid-batch.

    Attributes:
        reason: What a person should know, in words that follow a path.
        lasting: True when the same file would end the next child too.
    """

    def __init__(self, reason: str, *, lasting: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.lasting = lasting


class Child:
    """One running analysis child in a directory of its own.

    Args:
        scratch: An existing, empty directory.

    Raises:
        AnalysisError: The child did not start.
    """

    _isolate = True

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._buffer = bytearray()
        self._received = 0
        self._silent_since = time.monotonic()
        self._start()
        if not self._greets() and Child._isolate:
            # A kernel that lets us leave the network and then write no file: stay in it.
            self.end()
            Child._isolate = False
            self._start()
            self._greets()
        if self._process.poll() is not None:
            raise AnalysisError(self._why_not())

    def _start(self) -> None:
        self._buffer.clear()
        with (self._scratch / "stderr").open("wb") as errors:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-I",
                    "-S",
                    "-c",
                    _START,
                    "isolate" if Child._isolate else "stay",
                    *_paths(),
                ],
                cwd=self._scratch,
                env=_environment(self._scratch),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
                bufsize=0,
            )
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                os.set_blocking(stream.fileno(), False)

    def _greets(self) -> bool:
        """Wait for the first frame."""
        end = time.monotonic() + limits.SILENCE_SECONDS
        while time.monotonic() < end:
            select.select([self], [], [], 1.0)
            try:
                if any(answer.task == READY for answer in self.receive()):
                    return True
            except ChildDied:
                return False
        self.end()
        return False

    def _why_not(self) -> str:
        lines = (self._scratch / "stderr").read_text("utf-8", "replace").strip().splitlines()
        cause = lines[-1][:200] if lines else f"exit status {self._process.returncode}"
        return (
            f"The analysis process cannot start ({cause}). Check the installation with `uv sync`."
        )

    def fileno(self) -> int:
        """Descriptor that becomes readable when the child has said something."""
        return cast("IO[bytes]", self._process.stdout).fileno()

    def send(self, batch: Batch) -> None:
        """Hand over a whole batch; the child reads all of it before it answers.

        Raises:
            ChildDied: It ended, or did not read in time.
        """
        self._received = 0
        rest = memoryview(frame(batch))
        end = time.monotonic() + limits.SILENCE_SECONDS
        pipe = cast("IO[bytes]", self._process.stdin).fileno()
        while rest:
            _, ready, _ = select.select([], [pipe], [], 1.0)
            if not ready and time.monotonic() > end:
                raise self._silence()
            try:
                rest = rest[os.write(pipe, rest) :] if ready else rest
            except BlockingIOError:
                continue
            except OSError:
                raise self._death() from None
        self._silent_since = time.monotonic()

    def receive(self) -> list[Answer]:
        """What the child has said since, without waiting.

        Raises:
            ChildDied: It ended, or answered more than a batch may.
        """
        try:
            data = os.read(self.fileno(), _READ)
        except BlockingIOError:
            return []
        if not data:
            raise self._death()
        self._silent_since = time.monotonic()
        self._received += len(data)
        if self._received > limits.OUTPUT_BYTES:
            self.end()
            raise ChildDied("has more facts than are kept of one file", lasting=True)
        self._buffer += data
        return self._frames()

    def _frames(self) -> list[Answer]:
        answers: list[Answer] = []
        start = 0
        while len(self._buffer) - start >= HEADER.size:
            length = HEADER.unpack_from(self._buffer, start)[0]
            body = start + HEADER.size
            if len(self._buffer) - body < length:
                break
            answers.append(ANSWERS.decode(bytes(self._buffer[body : body + length])))
            start = body + length
        del self._buffer[:start]
        return answers

    def watch(self) -> None:
        """End a child that has been silent for too long.

        Raises:
            ChildDied: It was silent.
        """
        if time.monotonic() - self._silent_since > limits.SILENCE_SECONDS:
            raise self._silence()

    def end(self) -> None:
        """End the child and what it started, now; may be called again."""
        if self._process.returncode is not None:
            return
        # Before it is reaped, so that the number of the group is still ours.
        with contextlib.suppress(OSError):
            os.killpg(self._process.pid, signal.SIGKILL)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self._process.wait()

    def _silence(self) -> ChildDied:
        self.end()
        seconds = int(limits.SILENCE_SECONDS)
        return ChildDied(f"analysis did not answer for {seconds} s", lasting=False)

    def _death(self) -> ChildDied:
        os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        self.end()
        code = self._process.returncode
        if code == -signal.SIGXCPU:
            return ChildDied(f"analysis took longer than {limits.FILE_SECONDS} s", lasting=True)
        if code == -signal.SIGKILL:
            return ChildDied("analysis was killed, perhaps for lack of memory", lasting=False)
        return ChildDied("analysis crashed on it", lasting=True)


@cache
def _paths() -> tuple[str, ...]:
    """Where the child imports from: this product and the folders of its libraries, absolute."""
    found = [str(Path(checks.__file__).resolve().parent.parent)]
    for name in _LIBRARIES:
        spec = find_spec(name)
        if spec is not None and spec.origin:
            found.append(str(Path(spec.origin).resolve().parent.parent))
    return tuple(dict.fromkeys(found))


def _environment(scratch: Path) -> dict[str, str]:
    """Nothing of ours: no secret, no setting, no path that a repository could stand in."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "LC_ALL": "C.UTF-8",
    }
