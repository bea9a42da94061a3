"""A file that breaks takes no finding of another file with it; scans of a real repository."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from checks.gate import Gate
from dashboard.models import (
    Finding,
    FindingEvent,
    FindingState,
    Membership,
    Repository,
    Role,
    Scan,
    User,
)
from dashboard.services import gates, waiver_requests
from dashboard.services.waiver_requests import Wish
from tests.dashboard import rows
from tests.dashboard.scans import scan_of
from tests.gitservers import Origin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_machine")]

RULES = b"""
slug = "queries"
title = "Queries"

[[clause]]
id = "Q-1"
section = "Database"
requirement = "Queries are written in the style of SQLAlchemy 2."
strength = "must"
area = "database"
checks = [{ id = "sqlalchemy-2-query-style" }]

[[clause]]
id = "Q-2"
section = "Output"
requirement = "Nothing is printed."
strength = "should"
area = "logging"
checks = [{ id = "no-print" }]
"""
MAIN = "from sqlalchemy.orm import Session\n\nprint(Session)\n"
BROKEN = "from sqlalchemy.orm import (\n\nprint(Session\n"
DATA = "from app.main import Session\n\ndef get(session: Session):\n    return session.query(int)\n"
MENDED = DATA.replace("session.query(int)", "session.get(int, 1)")
WHOLE = {"app/main.py": MAIN, "app/data.py": DATA, "app/more.py": "y = 1\n"}
CUT = WHOLE | {"app/main.py": BROKEN}


@pytest.fixture
def repository(origin: Origin, register: Callable[..., Repository]) -> Repository:
    origin.commit(WHOLE)
    return register(RULES)


@pytest.fixture
def lead(repository: Repository) -> User:
    person = rows.user()
    Membership.objects.create(team=repository.team, user=person, role=Role.LEAD)
    return person


def cut_off(origin: Origin, repository: Repository) -> Scan:
    """The whole is judged, and then with its first file broken; returns the second scan."""
    scan_of(repository)
    origin.commit(CUT)
    return scan_of(repository)


def query() -> Finding:
    """The finding of the file that stands as long as the project is seen to use SQLAlchemy."""
    return Finding.objects.get(check_id="sqlalchemy-2-query-style")


def kinds(finding: Finding) -> list[str]:
    return list(FindingEvent.objects.filter(finding=finding).values_list("kind", flat=True))


def agrees(repository: Repository, scan: Scan) -> None:
    """The counters say what the rows say."""
    standing = Finding.objects.filter(repository=repository)
    for row in (repository, scan):
        assert row.findings_count == standing.open().count()
        assert row.waived_count == standing.waived().count()


def proof(scan: Scan) -> tuple[dict[str, str] | None, int]:
    assert scan.manifest is not None
    return scan.manifest.get("unread_since"), scan.manifest.get("held", 0)


def test_what_other_files_have_stays_until_the_file_is_readable_again(
    origin: Origin, repository: Repository
) -> None:
    first = scan_of(repository)
    known = set(Finding.objects.values_list("pk", flat=True))
    origin.commit(CUT)
    broken = scan_of(repository)
    since = {"app/main.py": origin.top()}

    assert (broken.opened_count, broken.fixed_count) == (0, 0)
    assert proof(broken) == (since, 1)
    assert (query().state, query().last_seen) == (FindingState.OPEN, first)
    agrees(repository, broken)

    origin.commit(CUT | {"app/more.py": "y = 2\n"})
    still = scan_of(repository)
    assert proof(still) == (since, 1)
    assert (query().state, query().last_seen) == (FindingState.OPEN, first)
    agrees(repository, still)

    origin.commit(WHOLE)
    whole = scan_of(repository)
    assert (whole.opened_count, whole.fixed_count, proof(whole)) == (0, 0, (None, 0))
    assert set(Finding.objects.values_list("pk", flat=True)) == known
    assert {*FindingEvent.objects.values_list("kind", flat=True)} == {"opened"}
    assert query().last_seen is None
    agrees(repository, whole)


@pytest.mark.parametrize(
    "files", [CUT | {"app/data.py": MENDED}, {k: v for k, v in CUT.items() if k != "app/data.py"}]
)
@pytest.mark.parametrize("before", [(), (CUT,)])
def test_what_its_own_file_lost_is_fixed(
    origin: Origin,
    repository: Repository,
    before: tuple[dict[str, str], ...],
    files: dict[str, str],
) -> None:
    scan_of(repository)
    for each in before:
        origin.commit(each)
        scan_of(repository)
    origin.commit(files)

    scan = scan_of(repository)

    assert kinds(query()) == ["opened", "fixed"]
    agrees(repository, scan)


@pytest.mark.parametrize("extra", [{"app/old.py": BROKEN}, {}])
def test_a_file_that_never_could_be_read_keeps_nothing(
    origin: Origin, repository: Repository, extra: dict[str, str]
) -> None:
    origin.commit(WHOLE | extra)
    scan_of(repository)
    # Nothing uses SQLAlchemy now; where there is no such file yet, it comes with this commit.
    origin.commit(WHOLE | {"app/main.py": "Session = object\n", "app/old.py": BROKEN})

    scan = scan_of(repository)

    assert kinds(query()) == ["opened", "fixed"]
    assert proof(scan) == (None, 0)


def test_a_file_that_is_gone_keeps_nothing_any_more(origin: Origin, repository: Repository) -> None:
    cut_off(origin, repository)
    origin.commit({path: text for path, text in WHOLE.items() if path != "app/main.py"})

    scan = scan_of(repository)

    assert kinds(query()) == ["opened", "fixed"]
    assert proof(scan) == (None, 0)


def test_a_broken_file_may_move(origin: Origin, repository: Repository) -> None:
    broken = cut_off(origin, repository)
    origin.commit({"lib/main.py": BROKEN, "lib/data.py": DATA})

    scan = scan_of(repository)

    assert proof(scan) == ({"lib/main.py": broken.commit}, 1)
    assert kinds(query()) == ["opened"]


def test_what_was_held_is_not_new_to_a_gate(origin: Origin, repository: Repository) -> None:
    gates.choose(repository, Gate(no_new_findings=True, open_musts=None), None)
    for files in (WHOLE, CUT):
        origin.commit(files)
        scan_of(repository)
    origin.commit(WHOLE)
    for each in (scan_of(repository), scan_of(repository)):
        assert each.gate is not None
        assert each.gate["passed"], each.gate

    origin.commit(CUT)
    scan_of(repository)
    origin.commit(WHOLE | {"app/more.py": "print(1)\n"})
    for each in (scan_of(repository), scan_of(repository)):
        assert each.gate is not None
        (new,) = [one for one in each.gate["conditions"] if one["passed"] is False]
        assert "1 finding is new against" in new["sentence"]
        assert "app/more.py" in new["sentence"]


def test_a_waiver_goes_on_with_what_was_held(
    origin: Origin, repository: Repository, lead: User
) -> None:
    scan_of(repository)
    end = timezone.localdate() + timedelta(days=30)
    wish = Wish("Replaced in spring.", end, finding=query())
    row = waiver_requests.ask(repository, wish, rows.user())
    waiver_requests.grant(row, lead, "Fine.")
    agrees(repository, scan_of(repository))
    for files in (CUT, WHOLE):
        origin.commit(files)
        agrees(repository, scan_of(repository))
        assert query().waived_by == row

    assert kinds(query()) == ["opened", "waived"]
    row.refresh_from_db()
    assert (row.outcome, row.matched) == ("in-force", 1)


def test_pages_say_why_it_was_not_seen(
    origin: Origin, repository: Repository, lead: User, client: Client
) -> None:
    scan = cut_off(origin, repository)
    client.force_login(lead)

    page = client.get(query().get_absolute_url()).content.decode()
    assert "scan 1</a>, because" in page
    assert f'cannot be read since <span class="mono">{scan.short_commit}</span>' in page

    page = client.get(scan.get_absolute_url()).content.decode()
    assert "1 finding of other files was not seen for that, and stays open" in page

    origin.commit(WHOLE)
    scan = scan_of(repository)
    assert "Not seen" not in client.get(query().get_absolute_url()).content.decode()
    assert "No longer read" not in client.get(scan.get_absolute_url()).content.decode()
