"""Whether a report shows anything: green because nothing was analysed is no green."""

from __future__ import annotations

from checks.model import Report, StandardResult
from checks.rules.specs import specs

READS_PYTHON = frozenset({"ast", "import-graph", "ruff", "radon"})
"""What a check reads, by the words of the catalogue, when it reads Python files."""


def unproven(report: Report) -> str:
    """Why a report shows nothing, in a sentence with the next step; "" when it does.

    A standard that asks about Python code applies to a repository with a backend. Where not one
    Python file was analysed it was held by nothing, whatever documents and history say.
    """
    if report.manifest.analysed or not any(map(_asks_about_code, report.standards)):
        return ""
    count = report.manifest.python_files
    where = f"folder {report.component}" if report.component else "repository"
    if not count:
        return (
            f"No Python file was analysed: the {where} has none."
            " Choose the branch or the folder that holds the backend."
        )
    seen = "its only one was" if count == 1 else f"all {count} were"
    return (
        f"No Python file of the {where} was analysed: {seen} left out."
        " The manifest says why; repair what is named there."
    )


def _asks_about_code(result: StandardResult) -> bool:
    known = specs()
    return any(
        check.id in known and known[check.id].engine in READS_PYTHON
        for clause in result.clauses
        for check in clause.checks
    )
