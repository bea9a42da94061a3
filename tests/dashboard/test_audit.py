"""The audit: what was remembered is what would be found, and a difference is told."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from dashboard import queue, tasks
from dashboard.models import Recheck, RecheckOutcome, Repository, Scan
from dashboard.services import audit, facts, mirrors, operations
from tests.dashboard import rows
from tests.dashboard.scans import scan_of
from tests.gitservers import Origin, git

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_machine")]

BAD = "def main():\n    print('hello')\n"
GOOD = "def main():\n    return 'hello'\n"


@pytest.fixture(autouse=True)
def own_store(own_machine: None) -> None:
    """The store of facts is kept open: that of another test's home is let go."""
    facts.store.cache_clear()


@pytest.fixture
def judged(register: Callable[..., Repository]) -> Callable[[], Repository]:
    """Register and scan the origin, or scan it again."""

    def do() -> Repository:
        repository = Repository.objects.first() or register()
        scan_of(repository)
        return Repository.objects.select_related("last_scan").get(pk=repository.pk)

    return do


def tamper(origin: Origin, home: Path) -> None:
    """Give the kept facts of the clean file to the one that prints, and forget whole reports."""
    bad, clean = (
        git(origin.git_dir, "rev-parse", f"{origin.top()}:{path}").strip()
        for path in ("app/main.py", "app/more.py")
    )
    with sqlite3.connect(home / "cache" / "facts.sqlite3") as store:
        rows_ = store.execute("SELECT space, crc, data FROM fact WHERE oid = ?", (clean,))
        for space, crc, data in rows_.fetchall():
            store.execute(
                "UPDATE fact SET crc = ?, data = ? WHERE space = ? AND oid = ?",
                (crc, data, space, bad),
            )
        store.execute("DELETE FROM fact WHERE oid = ?", (origin.top(),))


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """A night whose bells are answered at once."""

    def ring(task: str, args: Sequence[int] = ()) -> bool:
        assert task == audit.RUN_AUDIT
        tasks.run_audit(*args)
        return True

    monkeypatch.setattr(queue, "ring", ring)
    return audit.nightly


def judged_row() -> Repository:
    """The repository as another process reads it."""
    return Repository.objects.select_related("last_scan").get()


def test_an_untouched_result_is_the_same(origin: Origin, judged: Callable[[], Repository]) -> None:
    origin.commit({"app/main.py": BAD, "app/more.py": GOOD})
    row = audit.audit(judged())
    assert (row.outcome, row.detail) == (RecheckOutcome.SAME, [])
    assert operations.read_operations().differing == []


def test_a_tampered_store_raises_an_alarm(
    origin: Origin, judged: Callable[[], Repository], settings: Settings
) -> None:
    origin.commit({"app/main.py": BAD, "app/more.py": GOOD})
    assert judged().findings_count == 1
    tamper(origin, settings.HOME)
    repository = judged()
    assert repository.findings_count == 0

    row = audit.audit(repository)

    assert row.outcome == RecheckOutcome.DIFFERENT
    assert "house-rules HR-1 was holds, and is fails." in row.detail
    assert "no-print at app/main.py:2 is there and was not found." in row.detail
    view = operations.read_operations()
    assert [each.pk for each in view.differing] == [row.pk]
    assert any("An audit made other results" in alarm for alarm in view.alarms)
    with pytest.raises(CommandError, match="1 of the results differ"):
        call_command("audit", repository.slug, stdout=StringIO())


def test_what_was_asked_otherwise_since_is_not_compared(
    origin: Origin, judged: Callable[[], Repository]
) -> None:
    origin.commit({"app/main.py": BAD})
    repository = judged()
    git(origin.git_dir, "tag", "v1")
    git(mirrors.path(repository), "tag", "v1", origin.top())
    row = audit.audit(repository)
    assert (row.outcome, row.detail) == (
        RecheckOutcome.SKIPPED,
        ["Branches or tags around the commit have moved since."],
    )
    Scan.objects.update(ruling=None)
    (first, *_) = audit.audit(Repository.objects.get()).detail
    assert first.startswith("What it was judged by has changed since: engine")


def test_a_night_audits_those_that_waited_longest(
    origin: Origin, judged: Callable[[], Repository], night: Callable[[], None]
) -> None:
    origin.commit({"app/main.py": BAD})
    repository = judged()
    rows.repository()
    night()
    night()
    assert list(Recheck.objects.values_list("repository", flat=True)) == [repository.pk] * 2


def test_a_host_without_the_mirror_or_with_an_old_one_fetches_it(
    origin: Origin, judged: Callable[[], Repository], settings: Settings, tmp_path: Path
) -> None:
    origin.commit({"app/main.py": GOOD})
    judged()
    scanner, other = settings.HOME, tmp_path / "other"
    settings.HOME = other
    assert audit.audit(judged_row()).outcome == RecheckOutcome.SAME
    assert mirrors.path(judged_row()).is_relative_to(other)

    settings.HOME = scanner
    origin.commit({"app/main.py": BAD})
    judged()
    settings.HOME = other
    assert audit.audit(judged_row()).outcome == RecheckOutcome.SAME


def test_what_cannot_be_fetched_is_not_compared(
    origin: Origin, judged: Callable[[], Repository], settings: Settings, tmp_path: Path
) -> None:
    origin.commit({"app/main.py": GOOD})
    judged()
    shutil.rmtree(origin.git_dir)
    settings.HOME = tmp_path / "other"
    row = audit.audit(judged_row())
    assert row.outcome == RecheckOutcome.SKIPPED
    assert row.detail


def test_a_repository_that_is_gone_meanwhile_is_passed_over() -> None:
    audit.run(1)
    assert not Recheck.objects.exists()


def test_the_command_audits_by_name_and_knows_no_strangers(
    origin: Origin, judged: Callable[[], Repository]
) -> None:
    origin.commit({"app/main.py": BAD})
    repository = judged()
    out = StringIO()
    call_command("audit", stdout=out)
    assert out.getvalue() == f"{repository.slug}: the same\n"
    with pytest.raises(CommandError, match="no repository nobody"):
        call_command("audit", "nobody")


def test_one_that_breaks_does_not_end_the_night(
    origin: Origin,
    judged: Callable[[], Repository],
    night: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    origin.commit({"app/main.py": BAD})
    judged()
    monkeypatch.setattr(audit, "GitSource", lambda *_: 1 / 0)

    night()

    row = Recheck.objects.get()
    assert row.outcome == RecheckOutcome.SKIPPED
    assert "ZeroDivisionError" in row.detail[0]
