"""Running ruff over a batch of blobs, and finding the one file that it dies of.

Runs inside the analysis child only: it relies on that process's limits and empty directory.
"""

from __future__ import annotations

import contextlib
import re
import resource
import signal
import subprocess
import sys
import sysconfig
import time
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from checks.facts import limits
from checks.facts.formatdiff import first_changes
from checks.facts.lint import (
    SECTION_RULES,
    Diagnostic,
    LintContext,
    LintFact,
    LongLine,
    Shape,
    arguments,
    format_arguments,
    format_widths,
)
from checks.facts.text import decode, split_lines

_EXPORTED = re.compile(r"[fd](\d{6,})(?:\.pyi?|/__\w+__\.py)$")
_UNDERLINED = re.compile(
    r"^[ \t]*(?:Parameters|Returns|Yields|Raises|Attributes|Examples?|Notes?)[ \t]*\r?\n"
    r"[ \t]*-{3,}",
    re.MULTILINE,
)
_INDENTED = re.compile(r"^[ \t]*(?:Args|Arguments|Returns|Yields|Raises):[ \t]*\r?$", re.MULTILINE)
_WIDTH = re.compile(r"\((\d+) > \d+\)")
_REFUSED = 2
_ALIVE_EVERY = 5.0


class LintFile(msgspec.Struct, frozen=True):
    """One blob to lint; ``task`` names it in the answer."""

    task: int
    shape: Shape
    data: bytes


class LintAnswer(msgspec.Struct, frozen=True):
    """Fact of one blob, or why there is none; ``lasting`` is False when a retry may help."""

    task: int
    fact: LintFact | None = None
    note: str = ""
    lasting: bool = True


class _Place(msgspec.Struct, frozen=True):
    row: int
    column: int


class _Report(msgspec.Struct, frozen=True):
    """One line of ruff's output; everything else in it is skipped while decoding."""

    code: str | None
    filename: str
    location: _Place
    end_location: _Place
    message: str
    noqa_row: int | None


_REPORTS = msgspec.json.Decoder(_Report)


class LintRun:
    """One batch: :meth:`start` returns while ruff runs, :meth:`finish` waits and answers.

    Args:
        files: Blobs with different tasks, at most 500.
        context: What the answers depend on besides the blobs.
        scratch: An empty directory of our own; it is empty again afterwards.
    """

    def __init__(self, files: Sequence[LintFile], context: LintContext, scratch: Path) -> None:
        ruff = self._ruff = ruff_path()
        self._take(context)
        self._scratch = scratch
        self._shapes: dict[int, Shape] = {}
        self._texts: dict[int, str] = {}
        self._unread: list[LintAnswer] = []
        self._running: _Ruff | None = None
        for file in files:
            decoded = decode(file.data)
            if not ruff:
                note = "ruff is not installed; run `uv sync`"
                self._unread.append(LintAnswer(file.task, note=note, lasting=False))
            elif decoded.readable:
                self._shapes[file.task] = file.shape
                self._texts[file.task] = decoded.text
            else:
                self._unread.append(LintAnswer(file.task, note=decoded.note))

    def start(self) -> None:
        """Export the files and start ruff, unless it runs already."""
        if self._texts and self._running is None:
            self._running = self._launch(list(self._texts))

    def finish(self, alive: Callable[[], None]) -> Iterator[LintAnswer]:
        """Wait for ruff and answer once for each file, in no fixed order.

        Args:
            alive: Called every few seconds and before each run, for the watchdog.
        """
        yield from self._unread
        waiting: list[list[int]] = []
        while self._running is not None:
            alive()
            tasks, code = self._running.tasks, self._running.wait(alive)
            if code == 0:
                output = self._running.output()
                formats = self._formats(tasks, alive)
                sections = self._sections(tasks, alive)
                yield from self._answers(tasks, output, formats, sections)
            elif code == _REFUSED and self._context.isort:
                # An option that the repository gave is no reason to judge nothing.
                self._take(msgspec.structs.replace(self._context, isort=()))
                waiting.append(tasks)
            elif code == _REFUSED:
                note = "ruff refused the rules or options it was given"
                yield from (LintAnswer(task, note=note, lasting=False) for task in tasks)
            elif len(tasks) == 1:
                yield _death(tasks[0], code)
            else:
                half = len(tasks) // 2
                waiting += [tasks[half:], tasks[:half]]
            self._running.clear()
            self._running = self._launch(waiting.pop()) if waiting else None

    def _take(self, context: LintContext) -> None:
        self._context = context
        self._words = [self._ruff, *arguments(context)]

    def _launch(self, tasks: list[int]) -> _Ruff:
        names = [self._export(task) for task in tasks]
        return _Ruff([*self._words, "--", *names], tasks, self._scratch)

    def _name(self, task: int) -> str:
        """Path below the scratch directory under which ruff is given a file."""
        shape = self._shapes[task]
        if shape in {"init", "main"}:
            return f"./d{task:06d}/__{shape}__.py"
        return f"./f{task:06d}.pyi" if shape == "stub" else f"./f{task:06d}.py"

    def _export(self, task: int) -> str:
        name = self._name(task)
        if self._shapes[task] in {"init", "main"}:
            (self._scratch / f"d{task:06d}").mkdir()
        # Written as UTF-8 whatever it was: ruff reads nothing else.
        (self._scratch / name).write_bytes(self._texts[task].encode())
        return name

    def _formats(
        self, tasks: Sequence[int], alive: Callable[[], None]
    ) -> dict[int, list[tuple[int, int]]] | None:
        """For each file the widths and lines in which the formatter would change it."""
        found: dict[int, list[tuple[int, int]]] = {}
        names = [self._name(task) for task in tasks]
        for width in format_widths(self._context):
            words = [self._ruff, *format_arguments(self._context, width), "--", *names]
            running = _Ruff(words, tasks, self._scratch)
            # 2: some file does not parse; what is said of the others holds
            if running.wait(alive) not in {0, 1, 2}:
                return None
            for name, line in first_changes(running.output().decode("utf-8", "replace")).items():
                if match := _EXPORTED.search(name):
                    found.setdefault(int(match[1]), []).append((width, line))
        return found

    def _sections(
        self, tasks: Sequence[int], alive: Callable[[], None]
    ) -> dict[int, list[_Report]]:
        """What is reported of the sections of docstrings, by file that follows NumPy."""
        rules = tuple(code for code in self._context.rules if code in SECTION_RULES)
        chosen = [task for task in tasks if rules and _underlines(self._texts[task])]
        if not chosen:
            return {}
        context = msgspec.structs.replace(self._context, rules=rules)
        names = [self._name(task) for task in chosen]
        words = [self._ruff, *arguments(context, "numpy"), "--", *names]
        running = _Ruff(words, chosen, self._scratch)
        fine = running.wait(alive) == 0
        return _by_task(running.output(), chosen) if fine else {}

    def _answers(
        self,
        tasks: Sequence[int],
        output: bytes,
        formats: dict[int, list[tuple[int, int]]] | None,
        sections: dict[int, list[_Report]],
    ) -> Iterator[LintAnswer]:
        width = self._context.line_length
        for task, found in _by_task(output, tasks).items():
            if task in sections:
                found = [each for each in found if each.code not in SECTION_RULES]
                found += sections[task]
            changed = None if formats is None else tuple(formats.get(task, ()))
            fact = _fact(found, self._texts[task])
            fact = msgspec.structs.replace(fact, width=width, reformatted=changed)
            yield LintAnswer(task, fact=fact)


def _by_task(output: bytes, tasks: Sequence[int]) -> dict[int, list[_Report]]:
    reports: dict[int, list[_Report]] = {task: [] for task in tasks}
    for report in _REPORTS.decode_lines(output):
        if match := _EXPORTED.search(report.filename):
            reports[int(match[1])].append(report)
    return reports


def _underlines(text: str) -> bool:
    """Whether more sections of docstrings are underlined than end in a colon."""
    found = len(_UNDERLINED.findall(text))
    return found > 0 and found >= len(_INDENTED.findall(text))


def _fact(reports: Sequence[_Report], text: str) -> LintFact:
    diagnostics: list[Diagnostic] = []
    wide: list[_Report] = []
    for report in reports:
        if report.code is None or report.code == "invalid-syntax":
            continue  # our own parser says what does not parse
        if report.code == "E501":
            wide.append(report)
            continue
        place = report.location
        diagnostics.append(
            Diagnostic(
                report.code,
                place.row,
                place.column,
                report.end_location.row,
                report.noqa_row or place.row,
                report.message,
            )
        )
    diagnostics.sort(key=lambda each: (each.line, each.column, each.code, each.message))
    return LintFact(tuple(diagnostics), tuple(_long_lines(wide, text)))


def _long_lines(reports: Sequence[_Report], text: str) -> Iterator[LongLine]:
    lines = split_lines(text) if reports and "://" in text else None
    for report in sorted(reports, key=lambda each: each.location.row):
        match = _WIDTH.search(report.message)
        if match is None:
            continue
        row, width = report.location.row, int(match[1])
        url = _trailing_url(lines[row - 1], report.end_location.column) if lines else 0
        yield LongLine(row, width, max(width - url, 0) if url else 0, report.noqa_row or row)


def _trailing_url(line: str, end: int) -> int:
    """Width of the URL that ends the line (pragma comment left out), 0 when none does."""
    words = line[: end - 1].rsplit(None, 1)
    if len(words) < 2 or "://" not in words[1]:
        return 0
    return sum(1 + (unicodedata.east_asian_width(char) in "WF") for char in words[1])


def _death(task: int, code: int) -> LintAnswer:
    if code == -signal.SIGXCPU:
        return LintAnswer(task, note=f"ruff took longer than {limits.FILE_SECONDS} s")
    if code == -signal.SIGXFSZ:
        return LintAnswer(task, note="ruff reported more than is kept of one file")
    if code == -signal.SIGKILL:
        return LintAnswer(task, note="ruff did not end in time", lasting=False)
    return LintAnswer(task, note="ruff crashed on it")


class _Ruff:
    """One ruff process, its exported files and its output."""

    def __init__(self, words: Sequence[str], tasks: Sequence[int], scratch: Path) -> None:
        self.tasks = list(tasks)
        self._scratch = scratch
        self._output = scratch / "ruff.out"
        # Into a file, not a pipe: nobody has to read while the parser works on the same batch.
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                words,
                cwd=scratch,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.DEVNULL,
            )
        seconds = limits.FILE_SECONDS if len(tasks) == 1 else limits.LINT_BATCH_SECONDS
        limit_cpu(self._process.pid, seconds)

    def wait(self, alive: Callable[[], None]) -> int:
        """Exit code; ends a process that is silent for too long."""
        end = time.monotonic() + limits.SILENCE_SECONDS
        while time.monotonic() < end:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self._process.wait(_ALIVE_EVERY)
            alive()
        self._process.kill()
        return self._process.wait()

    def output(self) -> bytes:
        """What ruff wrote, whole lines only."""
        return self._output.read_bytes()

    def clear(self) -> None:
        """Remove everything from the scratch directory."""
        for entry in self._scratch.iterdir():
            if entry.is_dir():
                for inner in entry.iterdir():
                    inner.unlink()
                entry.rmdir()
            else:
                entry.unlink()


def ruff_path() -> str:
    """Absolute path of the installed ruff; PATH is never asked, a repository might stand in it."""
    for folder in (Path(sys.executable).parent, Path(sysconfig.get_path("scripts"))):
        if (folder / "ruff").is_file():
            return str(folder / "ruff")
    return ""


def limit_cpu(pid: int, seconds: int) -> None:
    """Give another process its own CPU limit, where the platform can (Linux)."""
    set_limit = getattr(resource, "prlimit", None)
    if set_limit is not None:
        with contextlib.suppress(OSError):  # it has ended already
            set_limit(pid, resource.RLIMIT_CPU, (seconds, seconds + 5))
