"""The report for a person at a terminal: the headline first, then what costs most, then where."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby

from checks.gate import GateResult, points
from checks.model import NOT_BUILT, ClauseResult, Finding, Report, StandardResult
from checks.scoring import POINT
from checks.standard import Standard

CLAUSES = 10
FILES = 20
FINDINGS = 5
SKIPPED = 5
BROKEN = 5

# Controls, and characters that turn, hide or break text: an escape sequence in a file name must
# not reach a terminal.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
_BOLD, _RED, _GREEN, _DIM, _END = "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[2m", "\x1b[0m"


def escaped(text: str) -> str:
    """Text from outside with every control and invisible character made visible."""
    return _UNSAFE.sub(lambda match: ascii(match[0])[1:-1], text)


def render(
    report: Report,
    standards: Sequence[Standard] = (),
    gate: GateResult | None = None,
    *,
    color: bool = False,
) -> str:
    """The report as lines of text.

    Args:
        report: What is shown.
        standards: The standards that were judged, for the words of their clauses.
        gate: What a gate says of it, if one was asked.
        color: Whether to mark up for a terminal.
    """
    paint = _Paint(on=color)
    words = {clause.id: clause.requirement for each in standards for clause in each.clauses}
    blocks = [_head(report, paint)]
    blocks += [_standard(result, words, paint) for result in report.standards]
    blocks.append(_findings(report.findings, paint))
    if gate is not None:
        blocks.append(_gate(gate, paint))
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _gate(gate: GateResult, paint: _Paint) -> list[str]:
    marks = {True: "met    ", False: "not met", None: "no base"}
    if any(each.passed is None for each in gate.conditions) and gate.passed:
        verdict = "passed, as far as it can be told"
    else:
        verdict = paint("passed", _GREEN) if gate.passed else paint("failed", _RED)
    return [
        f"{paint('Gate')} {verdict}",
        *(f"  {marks[each.passed]}  {escaped(each.sentence)}" for each in gate.conditions),
    ]


class _Paint:
    def __init__(self, *, on: bool) -> None:
        self.on = on

    def __call__(self, text: str, code: str = _BOLD) -> str:
        return f"{code}{text}{_END}" if self.on else text


def _head(report: Report, paint: _Paint) -> list[str]:
    manifest = report.manifest
    commit = report.commit[:12] or "uncommitted files"
    folder = f", folder {escaped(report.component)}" if report.component else ""
    python = _count(manifest.python_files, "Python file")
    lines = [
        paint(f"{escaped(report.repository)} at {commit}{folder}"),
        f"{_count(manifest.files, 'file')}, {manifest.analysed} of {python} analysed",
    ]
    lines += [
        f"  not analysed: {escaped(skipped.path)} ({escaped(skipped.reason)})"
        for skipped in manifest.skipped[:SKIPPED]
    ]
    return lines + _more(len(manifest.skipped) - SKIPPED, "not analysed")


def _standard(result: StandardResult, words: Mapping[str, str], paint: _Paint) -> list[str]:
    lines = [paint(f"{result.slug} {result.version[:12]}"), f"  {_headline(result, paint)}"]
    costly = sorted(
        (each for each in result.clauses if each.loss),
        key=lambda each: -each.loss,
    )
    lines += [_clause(each, words, paint) for each in costly[:CLAUSES]]
    lines += _more(len(costly) - CLAUSES, "that cost points")
    return lines + _unknowns(result)


def _headline(result: StandardResult, paint: _Paint) -> str:
    if result.score is None:
        score = "not scored: nothing was measured"
    else:
        color = _GREEN if result.letter in ("A", "B") else _RED
        score = paint(f"{points(result.score)} {result.letter}", color)
    parts = [score]
    if result.low is not None and result.low != result.score:
        parts.append(f"at least {points(result.low)}, some checks broke")
    if result.raw_score not in (None, result.score):
        parts.append(f"{points(result.raw_score or 0)} without waivers and suppressions")
    parts += [
        f"coverage {round(result.coverage * POINT) // (POINT // 100)} %",
        _count(result.open_must, "open must"),
    ]
    return " · ".join(parts)


def _clause(result: ClauseResult, words: Mapping[str, str], paint: _Paint) -> str:
    failing = [
        f"{each.id} {each.violations}/{each.sites}" for each in result.checks if each.violations
    ]
    text = escaped(words.get(result.id, ""))
    why = paint(f"({', '.join(failing)})", _DIM) if failing else ""
    return f"  {-result.loss:+7.2f}  {result.id} {result.strength}  {text} {why}".rstrip()


def _unknowns(result: StandardResult) -> list[str]:
    """Why clauses are unknown: those that nobody built in one line, one for each break."""
    unbuilt = 0
    broken: Counter[str] = Counter()
    for clause in result.clauses:
        reasons = {(each.id, each.reason) for each in clause.checks if each.state == "unknown"}
        broke = {f"{name}: {why}" for name, why in reasons if why != NOT_BUILT}
        unbuilt += clause.verdict == "unknown" and not broke
        broken.update(sorted(broke))
    lines = [f"  {_count(unbuilt, 'clause')} unknown: {NOT_BUILT}"] if unbuilt else []
    lines += [
        f"  {_count(clauses, 'clause')} not told: {escaped(why)}"
        for why, clauses in sorted(broken.items(), key=lambda each: (-each[1], each[0]))[:BROKEN]
    ]
    return lines + _more(len(broken) - BROKEN, "checks that broke")


def _findings(found: Sequence[Finding], paint: _Paint) -> list[str]:
    shown = [each for each in found if not each.suppressed and not each.waived]
    suppressed = sum(each.suppressed for each in found)
    waived = len(found) - len(shown) - suppressed
    aside = [f"{waived} more waived"] if waived else []
    aside += [f"{suppressed} more suppressed in the code"] if suppressed else []
    note = f" ({', '.join(aside)})" if aside else ""
    lines = [paint(f"{_count(len(shown), 'finding')}{note}")]
    files = [(path, list(each)) for path, each in groupby(shown, key=lambda each: each.path)]
    for path, each in files[:FILES]:
        lines.append(escaped(path) or "the repository")
        lines += [_finding(finding, paint) for finding in each[:FINDINGS]]
        lines += _more(len(each) - FINDINGS, "in this file")
    lines += _more(len(files) - FILES, "files")
    if len(shown) > sum(len(each[:FINDINGS]) for _, each in files[:FILES]):
        lines.append("All of them: --format json")
    return lines


def _finding(finding: Finding, paint: _Paint) -> str:
    place = f"{finding.line}:{finding.column}" if finding.column else str(finding.line or "-")
    uncertain = " (uncertain)" if finding.uncertain else ""
    clauses = ", ".join(finding.clauses[:3]) + (", …" if len(finding.clauses) > 3 else "")
    tail = paint(f"{finding.check} [{clauses}]", _DIM)
    return f"  {place:>7}  {escaped(finding.message)}{uncertain}  {tail}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _more(number: int, what: str) -> list[str]:
    return [f"  and {number} more {what}"] if number > 0 else []
