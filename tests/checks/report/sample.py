"""A report with everything in it that a reader has to survive."""

from __future__ import annotations

from checks.fingerprint import findings
from checks.model import Manifest, Observation, Outcome, Report, Skipped
from checks.rules.specs import Key
from checks.standard import Standard, parse
from checks.verdict import judge

TEAM = parse(
    b"""
slug = "team"
title = "Team"
[[clause]]
id = "T-1"
requirement = "Nothing is printed."
strength = "must"
checks = [{ id = "no-print" }]
[[clause]]
id = "T-2"
requirement = "Functions are short."
strength = "should"
checks = [{ id = "function-length" }]
[[clause]]
id = "T-3"
requirement = "Imports are sorted."
strength = "may"
checks = [{ id = "import-order" }]
[[clause]]
id = "T-4"
requirement = "Requests are traced."
strength = "must"
checks = [{ id = "correlation-id" }]
[[clause]]
id = "T-5"
requirement = "Endpoints answer the right status."
strength = "should"
checks = [{ id = "success-status-code" }]
[[clause]]
id = "T-6"
requirement = "The README is kept."
strength = "should"
checks = [{ id = "docs-topics" }]
""",
    "team.toml",
)
PRINT, LENGTH, IMPORTS, _, STATUS, DOCS = TEAM.demanded()
NASTY = "app/a b\x1b[31m\u202e#%25:é.py"


def observed(path: str, line: int, message: str = "wrong", **more: object) -> Observation:
    return Observation(path=path, line=line, message=message, **more)  # type: ignore[arg-type]


OUTCOMES: dict[Key, Outcome] = {
    PRINT: Outcome(
        check="no-print",
        sites=16,
        observations=(
            observed("app/main.py", 3, "print in run", column=5, symbol="app.main:run"),
            observed("app/main.py", 9, "print in stop", suppressed=True),
            observed(NASTY, 2, "print\x1b[31m\n\u202eevil", end_line=4),
        ),
    ),
    LENGTH: Outcome(
        check="function-length",
        sites=4,
        observations=(observed("app/main.py", 3, "too long", weight=0.5, anchor="run"),),
    ),
    IMPORTS: Outcome(
        check="import-order", sites=3, observations=(observed("app/main.py", 1, "unsorted"),)
    ),
    STATUS: Outcome(
        check="success-status-code", state="unknown", reason="check failed: \x1b[2Jboom"
    ),
    DOCS: Outcome(check="docs-topics", sites=1, observations=(observed("", 0, "no topic"),)),
}


def report(
    outcomes: dict[Key, Outcome] | None = None,
    *,
    repository: str = "https://git.example.com/team/shop.git",
    standards: tuple[Standard, ...] = (TEAM,),
) -> Report:
    found = OUTCOMES if outcomes is None else outcomes
    return Report(
        repository=repository,
        commit="5" * 40,
        component="",
        manifest=Manifest(
            files=7,
            python_files=5,
            analysed=4,
            skipped=(Skipped("app/x\x1b.py", "does not parse"),),
            tools={"ruff": "0.17.5"},
            engine="straightedge 0.1.0 (5e55)",
        ),
        standards=tuple(judge(each, found) for each in standards),
        findings=findings(found, standards),
    )
