"""Check of known vulnerabilities: versions, days, and what is told to be left out."""

from __future__ import annotations

from typing import Any

from checks import rules
from checks.check import CATALOGUE
from checks.judge import answer
from checks.memorysource import MemorySource
from checks.model import Outcome
from checks.reading import read_project
from checks.rules.specs import specs
from tests.checks.projects import STORE, TIME

ROW = {"id": "GHSA-1", "package": "Jinja2", "fixed": "3.1.5", "published": "2024-06-01"}
PINS = {"requirements.txt": "jinja2==3.1.4\n"}


def outcome(rows: list[dict[str, Any]] | None, files: dict[str, str], **params: Any) -> Outcome:
    rules.load()
    tables = {} if rows is None else {"advisory-table.json": rows}
    read = read_project(MemorySource.of(files, time=TIME), STORE, tables=tables)
    spec = specs()["known-vulnerabilities"]
    return answer(CATALOGUE["known-vulnerabilities"], read.project, spec.merged(params))


def count(rows: list[dict[str, Any]], files: dict[str, str], **params: Any) -> int:
    return len(outcome(rows, files, **params).observations)


def test_without_a_table_nothing_is_judged() -> None:
    assert outcome(None, PINS).sites == 0
    assert outcome([], PINS).sites == 1


def test_an_advisory_counts_after_the_days_of_grace() -> None:
    assert count([ROW | {"published": "2025-01-10"}], PINS) == 1
    assert count([ROW | {"published": "2025-01-25"}], PINS) == 0
    assert count([ROW | {"published": "2025-01-25"}], PINS, grace_days=2) == 1


def test_a_withdrawn_or_ignored_advisory_does_not_count() -> None:
    assert count([ROW | {"withdrawn": "2024-07-01"}], PINS) == 0
    assert count([ROW], PINS, ignore=["GHSA-1"]) == 0
    audit = {"Makefile": "audit:\n\tpip-audit --ignore-vuln CVE-1 -r requirements.txt\n"}
    assert count([ROW | {"aliases": ["CVE-1"]}], PINS | audit) == 0
    assert count([ROW | {"aliases": ["CVE-2"]}], PINS | audit) == 1


def test_versions_are_compared_as_versions_and_within_their_range() -> None:
    assert count([ROW | {"introduced": "3.1.10", "fixed": "3.2"}], PINS) == 0
    assert count([ROW | {"fixed": "3.1.10"}], PINS) == 1


def test_advisories_as_osv_writes_them_are_read() -> None:
    affected = {
        "package": {"name": "jinja2", "ecosystem": "PyPI"},
        "ranges": [
            {"type": "GIT", "events": [{"introduced": "0"}]},
            {"type": "ECOSYSTEM", "events": [
                {"introduced": "0"}, {"fixed": "2.0"}, {"introduced": "3.0"}, {"fixed": "3.1.5"},
            ]},
        ],
    }  # fmt: skip
    row = {"id": "PYSEC-1", "published": "2024-06-01T00:00:00Z", "affected": [affected]}
    found = outcome([row], PINS).observations
    assert [each.limit for each in found] == ["3.1.5"]
    assert count([row], {"requirements.txt": "jinja2==2.1\n"}) == 0
    other = affected | {"package": {"name": "jinja2", "ecosystem": "npm"}}
    assert count([row | {"affected": [other]}], PINS) == 0


def test_transitive_packages_are_judged_at_their_line_of_the_lock() -> None:
    lock = 'version = 1\n\n[[package]]\nname = "jinja2"\nversion = "3.1.4"\n'
    lock += 'source = { registry = "https://pypi.org/simple" }\n'
    files = {"uv.lock": lock, "pyproject.toml": '[project]\nname = "a"\ndependencies = []\n'}
    assert [(e.path, e.line) for e in outcome([ROW], files).observations] == [("uv.lock", 3)]


def test_what_only_developers_install_has_low_weight() -> None:
    found = outcome([ROW], {"requirements-dev.txt": "jinja2==3.1.4\n"}).observations
    assert [each.weight for each in found] == [0.5]
