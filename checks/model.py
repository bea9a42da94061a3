"""The nouns of a review: what was found, what it means, and what was looked at.

Everything here is a frozen value without behaviour that reads or decides. The subjects that
checks are asked about (files, functions, routes) live in :mod:`checks.project`.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

type Strength = Literal["must", "should", "may"]
type VerdictName = Literal["holds", "fails", "not-applicable", "unknown", "attested", "due"]
type WaiverOutcome = Literal["in-force", "unused", "broken", "expired", "refused", "wrong"]
type CheckState = Literal["measured", "not-applicable", "unknown"]

WAIVER_FILE = ".straightedge/waivers.toml"
NOT_BUILT = "check not built"
ADVISORY = "advisory: shown, not counted"


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """One site that violates one check, as the check reported it.

    Attributes:
        path: Repository-relative path, "" for the repository itself.
        line: First line, 1-based; 0 when the finding has no line.
        end_line: Last line, inclusive.
        column: 1-based column, 0 when unknown.
        symbol: Dotted module and qualified name, such as ``app.main:create``; "" for none.
        message: One sentence for a person.
        measured: What was measured, as text ("12 branches"); "" when there is nothing to measure.
        limit: What the standard allows, as text.
        weight: 1.0, or 0.5 where the definition says "low weight" (shown as uncertain).
        suppressed: True when an exact in-code suppression (``noqa: CODE``) covers it; such an
            observation is shown and counted apart, and is no violation.
        bare: True when it is suppressed and no comment that covers it gives a reason.
        anchor: Text that identifies the site independent of line numbers (usually the stripped
            source line or the entry's name); part of the fingerprint.
        site: Name of the site, where one site may be reported at several places (a file with
            three prints is one violating site of ``no-print``: its path). Observations that
            share a name count once; "" means that the observation is a site of its own.
    """

    path: str = ""
    line: int = 0
    end_line: int = 0
    column: int = 0
    symbol: str = ""
    message: str
    measured: str = ""
    limit: str = ""
    weight: float = 1.0
    suppressed: bool = False
    bare: bool = False
    anchor: str = ""
    site: str = ""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of one check with one set of limits over one project.

    Attributes:
        check: Id of the check.
        params: The limits that were used, merged with the defaults, canonical JSON text.
        state: ``measured`` (there was at least one site), ``not-applicable`` or ``unknown``.
        reason: Why it is not applicable or unknown; "" when measured.
        sites: Opportunities to comply, the denominator.
        observations: Violating (and suppressed) sites in order of path, line.
        advisory: The check is wrong too often to count: what it observes is shown, no more.
        seconds: CPU time spent, for the manifest; never part of a report's bytes.
    """

    check: str
    params: str = "{}"
    state: CheckState = "measured"
    reason: str = ""
    sites: int = 0
    observations: tuple[Observation, ...] = ()
    advisory: bool = False
    seconds: float = 0.0


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """One check inside one clause, as the report shows it (DESIGN 8).

    ``waived`` sites are neither among the sites nor among the violations; it is there only when
    there are any.
    """

    id: str
    sites: int
    violations: int
    suppressed: int
    state: CheckState
    reason: str = ""
    params: dict[str, Any] = {}
    score: float | None = None
    waived: int | msgspec.UnsetType = msgspec.UNSET


class ClauseResult(msgspec.Struct, frozen=True, kw_only=True):
    """Verdict of one clause. ``loss`` is what it takes from 100, in points of the standard."""

    id: str
    strength: Strength
    verdict: VerdictName
    score: float | None
    weight: int
    loss: float
    checks: tuple[CheckResult, ...]


class StandardResult(msgspec.Struct, frozen=True, kw_only=True):
    """Score of one standard. ``low`` is the lower end of the interval that gates use."""

    slug: str
    version: str
    score: float | None
    raw_score: float | None
    low: float | None
    letter: str | None
    coverage: float
    open_must: int
    clauses: tuple[ClauseResult, ...]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One violating site, with the clauses it breaks and the points it would gain (DESIGN 8).

    ``suppressed`` is true only when every standard that asks for the check accepts that; else the
    clauses and gains are those of the standards in which it counts.
    ``waived`` is the id of the waiver that covers it in every clause; there only when one does.
    """

    check: str
    clauses: tuple[str, ...]
    path: str
    line: int
    end_line: int
    column: int
    symbol: str
    message: str
    measured: str
    limit: str
    fingerprint: str
    suppressed: bool
    uncertain: bool
    gain: dict[str, float]
    waived: str | msgspec.UnsetType = msgspec.UNSET


class WaiverResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a waiver did in one judgement.

    Attributes:
        id: Which waiver.
        state: ``in-force`` covers what it matches; ``unused`` matches nothing; ``broken`` matches
            more than it absorbs; ``expired`` is past its end; ``refused`` breaks a rule of a
            standard; ``wrong`` cannot be read. Only the first covers anything.
        matched: Findings it matches.
        absorbed: Findings it may match.
        note: Why it covers nothing, as a sentence.
    """

    id: str
    state: WaiverOutcome
    matched: int
    absorbed: int
    note: str = ""


class Skipped(msgspec.Struct, frozen=True):
    """A file that was seen and not analysed, and why."""

    path: str
    reason: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Proof of scanning: what was seen, what was analysed, with which tools."""

    files: int
    python_files: int
    analysed: int
    skipped: tuple[Skipped, ...]
    tools: dict[str, str]
    engine: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Judgement of one commit of one component. Same commit, same rules: same bytes.

    ``waivers`` is there only when there are any.
    """

    schema: int = 1
    repository: str
    commit: str
    component: str
    manifest: Manifest
    standards: tuple[StandardResult, ...]
    findings: tuple[Finding, ...]
    waivers: tuple[WaiverResult, ...] | msgspec.UnsetType = msgspec.UNSET
