"""Quality gates: what a judgement has to reach, and a sentence on each condition that was asked.

A gate is data: a table of a TOML file, or of a standard. It judges what a scan has found and adds
nothing of its own, so the server and the command line say the same of the same report.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from checks import toml
from checks.errors import InputError
from checks.model import ADVISORY, Finding, Report, StandardResult
from checks.proof import unproven
from checks.standardfields import hint

ANY = "any"
ANALYSED = "analysed"
"""Name of the condition that every gate sets."""
_POINT = 10**6
_NAMED = 8
"""How many clauses or findings a sentence names; it counts the others."""
_FIELDS: Mapping[str, str] = {
    "minimum": "a score from 0 to 100",
    "minimum_of": "a table of scores from 0 to 100 by standard",
    "open_musts": f'a whole number from 0, or "{ANY}"',
    "no_new_findings": "true or false",
    "not_worse": "true or false",
    "coverage": "a share from 0 to 1",
    "no_unknown": "true or false",
}
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=")
_TABLE = re.compile(r"\s*\[+\s*([A-Za-z0-9_-]+)(?:\s*\.\s*([A-Za-z0-9_-]+))?")


class GateError(InputError):
    """A gate that cannot be used; every mistake is named with its line."""


class Gate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What has to be reached.

    Attributes:
        minimum: The lower end of every score reaches this; None asks nothing.
        minimum_of: The same for single standards, by slug; they count instead of ``minimum``.
        open_musts: How many must clauses may be open in all; None allows any number. A gate that
            does not speak of it allows none: no average may hide a must.
        no_new_findings: Nothing is found that the base did not have.
        not_worse: No lower end is below that of the earlier result.
        coverage: The share of the applicable weight that every standard answers; None asks nothing.
        no_unknown: No clause is unknown.
    """

    minimum: float | None = None
    minimum_of: dict[str, float] = {}
    open_musts: int | None = 0
    no_new_findings: bool = False
    not_worse: bool = False
    coverage: float | None = None
    no_unknown: bool = False

    @property
    def compares(self) -> bool:
        """Whether it can only be judged beside an earlier state."""
        return self.no_new_findings or self.not_worse


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """One condition of a gate, whether it is met, and why, in a sentence.

    ``standard`` is the slug of the standard whose gate it is; "" for the gate of the repository.
    ``passed`` is None while there is nothing to compare with: that is no success and no failure.
    """

    name: str
    standard: str = ""
    passed: bool | None
    sentence: str


class GateResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a gate says of a judgement: passed when no condition is missed."""

    passed: bool
    conditions: tuple[Condition, ...]


class Base(NamedTuple):
    """What new findings are new against, judged by the same rules.

    Attributes:
        name: What sentences call it.
        carried: Check and fingerprint of the findings of now that it had already.
        missing: Why there is nothing to compare with; "" when there is.
    """

    name: str
    carried: frozenset[tuple[str, str]] = frozenset()
    missing: str = ""


class Earlier(NamedTuple):
    """The lower ends that must not be undercut, by component and slug; ``name`` says of when."""

    name: str
    lows: Mapping[tuple[str, str], float | None] = {}


def lows(reports: Iterable[Report]) -> dict[tuple[str, str], float | None]:
    """The lower ends of some reports, by component and slug."""
    return {
        (report.component, result.slug): result.low
        for report in reports
        for result in report.standards
    }


def evaluate(
    gates: Mapping[str, Gate],
    reports: Sequence[Report],
    *,
    base: Base | None = None,
    earlier: Earlier | None = None,
) -> GateResult:
    """What some gates say of a judgement.

    Args:
        gates: By the slug of the standard that asks; "" asks it of all of them.
        reports: The judgement: one report for each component.
        base: What new findings are told from; None when there is nothing to compare with yet.
        earlier: The result that must not be undercut; None when there is none yet.
    """
    conditions = [_analysed(reports)]
    for slug, gate in gates.items():
        asked = _Asked(slug, gate, reports)
        conditions += asked.conditions(base, earlier)
    missed = any(each.passed is False for each in conditions)
    return GateResult(passed=not missed, conditions=tuple(conditions))


def _analysed(reports: Sequence[Report]) -> Condition:
    empty = [sentence for report in reports if (sentence := unproven(report))]
    count = sum(report.manifest.analysed for report in reports)
    sentence = " ".join(empty) or f"{_count(count, 'Python file')} {_were(count)} analysed."
    return Condition(name=ANALYSED, passed=not empty, sentence=sentence)


class _Asked:
    """One gate over the results that it speaks of."""

    def __init__(self, slug: str, gate: Gate, reports: Sequence[Report]) -> None:
        self.slug = slug
        self.gate = gate
        self.reports = reports
        self.results = [
            (report.component, result)
            for report in reports
            for result in report.standards
            if slug in ("", result.slug)
        ]

    def conditions(self, base: Base | None, earlier: Earlier | None) -> list[Condition]:
        """Every condition that the gate sets, in the order of its fields."""
        gate = self.gate
        asked: list[tuple[bool, str, Callable[[], tuple[bool | None, str]]]] = [
            (gate.minimum is not None or bool(gate.minimum_of), "minimum", self.minimum),
            (gate.open_musts is not None, "open_musts", self.open_musts),
            (gate.no_new_findings, "no_new_findings", lambda: self.no_new_findings(base)),
            (gate.not_worse, "not_worse", lambda: self.not_worse(earlier)),
            (gate.coverage is not None, "coverage", self.coverage),
            (gate.no_unknown, "no_unknown", self.no_unknown),
        ]
        found = []
        for is_asked, name, judge in asked:
            if is_asked:
                passed, sentence = judge()
                found.append(
                    Condition(name=name, standard=self.slug, passed=passed, sentence=sentence)
                )
        return found

    def minimum(self) -> tuple[bool, str]:
        asked = [
            (component, result, least)
            for component, result in self.results
            if (least := self.gate.minimum_of.get(result.slug, self.gate.minimum)) is not None
        ]
        known = {result.slug for _, result in self.results}
        short = [
            f"{slug} is not among the judged standards, so it does not reach {least:g}."
            for slug, least in self.gate.minimum_of.items()
            if slug not in known
        ]
        short += [
            shortfall(result, least, component)
            for component, result, least in asked
            if result.low is None or result.low < least
        ]
        if short:
            return False, " ".join(short)
        reached = [
            f"{_name(result, component)} reaches {points(result.low or 0)} of the {least:g} asked"
            for component, result, least in asked
        ]
        return True, _listed(reached, "No standard is judged") + "."

    def open_musts(self) -> tuple[bool, str]:
        allowed = self.gate.open_musts or 0
        count = sum(result.open_must for _, result in self.results)
        allows = f"the gate allows {allowed or 'none'}"
        if not count:
            return True, "No must clause is open."
        named = self._clauses(
            lambda strength, verdict: strength == "must" and verdict in {"fails", "due"}
        )
        verb = "is" if count == 1 else "are"
        return count <= allowed, f"{_count(count, 'must clause')} {verb} open: {named}; {allows}."

    def no_new_findings(self, base: Base | None) -> tuple[bool | None, str]:
        if base is None:
            return None, "There is nothing to compare with yet, so no finding can be called new."
        if base.missing:
            return False, f"New findings cannot be told: {base.missing}"
        shown_only = _advisory(self.reports)
        new = [
            finding
            for report in self.reports
            for finding in report.findings
            if (finding.check, finding.fingerprint) not in base.carried
            and not finding.suppressed
            and not finding.waived
            and finding.check not in shown_only
            and (not self.slug or self.slug in finding.gain)
        ]
        if not new:
            return True, f"No finding is new against {base.name}."
        named = _listed([f"{each.check} at {_place(each)}" for each in new])
        verb = "is" if len(new) == 1 else "are"
        return False, (
            f"{_count(len(new), 'finding')} {verb} new against {base.name}: {named};"
            " the gate allows none."
        )

    def not_worse(self, earlier: Earlier | None) -> tuple[bool | None, str]:
        if earlier is None:
            return None, "There is nothing to compare with yet, so no score can be called worse."
        fallen = []
        compared = False
        for component, result in self.results:
            before = earlier.lows.get((component, result.slug))
            if before is None:
                continue
            compared = True
            if result.low is not None and result.low >= before:
                continue
            now = "not scored" if result.low is None else _apart(result.low, before)
            then = points(before) if result.low is None else _apart(before, result.low)
            fallen.append(f"{_name(result, component)} fell from {then} to {now}")
        if fallen:
            return False, f"{_listed(fallen)} since {earlier.name}."
        if not compared:
            return None, f"Nothing was scored at {earlier.name} that could be compared with yet."
        return True, f"No standard is worse than at {earlier.name}."

    def coverage(self) -> tuple[bool, str]:
        least = self.gate.coverage or 0.0
        short = [
            f"{_name(result, component)} answers {_percent(result.coverage)}"
            for component, result in self.results
            if result.coverage < least
        ]
        if short:
            asked = f"the gate asks for {_percent(least)}"
            return False, f"{_listed(short)} of the applicable weight; {asked}."
        return True, f"Every standard answers at least {_percent(least)} of the applicable weight."

    def no_unknown(self) -> tuple[bool, str]:
        count = sum(
            clause.verdict == "unknown" for _, result in self.results for clause in result.clauses
        )
        if not count:
            return True, "No clause is unknown."
        named = self._clauses(lambda _, verdict: verdict == "unknown")
        verb = "is" if count == 1 else "are"
        return False, f"{_count(count, 'clause')} {verb} unknown: {named}; the gate allows none."

    def _clauses(self, asked: Callable[[str, str], bool]) -> str:
        found = (
            f"{clause.id}{f' in {component}' if component else ''}"
            for component, result in self.results
            for clause in result.clauses
            if asked(clause.strength, clause.verdict)
        )
        return _listed(list(found))


def shortfall(result: StandardResult, least: float, component: str = "") -> str:
    """The sentence on a standard that does not reach a score."""
    name = _name(result, component)
    if result.low is None:
        return f"{name} is not scored, so it does not reach {least:g}."
    reached = points(result.low)
    if result.score is not None and result.low != result.score:
        reached += f" to {points(result.score)} (some checks broke)"
    return f"{name} reaches {reached}, not {least:g}."


def points(value: float) -> str:
    """Points with one decimal, rounded down: 89.99 is not yet 90."""
    tenths = round(value * _POINT) // (_POINT // 10)
    return f"{tenths // 10}.{tenths % 10}"


def _apart(value: float, other: float) -> str:
    """Points in as many decimals as tell them from others."""
    return points(value) if points(value) != points(other) else f"{value:.6f}"


def _percent(share: float) -> str:
    return f"{math.floor(share * 100 + 1e-6)} %"


def _name(result: StandardResult, component: str) -> str:
    return f"{result.slug} in {component}" if component else result.slug


def _place(finding: Finding) -> str:
    if not finding.path:
        return "the whole repository"
    return f"{finding.path}:{finding.line}" if finding.line else finding.path


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _listed(names: Sequence[str], none: str = "") -> str:
    shown, more = names[:_NAMED], len(names) - _NAMED
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "") if names else none


def _advisory(reports: Iterable[Report]) -> set[str]:
    """The checks whose findings are shown and count for nothing."""
    return {
        check.id
        for report in reports
        for result in report.standards
        for clause in result.clauses
        for check in clause.checks
        if check.reason == ADVISORY
    }


# --- from TOML


def load(path: Path) -> Gate:
    """The gate in a TOML file, its ``[gate]`` table.

    Raises:
        GateError: The file cannot be read, or has mistakes; all of them are named with their line.
    """
    try:
        with path.open("rb") as file:
            content = file.read(toml.MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise GateError(f"{path}: the gate cannot be read ({reason}).") from error
    return parse(content, str(path))


def parse(content: bytes, name: str) -> Gate:
    """The gate in the bytes of a TOML file; ``name`` is what mistakes call it.

    Raises:
        GateError: Naming every mistake with its line.
    """
    try:
        data = toml.loads(content)
    except toml.TomlRefused as error:
        raise GateError(f"{name}: {error}") from error
    mistakes: list[str] = []
    lines = lines_of(content.decode("utf-8-sig"))
    mistakes += [
        f"unknown entry {key!r}{_at(lines, key)}; a gate is a [gate] table"
        for key in data
        if key != "gate"
    ]
    if "gate" not in data:
        mistakes.append("there is no [gate] table")
    gate = read(data.get("gate", {}), mistakes, lines)
    if mistakes:
        count = f"{len(mistakes)} mistakes: " if len(mistakes) > 1 else ""
        raise GateError(f"{name}: {count}{'; '.join(mistakes)}.")
    return gate


def read(
    table: object, mistakes: list[str], lines: Mapping[str, int] | None = None, *, own: bool = False
) -> Gate:
    """The gate of a parsed table; its mistakes are added to the list.

    ``own`` is the gate of a standard, which does not speak of others.
    """
    where = lines or {}
    known = [name for name in _FIELDS if not (own and name == "minimum_of")]
    if not isinstance(table, dict):
        mistakes.append(f"gate is not written as a [gate] table{_at(where, 'gate')}")
        return Gate()
    sound: dict[str, Any] = {}
    for name, value in table.items():
        if name not in known:
            close = hint(name, known)
            mistakes.append(f"gate: unknown condition {name!r}{close}{_at(where, name)}")
        elif not _fits(name, value):
            mistakes.append(f"gate: {name} is not {_FIELDS[name]}{_at(where, name)}")
        else:
            sound[name] = None if value == ANY else value
    return Gate(**sound)


def of_standard(
    data: Mapping[str, Any], lines: Mapping[str, int], mistakes: list[str]
) -> Gate | None:
    """The gate in the parsed file of a standard, None where it sets none."""
    return read(data["gate"], mistakes, lines, own=True) if "gate" in data else None


def _fits(name: str, value: object) -> bool:
    if name == "minimum_of":
        return isinstance(value, dict) and all(_is_number(each, 100) for each in value.values())
    if name == "open_musts":
        return value == ANY or (type(value) is int and value >= 0)
    if name in ("minimum", "coverage"):
        return _is_number(value, 100 if name == "minimum" else 1)
    return isinstance(value, bool)


def _is_number(value: object, most: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return 0 <= value <= most


def lines_of(text: str) -> dict[str, int]:
    """The line of each table of a TOML file, and of each key of its gate."""
    found: dict[str, int] = {}
    inside = False
    for number, line in enumerate(text.split("\n"), 1):
        if table := _TABLE.match(line):
            inside = table[1] == "gate"
            found.setdefault(table[2] if inside and table[2] else table[1], number)
        elif inside and (key := _KEY.match(line)):
            found.setdefault(key[1], number)
    return found


def _at(lines: Mapping[str, int], key: str) -> str:
    return f" (line {lines[key]})" if key in lines else ""


def as_table(gate: Gate) -> Mapping[str, Any]:
    """What :func:`read` makes the gate of again."""
    table: dict[str, Any] = msgspec.to_builtins(gate)
    if gate.open_musts is None:
        table["open_musts"] = ANY
    return table
