"""A finding keeps its row through whatever happens to the code, and says why it went."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from checks import model as engine
from checks import rules as built
from checks.check import CATALOGUE, check
from checks.codeowners import CodeOwners
from checks.fingerprint import fingerprint
from checks.ground import Side
from checks.memorysource import MemorySource
from checks.outcomes import pack
from checks.project.subjects import File
from checks.report import json as report_json
from dashboard.models import (
    Component,
    Finding,
    FindingEvent,
    FindingState,
    Repository,
    Scan,
    Standard,
    Trigger,
)
from dashboard.services import identity, lease, results, scanning
from dashboard.services.identity import Seen
from tests.dashboard import rows
from tests.histories import History

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]

CODE = "def f(a):\n    print(a)\n    print(a + 1)\n    return a\n"


@pytest.fixture
def rules() -> Standard:
    return rows.standard()


@pytest.fixture
def repository(rules: Standard) -> Repository:
    return rows.repository(None, rules)


def found(
    fingerprint: str, line: int = 2, path: str = "app/a.py", symbol: str = "app.a:f", **more: Any
) -> engine.Finding:
    finding = rows.finding(fingerprint, path=path, line=line)
    return msgspec.structs.replace(finding, symbol=symbol, **more)


class Scans:
    """Scans of one repository, each of files of its own."""

    def __init__(self, repository: Repository, rules: Standard) -> None:
        self.repository, self.rules = repository, rules
        self._before: Side | None = None
        self._number = 0

    def of(self, files: dict[str, str], *findings: engine.Finding, **more: Any) -> Scan:
        now = Side(MemorySource.of(files, time=0))
        owners = CodeOwners(files.get("CODEOWNERS", ""))
        seen = Seen(MemorySource.of(files, time=0), now, self._before, "", owners)
        self._before = now
        return self.seen(seen, *findings, **more)

    def seen(self, seen: Seen, *findings: engine.Finding, **more: Any) -> Scan:
        self._number += 1
        commit = seen.source.commit or f"{self._number:040x}"
        report = more.pop("report", None) or rows.report(self.rules.version, *findings, **more)
        report = msgspec.structs.replace(report, commit=commit)
        held = lease.claim(scanning.request(self.repository, Trigger.PUSH).pk)
        assert held
        held.write(commit=commit, wanted=1_000_000)
        component = Component.objects.get(repository=self.repository.pk)
        data = report_json.render(report).encode()
        results.store(held, [results.Judged(component, report, data)], [self.rules], {}, seen=seen)
        return Scan.objects.get(pk=held.pk)


@pytest.fixture
def scans(repository: Repository, rules: Standard) -> Scans:
    return Scans(repository, rules)


def kinds(finding: Finding) -> list[str]:
    return list(FindingEvent.objects.filter(finding=finding).values_list("kind", flat=True))


def test_a_finding_follows_its_file_and_keeps_its_row(scans: Scans) -> None:
    scans.of({"app/a.py": CODE}, found("1"))
    before = Finding.objects.get()

    scan = scans.of({"lib/b.py": f"import os\n\n{CODE}"}, found("9", 4, "lib/b.py", "lib.b:f"))

    after = Finding.objects.get()
    assert (after.pk, after.fingerprint, after.path, after.line) == (before.pk, "9", "lib/b.py", 4)
    assert (after.opened_at, after.first_scan_id) == (before.opened_at, before.first_scan_id)
    assert kinds(after) == ["opened"]
    assert (scan.opened_count, scan.fixed_count) == (0, 0)


def test_of_two_equals_the_one_that_was_removed_is_closed(scans: Scans) -> None:
    scans.of({"app/a.py": CODE}, found("1", 2), found("2", 3))
    first, second = Finding.objects.order_by("line")

    scans.of({"app/a.py": CODE.replace("    print(a)\n", "")}, found("1", 2))

    for row in (first, second):
        row.refresh_from_db()
    assert (first.state, second.state) == (FindingState.FIXED, FindingState.OPEN)
    assert (second.fingerprint, second.line) == ("1", 2)


def test_two_findings_may_exchange_their_names(scans: Scans) -> None:
    scans.of({"app/a.py": CODE}, found("1", 2), found("2", 3))
    first, second = Finding.objects.order_by("line").values_list("pk", flat=True)
    turned = "def f(a):\n    print(a + 1)\n    print(a)\n    return a\n"

    scans.of({"app/a.py": turned}, found("1", 2), found("2", 3))

    assert dict(Finding.objects.values_list("pk", "fingerprint")) == {first: "2", second: "1"}
    assert FindingEvent.objects.count() == 2


def test_the_last_of_the_name_is_the_one_that_returns(scans: Scans) -> None:
    scans.of({"app/a.py": CODE}, found("1", 2), found("2", 3))
    first, second = Finding.objects.order_by("line").values_list("pk", flat=True)
    scans.of({"app/a.py": CODE.replace("    print(a)\n", "")}, found("1", 2))
    scans.of({"app/a.py": "def f(a):\n    return a\n"})

    scans.of({"app/a.py": CODE}, found("1", 2))

    assert Finding.objects.get(state=FindingState.REOPENED).pk == second
    assert Finding.objects.get(pk=first).state == FindingState.FIXED


def test_a_comment_that_suppresses_is_a_turn_of_its_own(scans: Scans) -> None:
    files = {"app/a.py": CODE}
    scans.of(files, found("1"))
    scans.of(files, found("1", suppressed=True))
    scans.of(files, found("1"))

    assert kinds(Finding.objects.get()) == ["opened", "suppressed", "unsuppressed"]


def limited(version: str, *findings: engine.Finding, limit: int) -> engine.Report:
    """A report under another limit of its check."""
    report = rows.report(version, *findings)
    [standard] = report.standards
    clauses = tuple(
        msgspec.structs.replace(
            clause,
            checks=tuple(
                msgspec.structs.replace(each, params={"limit": limit}) for each in clause.checks
            ),
        )
        for clause in standard.clauses
    )
    changed = (msgspec.structs.replace(standard, clauses=clauses),)
    return msgspec.structs.replace(report, standards=changed)


@pytest.mark.parametrize(
    ("files", "limit", "kind"),
    [
        ({"app/a.py": CODE, "b.py": "x"}, 20, "rule-gone"),
        ({"app/a.py": "x = 1\n"}, 20, "fixed"),
        ({"app/a.py": CODE, "b.py": "x"}, 10, "fixed"),
        ({"app/a.py": "x = 1\n"}, 10, "fixed"),
        ({"b.py": "x"}, 10, "fixed"),
        ({"b.py": "x"}, 20, "fixed"),
    ],
)
def test_what_the_code_did_and_what_the_rules_did_are_told_apart(
    scans: Scans, rules: Standard, files: dict[str, str], limit: int, kind: str
) -> None:
    scans.of({"app/a.py": CODE}, report=limited(rules.version, found("1"), limit=10))
    scans.of(files, report=limited(rules.version, limit=limit))

    assert kinds(Finding.objects.get()) == ["opened", kind]


@pytest.mark.parametrize(("path", "kind"), [("app/a.py", "rule-gone"), ("", "fixed")])
def test_a_change_of_our_own_code_is_a_change_of_rules(scans: Scans, path: str, kind: str) -> None:
    scans.of({"app/a.py": CODE}, found("1", path=path))
    Scan.objects.update(ruling={"engine": "older"})
    scans.of({"app/a.py": CODE, "b.py": ""})

    assert kinds(Finding.objects.get()) == ["opened", kind]


def test_a_commit_that_is_looked_at_no_longer_left_the_scope(scans: Scans) -> None:
    scans.of({"a.py": ""}, found("1", path="", symbol=f"commit:{'c' * 40}"))
    scan = scans.of({"a.py": "", "b.py": ""})

    assert kinds(Finding.objects.get()) == ["opened", "out-of-scope"]
    assert scan.fixed_count == 0


def test_a_file_that_moved_and_was_not_read_closes_nothing(scans: Scans) -> None:
    scans.of({"app/a.py": CODE}, found("1"))
    scans.of({"lib/b.py": CODE}, skipped=(engine.Skipped("lib/b.py", "took too long"),))

    assert Finding.objects.get().state == FindingState.OPEN


def test_a_renamed_check_keeps_what_its_predecessor_found(
    scans: Scans, monkeypatch: pytest.MonkeyPatch
) -> None:
    built.load()
    monkeypatch.delitem(CATALOGUE, "no-print")

    @check("no-print", predecessors=("print-calls",))
    def no_print(file: File) -> None:
        """Stands in the catalogue for this test alone."""

    files = {"app/a.py": CODE}
    scans.of(files, msgspec.structs.replace(found("1"), check="print-calls"))
    before = Finding.objects.get()

    scan = scans.of(files, found("9"))

    after = Finding.objects.get()
    assert (after.pk, after.check_id, after.fingerprint) == (before.pk, "no-print", "9")
    assert (kinds(after), scan.opened_count) == (["opened"], 0)


def test_owners_are_those_the_commit_names(scans: Scans) -> None:
    scans.of({"app/a.py": CODE, "CODEOWNERS": "* @all\n/app/ @web @api\n"}, found("1"))
    assert Finding.objects.get().owners == ["@web", "@api"]

    scans.of({"app/a.py": CODE, "CODEOWNERS": "* @all\n"}, found("1"))
    assert Finding.objects.get().owners == ["@all"]


def test_each_turn_names_its_commit_and_the_name_of_its_author(
    scans: Scans, tmp_path: Path
) -> None:
    past = History(tmp_path / "past.git")
    one = past.commit("ada", a=CODE)
    two = past.commit("ben", one, a=CODE, b="x = 1\n")
    three = past.commit("cyd", two, a="x = 2\n", b="x = 1\n")

    def look(oid: str, since: str) -> Seen:
        return identity.look(past.at(oid), past.raw.git_dir, since)

    scans.seen(look(two, ""), found("1", path="a.py"))
    scans.seen(look(three, two))

    opened, fixed = FindingEvent.objects.order_by("pk")
    assert (opened.kind, opened.commit, opened.author) == ("opened", one, "ada")
    assert (fixed.kind, fixed.commit, fixed.author) == ("fixed", three, "cyd")
    finding = Finding.objects.get()
    assert finding.since == opened.committed_at != finding.opened_at
    assert finding.age_from == finding.since


def test_a_commit_that_was_rewritten_away_is_not_needed(scans: Scans, tmp_path: Path) -> None:
    past = History(tmp_path / "past.git")
    one = past.commit("ada", a=CODE)

    looked = identity.look(past.at(one), past.raw.git_dir, "d" * 40)

    assert (looked.before, looked.since) == (None, "")


def test_answers_tell_more_of_a_place_than_its_message(scans: Scans) -> None:
    places = [
        engine.Observation(path="app/a.py", line=line, symbol="app.a:f", message="m", anchor=name)
        for line, name in ((2, "first"), (3, "second"))
    ]
    outcome = engine.Outcome(check="no-print", sites=2, observations=tuple(places))
    names = [fingerprint("no-print", "app/a.py", "app.a:f", each.anchor, 1) for each in places]
    report = rows.report(
        "v", *(found(name, line) for name, line in zip(names, (2, 3), strict=True))
    )

    sites = identity.described(report, pack({("no-print", "{}"): outcome}), None, [])

    assert [each.anchor for each in sites] == ["first", "second"]
