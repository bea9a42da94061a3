"""The written standards: loaded from TOML, every mistake named with its clause and line.

A standard is data. The shipped ones are known by their slug; a team brings its own by the path of
a file in the same format. A file is either wholly sound or refused with the list of all its
mistakes, so that nobody repairs it one run at a time.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import msgspec
import tomli

from checks import gate, toml, waiverrules, weights
from checks.errors import InputError
from checks.model import Strength
from checks.rules.specs import ATTESTATION, Automation, Key, Spec, areas, specs
from checks.standardfields import KINDS, clause_lines, hint, limit_fault

HERE = Path(__file__).parent / "standards"
STRENGTHS: tuple[Strength, ...] = ("must", "should", "may")
AUTOMATIONS: tuple[Automation, ...] = ("automated", "heuristic", "attested")

_NUL = re.compile(rb"\\u0000|\\U00000000")
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_CLAUSE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_LINES = re.compile(r"\d+(?:-\d+)?(?:, ?\d+(?:-\d+)?)*")

_STANDARD_FIELDS = {"slug": str, "title": str, "source": str, "summary": str}
_CLAUSE_FIELDS = {
    "id": str,
    "lines": str,
    "section": str,
    "requirement": str,
    "strength": str,
    "area": str,
    "automation": str,
    "trap": str,
    "checks": list,
    "conflicts": list,
    "weight": int,
    "advisory_from": date,
    "enforced_from": date,
    "off": bool,
}
_NEEDED = ("id", "requirement", "strength")


class StandardError(InputError):
    """A standard that cannot be used.

    Attributes:
        name: The file or slug that was asked for.
        mistakes: One sentence each, in the order of the file; never empty.
    """

    def __init__(self, name: str, mistakes: Iterable[str]) -> None:
        self.name = name
        self.mistakes = tuple(mistakes)
        count = f"{len(self.mistakes)} mistakes: " if len(self.mistakes) > 1 else ""
        super().__init__(f"{name}: {count}" + "; ".join(self.mistakes))


class ClauseCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A check inside a clause.

    Attributes:
        id: Id of the check.
        params: All its limits: what the clause sets over the defaults.
        given: Only what the clause sets.
        key: What finds the outcome: id and canonical limits.
    """

    id: str
    params: dict[str, Any]
    given: dict[str, Any]
    key: Key


class Clause(msgspec.Struct, frozen=True, kw_only=True):
    """One demand of a standard. ``lines`` are those of the written document, as text.

    ``weight`` is what the standard lets it weigh, None for what the model says of its strength. It
    asks for nothing before ``advisory_from`` and counts for nothing before ``enforced_from``
    (:func:`checks.rollout.as_of`). One that is ``off`` is kept in the text and asks for nothing.
    """

    id: str
    section: str
    requirement: str
    strength: Strength
    area: str
    automation: Automation
    checks: tuple[ClauseCheck, ...]
    conflicts: tuple[str, ...] = ()
    trap: str = ""
    lines: str = ""
    weight: int | None = None
    advisory_from: date | None = None
    enforced_from: date | None = None
    off: bool = False

    @property
    def attested_only(self) -> bool:
        """True when nothing in a repository decides the clause, only a lead."""
        return all(check.id == ATTESTATION for check in self.checks)


class SkippedLines(msgspec.Struct, frozen=True):
    """Lines of the written document that state no demand, and why."""

    lines: str
    reason: str


class Standard(msgspec.Struct, frozen=True, kw_only=True):
    """A written standard.

    Attributes:
        version: SHA-256 of its file.
        clauses: What it demands.
        written: Every clause of the text, those that are off too.
        gate: What it has to reach.
    """

    slug: str
    title: str
    version: str
    summary: str
    clauses: tuple[Clause, ...]
    written: tuple[Clause, ...] = ()
    source: str = ""
    skipped: tuple[SkippedLines, ...] = ()
    waivers: waiverrules.WaiverRules = waiverrules.WaiverRules()
    weights: weights.Weights = weights.Weights()
    gate: gate.Gate | None = None

    @property
    def short_version(self) -> str:
        """What people are shown of the version."""
        return self.version[:12]

    def demanded(self) -> tuple[Key, ...]:
        """What has to be answered to judge this standard: each key once, in order of demand."""
        return tuple(dict.fromkeys(check.key for clause in self.clauses for check in clause.checks))


def shipped_slugs() -> tuple[str, ...]:
    """Slugs of the standards that come with the product, in alphabetical order."""
    return tuple(sorted(path.stem for path in HERE.glob("*.toml")))


def shipped() -> list[Standard]:
    """The standards that come with the product, by slug."""
    return [_shipped(slug) for slug in shipped_slugs()]


def load(slug_or_path: str | Path) -> Standard:
    """A shipped standard by its slug, or the one in a TOML file.

    Raises:
        StandardError: When there is none, or the file has mistakes; all of them are named.
    """
    if isinstance(slug_or_path, str) and slug_or_path in shipped_slugs():
        return _shipped(slug_or_path)
    path, name = Path(slug_or_path), str(slug_or_path)
    if not (isinstance(slug_or_path, Path) or name.endswith(".toml") or len(path.parts) > 1):
        known = ", ".join(shipped_slugs())
        raise StandardError(name, [f"no such standard; choose {known} or the path of a TOML file"])
    try:
        if not path.is_file():
            raise StandardError(name, ["there is no such file"])
        with path.open("rb") as file:
            content = file.read(toml.MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, StandardError):
            raise
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise StandardError(name, [f"the file cannot be read ({reason})"]) from error
    return parse(content, name)


def parse(content: bytes, name: str) -> Standard:
    """The standard that the bytes of a TOML file hold; ``name`` is what mistakes call it.

    Raises:
        StandardError: Naming every mistake.
    """
    try:
        data = toml.loads(content)
    except toml.TomlRefused as error:
        raise StandardError(name, [str(error)]) from error
    if _NUL.search(content):
        raise StandardError(name, ["the text has a NUL character (\\u0000): leave it out"])
    return _read(data, content, name)


@cache
def _shipped(slug: str) -> Standard:
    content = (HERE / f"{slug}.toml").read_bytes()
    # Our own file is no bomb: it may go to the fast parser, unmeasured.
    return _read(tomli.loads(content.decode()), content, slug)


def _read(data: dict[str, Any], content: bytes, name: str) -> Standard:
    reader = _Reader(data, content.decode("utf-8-sig"))
    standard = reader.standard(hashlib.sha256(content).hexdigest())
    if reader.mistakes or standard is None:
        raise StandardError(name, reader.mistakes)
    return standard


class _Reader:
    """Reads one parsed file and gathers its mistakes instead of stopping at the first."""

    def __init__(self, data: dict[str, Any], text: str) -> None:
        self.data = data
        self.mistakes: list[str] = []
        self.gate_lines = gate.lines_of(text) if "gate" in data else {}
        self.weights = weights.read(data, self.mistakes)
        self._text = text

    @cached_property
    def lines(self) -> list[dict[str, int]]:
        """Where the fields of each clause stand; empty where that cannot be told."""
        found, count = clause_lines(self._text), len(self.data["clause"])
        return found if len(found) == count else [{}] * count

    def standard(self, version: str) -> Standard | None:
        fields: dict[str, Any] = {name: self.data.get(name, "") for name in _STANDARD_FIELDS}
        tables = ("clause", "skipped", "waivers", "weights", "gate")
        self.kinds("standard", self.data, _STANDARD_FIELDS, extra=tables)
        self.required("standard", self.data, ("slug", "title"))
        slug = fields["slug"]
        if isinstance(slug, str) and slug and (len(slug) > 60 or not _SLUG.fullmatch(slug)):
            self.mistakes.append(
                f"standard: slug {slug!r} is not lowercase letters, digits and single hyphens"
            )
        written = self.clauses()
        demanded = tuple(clause for clause in written if not clause.off)
        if written and not demanded:
            self.mistakes.append("standard: every clause is off")
        skipped = self.skipped()
        rules = waiverrules.read(self.data, self.mistakes)
        asks = gate.of_standard(self.data, self.gate_lines, self.mistakes)
        if self.mistakes:
            return None
        fields |= {"skipped": skipped, "waivers": rules, "weights": self.weights, "gate": asks}
        return Standard(version=version, clauses=demanded, written=written, **fields)

    def clauses(self) -> tuple[Clause, ...]:
        entries = self.data.get("clause", [])
        if not _tables(entries):
            self.mistakes.append("standard: clauses must be written as [[clause]] tables")
            return ()
        if not entries:
            self.mistakes.append("standard: there is no [[clause]]")
        read: list[Clause] = []
        seen: set[str] = set()
        for number, entry in enumerate(entries, 1):
            clause = _ClauseReader(self, entry, number).read(seen)
            if clause:
                read.append(clause)
        return tuple(read)

    def skipped(self) -> tuple[SkippedLines, ...]:
        entries = self.data.get("skipped", [])
        if not _tables(entries):
            self.mistakes.append("standard: skipped lines must be written as [[skipped]] tables")
            return ()
        for number, entry in enumerate(entries, 1):
            where = f"skipped entry number {number}"
            self.kinds(where, entry, {"lines": str, "reason": str})
            self.required(where, entry, ("lines", "reason"))
        if self.mistakes:
            return ()
        return tuple(SkippedLines(entry["lines"], entry["reason"]) for entry in entries)

    def required(self, where: str, entry: Mapping[str, Any], names: Iterable[str]) -> None:
        for name in names:
            if _missing(entry, name):
                self.mistakes.append(f"{where}: field {name} is missing or empty")

    def kinds(
        self,
        where: str,
        entry: Mapping[str, Any],
        fields: Mapping[str, type],
        extra: Collection[str] = (),
    ) -> None:
        for name, value in entry.items():
            if name in extra:
                continue
            if name not in fields:
                self.mistakes.append(f"{where}: unknown field {name!r}{hint(name, fields)}")
            elif not isinstance(value, fields[name]):
                self.mistakes.append(f"{where}: field {name} is not {KINDS[fields[name]]}")


class _ClauseReader:
    """Reads one ``[[clause]]``; its mistakes go to the list of the whole file."""

    def __init__(self, whole: _Reader, entry: dict[str, Any], number: int) -> None:
        self.whole, self.entry, self.number = whole, entry, number
        self.mistakes = whole.mistakes
        name = entry.get("id")
        self.id = name if isinstance(name, str) and name else ""
        shown = self.id if _CLAUSE_ID.fullmatch(self.id) else repr(self.id)
        self.where = f"clause {shown}" if self.id else f"clause number {number}"

    def read(self, seen: set[str]) -> Clause | None:
        before = len(self.mistakes)
        self.fields()
        self.identity(seen)
        self.one_of("strength", STRENGTHS)
        self.one_of("automation", AUTOMATIONS)
        self.one_of("area", areas())
        lines = self.entry.get("lines")
        if isinstance(lines, str) and lines and not _LINES.fullmatch(lines):
            self.mistake("lines", f"lines {lines!r} is not a list such as '12' or '12-14, 20'")
        first, then = self.entry.get("advisory_from"), self.entry.get("enforced_from")
        if first and (not then or str(first) >= str(then)):
            self.mistake("advisory_from", "advisory_from needs an enforced_from after it")
        self.weight()
        conflicts = self.conflicts()
        checks = self.checks()
        if len(self.mistakes) > before:
            return None
        return self.clause(checks, conflicts)

    def clause(self, checks: tuple[ClauseCheck, ...], conflicts: tuple[str, ...]) -> Clause | None:
        automation = _automation(checks)
        stated = self.entry.get("automation")
        if stated and (stated == "attested") != (automation == "attested"):
            self.mistake(
                "automation",
                "automation is 'attested' exactly when no check but lead-attestation decides",
            )
            return None
        area = "operations" if automation == "attested" else specs()[checks[0].id].area
        return Clause(
            id=self.id,
            section=self.entry.get("section", ""),
            requirement=self.entry["requirement"],
            strength=self.entry["strength"],
            area=self.entry.get("area") or area,
            automation=stated or automation,
            checks=checks,
            conflicts=conflicts,
            trap=self.entry.get("trap", ""),
            lines=self.entry.get("lines", ""),
            weight=self.entry.get("weight") or self.whole.weights.of(self.entry["strength"]),
            advisory_from=self.entry.get("advisory_from"),
            enforced_from=self.entry.get("enforced_from"),
            off=self.entry.get("off", False),
        )

    def fields(self) -> None:
        for name, value in self.entry.items():
            if name not in _CLAUSE_FIELDS:
                self.mistake(name, f"unknown field {name!r}{hint(name, _CLAUSE_FIELDS)}")
            elif not isinstance(value, _CLAUSE_FIELDS[name]) or isinstance(value, datetime):
                self.mistake(name, f"field {name} is not {KINDS[_CLAUSE_FIELDS[name]]}")
        for name in _NEEDED:
            if _missing(self.entry, name):
                self.mistake(name, f"field {name} is missing or empty")

    def identity(self, seen: set[str]) -> None:
        if not self.id:
            return
        if not _CLAUSE_ID.fullmatch(self.id):
            allowed = "letters, digits, dots, hyphens and underscores, at most 40"
            self.mistake("id", f"id {self.id!r} may only have {allowed}")
        if self.id in seen:
            self.mistake("id", "an earlier clause has the same id")
        seen.add(self.id)

    def one_of(self, name: str, allowed: Collection[str]) -> None:
        value = self.entry.get(name)
        if isinstance(value, str) and value and value not in allowed:
            close = hint(value, allowed)
            self.mistake(name, f"{name} {value!r} is not one of {', '.join(allowed)}{close}")

    def weight(self) -> None:
        value = self.entry.get("weight")
        if isinstance(value, int) and not weights.fits(value):
            self.mistake("weight", f"weight is not {weights.ALLOWED}")
        elif value is not None and self.entry.get("strength") == "may":
            self.mistake("weight", weights.NOT_SCORED)

    def conflicts(self) -> tuple[str, ...]:
        entries = _listed(self.entry.get("conflicts"))
        for position, other in enumerate(entries):
            if not isinstance(other, str) or not _CLAUSE_ID.fullmatch(other):
                self.mistake("conflicts", f"conflict {other!r} is not the id of a clause")
            elif other == self.id:
                self.mistake("conflicts", "a clause cannot conflict with itself")
            elif other in entries[:position]:
                self.mistake("conflicts", f"conflict {other} is listed twice")
        return tuple(other for other in entries if isinstance(other, str))

    def checks(self) -> tuple[ClauseCheck, ...]:
        entries = _listed(self.entry.get("checks"))
        read = [check for entry in entries if (check := self.check(entry))]
        for position, check in enumerate(read):
            if check.key in [other.key for other in read[:position]]:
                self.mistake("checks", f"check {check.id} is listed twice with the same limits")
        if not entries:
            read = [_clause_check(specs()[ATTESTATION], {"topic": self.id})]
        return tuple(read)

    def check(self, entry: object) -> ClauseCheck | None:
        if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
            self.mistake("checks", 'a check is not written as { id = "..." }')
            return None
        for name in entry:
            if name not in ("id", "params"):
                self.mistake("checks", f"check {entry['id']}: unknown field {name!r}")
        spec = specs().get(entry["id"])
        if spec is None:
            close = hint(entry["id"], specs())
            self.mistake("checks", f"there is no check {entry['id']!r}{close}")
            return None
        params = entry.get("params", {})
        if not isinstance(params, dict):
            self.mistake("checks", f"check {spec.id}: params is not a table")
            return None
        faults = [
            fault for name, value in params.items() if (fault := limit_fault(spec, name, value))
        ]
        for fault in faults:
            self.mistake("checks", f"check {spec.id}: {fault}")
        return None if faults else _clause_check(spec, params)

    def mistake(self, field: str, text: str) -> None:
        lines = self.whole.lines[self.number - 1]
        line = lines.get(field) or lines.get("[[clause]]")
        self.mistakes.append(f"{self.where}: {text}" + (f" (line {line})" if line else ""))


def _clause_check(spec: Spec, given: dict[str, Any]) -> ClauseCheck:
    given = {
        name: float(value) if isinstance(spec.params[name], float) else value
        for name, value in given.items()
    }
    return ClauseCheck(id=spec.id, params=spec.merged(given), given=given, key=spec.key(given))


def _automation(checks: Collection[ClauseCheck]) -> Automation:
    """What a clause is when the file does not say: the weakest of its measuring checks."""
    kinds = {specs()[check.id].automation for check in checks} - {"attested"}
    if not kinds:
        return "attested"
    return "heuristic" if "heuristic" in kinds else "automated"


def _tables(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(entry, dict) for entry in value)


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _missing(entry: Mapping[str, Any], name: str) -> bool:
    value = entry.get(name, "")
    return isinstance(value, str) and not value.strip()
