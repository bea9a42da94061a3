"""The catalogue: every check, built or not, and every standard with what decides its clauses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from checks.report import json
from checks.report.text import escaped
from checks.rules.specs import Spec, specs, terms
from checks.standard import Clause, Standard


def render_json(standards: Sequence[Standard], built: Collection[str]) -> str:
    """Checks, standards and the words they use as JSON text; ``built`` are ids of checks."""
    return json.dump(
        {
            "schema": 1,
            "checks": [_check(spec, built) for spec in specs().values()],
            "standards": [_standard(standard, built) for standard in standards],
            "terms": terms(),
        }
    )


def render_text(standards: Sequence[Standard], built: Collection[str]) -> str:
    """One line for each check, those that are not built marked, and one for each standard."""
    known = specs()
    lines = [f"{len(known)} checks, {len(known.keys() & set(built))} of them built"]
    for spec in known.values():
        mark = " " if spec.id in built else "-"
        lines.append(f"{mark} {spec.area:14} {spec.id:36} {spec.title}")
    lines += ["", f"{len(standards)} standards"]
    for standard in standards:
        strengths = Counter(clause.strength for clause in standard.clauses)
        decided = sum(_decided(clause, built) for clause in standard.clauses)
        lines.append(
            f"  {standard.slug:32} {standard.short_version}  {len(standard.clauses):3} clauses"
            f" ({strengths['must']} must, {strengths['should']} should, {strengths['may']} may),"
            f" {decided} decided by built checks  {escaped(standard.title)}"
        )
    return "\n".join([*lines, "", "- is not built yet: clauses that need it are unknown", ""])


def _check(spec: Spec, built: Collection[str]) -> dict[str, Any]:
    return {**msgspec.to_builtins(spec), "built": spec.id in built}


def _standard(standard: Standard, built: Collection[str]) -> dict[str, Any]:
    return {
        "slug": standard.slug,
        "title": standard.title,
        "version": standard.version,
        "summary": standard.summary,
        "clauses": [_clause(clause, built) for clause in standard.clauses],
    }


def _clause(clause: Clause, built: Collection[str]) -> dict[str, Any]:
    checks = [
        {"id": check.id, "params": check.params, "built": check.id in built}
        for check in clause.checks
    ]
    return {**msgspec.to_builtins(clause), "checks": checks}


def _decided(clause: Clause, built: Collection[str]) -> bool:
    return all(check.id in built for check in clause.checks)
