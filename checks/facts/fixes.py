"""The fix that ruff knows for what it reports on one line, as a patch.

One file is given to one isolated process under our rules; nothing of a repository is executed.
"""

from __future__ import annotations

import difflib
import subprocess
from collections.abc import Collection, Iterable
from itertools import accumulate
from tempfile import TemporaryDirectory

import msgspec

from checks.facts import limits
from checks.facts.lint import LintContext, arguments, selectable
from checks.facts.ruffrun import limit_cpu, ruff_path

CONTEXT_LINES = 3


class Patch(msgspec.Struct, frozen=True):
    """A unified diff that ``git apply`` takes; ``unsafe`` where ruff is not sure of the meaning."""

    text: str
    unsafe: bool


class _Place(msgspec.Struct, frozen=True):
    row: int
    column: int


class _Edit(msgspec.Struct, frozen=True):
    content: str
    location: _Place
    end_location: _Place


class _Fix(msgspec.Struct, frozen=True):
    applicability: str
    edits: tuple[_Edit, ...]


class _Report(msgspec.Struct, frozen=True):
    code: str | None
    location: _Place
    fix: _Fix | None


_REPORTS = msgspec.json.Decoder(_Report)


def patch_for(path: str, text: str, codes: Collection[str], line: int) -> Patch | None:
    """Return what mends a line, None where ruff knows nothing or does not answer.

    Args:
        path: Where the file lies, for the head of the patch.
        text: The whole file.
        codes: Rules of ruff whose reports on the line are to be mended.
        line: 1-based.
    """
    rules = selectable(codes)
    if not rules or len(text) > limits.LINT_BYTES or any(sign in path for sign in '\n\r\t"\\'):
        return None
    # To ruff a lone carriage return ends a line, to git it does not.
    if "\r" in text.replace("\r\n", "\n"):
        return None
    fixes = [
        each.fix
        for each in _reports(text, rules)
        if each.fix and each.location.row == line and each.fix.applicability in {"safe", "unsafe"}
    ]
    edits = sorted(_together(fixes), key=_span)
    changed = _applied(text, edits)
    if changed == text:
        return None
    unsafe = any(fix.applicability == "unsafe" for fix in fixes)
    return Patch(_difference(path, text, changed), unsafe)


def _reports(text: str, rules: tuple[str, ...]) -> list[_Report]:
    ruff = ruff_path()
    if not ruff:
        return []
    words = [ruff, *arguments(LintContext(rules)), "--stdin-filename", "fix.py", "-"]
    with TemporaryDirectory() as empty:
        running = subprocess.Popen(
            words,
            cwd=empty,
            env={"LC_ALL": "C.UTF-8"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        limit_cpu(running.pid, limits.FILE_SECONDS)
        try:
            output, _ = running.communicate(text.encode(), timeout=limits.SILENCE_SECONDS)
        except subprocess.TimeoutExpired:
            running.kill()
            running.communicate()
            return []
    return _REPORTS.decode_lines(output) if running.returncode == 0 else []


def _together(fixes: Iterable[_Fix]) -> set[_Edit]:
    """The edits of those fixes that do not get in each other's way; a fix is taken whole."""
    kept: set[_Edit] = set()
    for fix in fixes:
        new = set(fix.edits) - kept
        if not any(_overlap(edit, other) for edit in new for other in kept):
            kept |= new
    return kept


def _overlap(one: _Edit, other: _Edit) -> bool:
    (first, last), (begin, end) = _span(one), _span(other)
    return first == begin or (first < end and begin < last)


def _span(edit: _Edit) -> tuple[tuple[int, int], tuple[int, int]]:
    first, last = edit.location, edit.end_location
    return (first.row, first.column), (last.row, last.column)


def _applied(text: str, edits: Iterable[_Edit]) -> str:
    lines = text.split("\n")
    starts = [0, *accumulate(len(line) + 1 for line in lines)]
    parts, done = [], 0
    for edit in edits:
        first, last = (
            starts[at.row - 1] + at.column - 1 for at in (edit.location, edit.end_location)
        )
        parts += [text[done:first], edit.content]
        done = last
    return "".join([*parts, text[done:]])


def _difference(path: str, before: str, after: str) -> str:
    lines = difflib.unified_diff(
        _lines(before), _lines(after), f"a/{path}", f"b/{path}", n=CONTEXT_LINES
    )
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def _lines(text: str) -> list[str]:
    lines = [f"{line}\n" for line in text.split("\n")]
    # What follows the last line end is a line only where something stands there.
    return [*lines[:-1], *([lines[-1][:-1]] if lines[-1] != "\n" else [])]
