"""How git is run for reading: a fixed program, an environment built from nothing, bytes out.

Nothing here reads a working tree, and no configuration of the machine or the user takes part. A
process that was interrupted is thrown away, never asked again: an answer that is left in the pipe
would be taken for the answer to the next question.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

from checks.errors import DamagedRepository, GitMissing, NotARepository, ReadLimit

SEARCH_PATH = "/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin:/opt/local/bin"
# Seconds that git may keep its reader waiting; a long history is sorted before its first line.
SILENCE = 300.0
CHUNK = 1 << 16
# Questions that are on their way at one time. Their text must fit into a pipe, or git and we
# would wait for each other.
BATCH = 500
HEX_ID = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")

# Local configuration is read by git in any case; these settings keep it from starting programs
# or from changing what is printed.
_CONFIG = (
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.untrackedCache", "false"),
    ("core.bigFileThreshold", "16m"),
    ("protocol.allow", "never"),
    ("log.showRoot", "true"),
    ("log.showSignature", "false"),
    ("diff.ignoreSubmodules", "none"),
)


@functools.cache
def git_program() -> str:
    """Absolute path of git, found once.

    Raises:
        GitMissing: There is none.
    """
    inherited = [part for part in os.get_exec_path() if Path(part).is_absolute()]
    found = shutil.which("git", path=os.pathsep.join([SEARCH_PATH, *inherited]))
    if found is None:
        raise GitMissing("git was not found on this machine: install git 2.30 or newer.")
    return found


def environment(git_dir: Path) -> dict[str, str]:
    """The whole environment of a git process that reads ``git_dir``."""
    env = {
        "PATH": f"{Path(git_program()).parent}:{SEARCH_PATH}",
        "HOME": "",
        "LC_ALL": "C.UTF-8",
        "LANGUAGE": "C",
        "GIT_DIR": str(git_dir.absolute()),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_SYSTEM": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_GRAFT_FILE": "/dev/null",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        # A partial clone would fetch what is missing while we read: not from anywhere.
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_CONFIG_COUNT": str(len(_CONFIG)),
    }
    for number, (key, value) in enumerate(_CONFIG):
        env[f"GIT_CONFIG_KEY_{number}"] = key
        env[f"GIT_CONFIG_VALUE_{number}"] = value
    return env


def git_dir_of(folder: Path) -> Path:
    """The git directory of a checkout, or the folder itself when it is a bare repository.

    Raises:
        NotARepository: It is neither.
    """
    if not folder.is_dir():
        raise NotARepository(f"{folder} is no folder: give the path of a git repository.")
    dot_git = folder / ".git"
    if dot_git.is_file() and (target := _gitfile_target(dot_git)) is not None:
        dot_git = target
    for candidate in (dot_git, folder):
        if (candidate / "HEAD").is_file() and (common_dir(candidate) / "objects").is_dir():
            return candidate.absolute()
    for above in folder.absolute().parents:
        if (above / ".git").exists():
            inside = folder.absolute().relative_to(above)
            raise NotARepository(
                f"{folder} is a folder of the repository {above}: "
                f"give that path, with --component {inside.as_posix()}."
            )
    raise NotARepository(f"{folder} is no git repository: run git init and commit there first.")


def label(git_dir: Path) -> str:
    """The name of a repository in a sentence for a person."""
    return git_dir.parent.name if git_dir.name == ".git" else git_dir.name


def common_dir(git_dir: Path) -> Path:
    """Where objects and refs lie: ``git_dir`` itself, but for linked work trees their main one."""
    pointer = git_dir / "commondir"
    if pointer.is_file():
        return (git_dir / pointer.read_text(errors="replace").strip()).resolve()
    return git_dir


def _gitfile_target(gitfile: Path) -> Path | None:
    """The directory that a ``.git`` file of a linked work tree or a submodule names."""
    text = gitfile.read_bytes()[:4096].decode(errors="replace")
    if not text.startswith("gitdir:"):
        return None
    return (gitfile.parent / text.removeprefix("gitdir:").strip()).resolve()


class Reading:
    """A git process that is being read, ended when it keeps its reader waiting for too long.

    Only the time that is spent waiting for git counts, not what a reader does between two answers.

    Args:
        process: The process.
        silence: Seconds that one answer may take.

    Attributes:
        silent: Whether it was ended for that.
    """

    def __init__(self, process: subprocess.Popen[bytes], silence: float) -> None:
        assert process.stdout is not None  # noqa: S101 - _start() always opens it
        self.silent = False
        self._process = process
        self._stdout = process.stdout
        self._silence = silence
        self._asked_at: float | None = None
        self._over = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def write(self, content: bytes) -> None:
        """Send a question that fits into a pipe."""
        assert self._process.stdin is not None  # noqa: S101 - asked for by objects()
        self._process.stdin.write(content)
        self._process.stdin.flush()

    def read(self, size: int) -> bytes:
        """The next ``size`` bytes; fewer at the end."""
        self._asked_at = time.monotonic()
        try:
            return self._stdout.read(size)
        finally:
            self._asked_at = None

    def readline(self) -> bytes:
        """The next line with its end; nothing at the end of the output."""
        self._asked_at = time.monotonic()
        try:
            return self._stdout.readline()
        finally:
            self._asked_at = None

    def finish(self) -> int:
        """Close its input and wait for its end; the exit code."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._asked_at = time.monotonic()
        return self._process.wait()

    def end(self) -> None:
        """End the process and whatever is left of it."""
        self._over.set()
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _watch(self) -> None:
        while not self._over.wait(min(1.0, self._silence / 2)):
            asked_at = self._asked_at
            if asked_at is not None and time.monotonic() - asked_at > self._silence:
                self.silent = True
                self._process.kill()
                return


@contextlib.contextmanager
def running(
    git_dir: Path,
    arguments: Sequence[str],
    *,
    silence: float = SILENCE,
    stdin: IO[bytes] | int = subprocess.DEVNULL,
) -> Iterator[Reading]:
    """A git process for the time of the block; afterwards it is gone, whatever happened.

    Raises:
        ReadLimit: It kept its reader waiting for more than ``silence`` seconds.
        DamagedRepository: It ended with a fault (only when its output was read to the end).
    """
    reading = Reading(_start(git_dir, arguments, stdin), silence)
    try:
        yield reading
        if reading.finish() != 0:
            raise damaged(git_dir)
    except (BrokenPipeError, DamagedRepository) as error:
        # What an interrupted git leaves looks like damage.
        if reading.silent:
            raise ReadLimit(
                f"git was silent about {label(git_dir)} for {silence:.0f} seconds and was stopped: "
                "try again when the machine is less busy, or review a smaller repository."
            ) from error
        if isinstance(error, DamagedRepository):
            raise
        raise damaged(git_dir) from error
    finally:
        reading.end()


def _start(
    git_dir: Path, arguments: Sequence[str], stdin: IO[bytes] | int
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [git_program(), *arguments],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env=environment(git_dir),
        bufsize=CHUNK,
        start_new_session=True,
    )


def damaged(git_dir: Path) -> DamagedRepository:
    """The error of a repository that lacks objects."""
    return DamagedRepository(
        f"git cannot read {label(git_dir)} completely: objects are missing or damaged, "
        "so make a new, full clone of it."
    )


def output(git_dir: Path, arguments: Sequence[str], *, limit: int = 64 << 20) -> bytes:
    """Everything that one git command prints.

    Raises:
        ReadLimit: More than ``limit`` bytes.
        DamagedRepository: git ended with a fault.
    """
    with running(git_dir, arguments) as reading:
        text = reading.read(limit + 1)
        if len(text) > limit:
            raise ReadLimit(
                f"git printed more than {limit >> 20} MiB about {label(git_dir)} and was stopped: "
                "the repository is too large to be reviewed as a whole."
            )
    return text


class Objects:
    """Objects of a repository, asked for by full hex id over one ``cat-file`` process.

    Made by :func:`objects`; the process dies with the block that started it.
    """

    def __init__(self, reading: Reading, git_dir: Path, *, contents: bool) -> None:
        self._reading = reading
        self._git_dir = git_dir
        self._contents = contents

    def ask(self, oids: Iterable[str]) -> Iterator[tuple[str, str, int, bytes]]:
        """(id, kind, size in bytes, content) for each id, in the order asked for.

        The content is empty when only sizes were asked for. A missing object has kind "" and
        size 0.

        Raises:
            DamagedRepository: git answered something that was not asked, or nothing.
        """
        pending: list[str] = []
        for oid in oids:
            if not HEX_ID.match(oid):
                raise damaged(self._git_dir)
            pending.append(oid)
            if len(pending) == BATCH:
                yield from self._round(pending)
                pending = []
        if pending:
            yield from self._round(pending)

    def _round(self, oids: Sequence[str]) -> Iterator[tuple[str, str, int, bytes]]:
        reading = self._reading
        reading.write(("\n".join(oids) + "\n").encode("ascii"))
        for oid in oids:
            words = reading.readline().decode("ascii", "replace").split()
            if words[:1] != [oid] or len(words) != (2 if words[1:] == ["missing"] else 3):
                raise damaged(self._git_dir)
            if len(words) == 2:
                yield oid, "", 0, b""
                continue
            size, content = int(words[2]), b""
            if self._contents:
                whole = reading.read(size + 1)
                content = whole[:size]
                if len(content) != size or whole[size:] != b"\n":
                    raise damaged(self._git_dir)
            yield oid, words[1], size, content


@contextlib.contextmanager
def objects(git_dir: Path, *, contents: bool) -> Iterator[Objects]:
    """A reader of objects for the time of the block: of whole objects, or of their sizes."""
    arguments = ["cat-file", "--batch" if contents else "--batch-check"]
    with running(git_dir, arguments, stdin=subprocess.PIPE) as reading:
        yield Objects(reading, git_dir, contents=contents)
