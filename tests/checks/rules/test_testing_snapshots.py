"""Snapshots of analytics."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask

QUERY = 'Q = "SELECT month, SUM(total) FROM orders GROUP BY month"\n'
TEST = "from app.sales import Q\n\n\ndef test_it({}):\n    assert Q == {}\n"


def bare(test: str, code: str = QUERY, path: str = "app/sales.py") -> tuple[int, int]:
    """Modules of analytics, and those without snapshot."""
    outcome = ask("analytics-snapshot-tests", {path: code, "tests/test_a.py": test})
    return outcome.sites, len(outcome.observations)


@pytest.mark.parametrize(
    ("test", "found"),
    [
        (TEST.format("", "1"), 1),
        (TEST.format("snapshot", "snapshot"), 0),
        (f"from inline_snapshot import snapshot\n{TEST.format('', 'snapshot(1)')}", 0),
        (TEST.format("", "open('tests/expected.json').read()"), 0),
        ("def test_it(snapshot):\n    assert 1 == snapshot\n", 1),
    ],
)
def test_a_snapshot_in_a_test_that_reaches_the_module_holds(test: str, found: int) -> None:
    assert bare(test) == (1, found)


@pytest.mark.parametrize(
    ("code", "path", "sites"),
    [
        (("from sqlalchemy import func, select\n\n\ndef f(s):\n"
         "    return select(func.sum(1)).group_by(2)\n"), "app/sales.py", 1),
        (("from sqlalchemy import func, select\n\n\ndef f(s):\n"
         "    return select(func.count())\n"), "app/sales.py", 0),
        ("Q = 'SELECT a, b, c FROM orders'\n", "app/reports/a.py", 1),
        ("Q = 'SELECT a, b, c FROM orders'\n", "app/metrics.py", 0),
        ("def f():\n    return 1\n", "app/analytics/a.py", 0),
    ],
)  # fmt: skip
def test_paths_and_queries_make_analytics(code: str, path: str, sites: int) -> None:
    assert bare("def test_it(): ...\n", code, path)[0] == sites
