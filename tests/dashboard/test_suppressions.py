"""Comments that silence a tool: kept from scan to scan, counted, and shown with their reasons."""

from __future__ import annotations

import pytest
from django.test import Client

from dashboard.models import Repository, Scan, ScanState, Suppression, User
from dashboard.services import repositories, suppressions
from tests.dashboard import rows
from tests.dashboard.scans import scan_of
from tests.dashboard.test_waivers import RULES
from tests.gitservers import Origin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_machine")]

QUIET = 'def run() -> None:\n    print("x")  # noqa: T201 - shown to a person\n'
BARE = "import os  # noqa: F401\nimport re  # type: ignore[import]\n"
CLEAN = "def one() -> int:\n    return 1\n"


@pytest.fixture
def lead() -> User:
    return rows.user()


@pytest.fixture
def repository(origin: Origin, lead: User) -> Repository:
    origin.commit({"app/main.py": QUIET, "app/clean.py": CLEAN})
    return repositories.register(
        team=rows.team(lead=lead), clone_url=str(origin.git_dir), adopted=[rows.standard(RULES)]
    )


def judged(repository: Repository) -> Scan:
    scan = scan_of(repository)
    assert scan.state == ScanState.COMPLETE, scan.error_message
    return scan


def page(lead: User, repository: Repository, query: str = "") -> str:
    client = Client()
    client.force_login(lead)
    return client.get(f"/r/{repository.slug}/waivers/{query}").content.decode()


def test_comments_are_counted_by_code_and_their_growth_is_told(
    origin: Origin, repository: Repository, lead: User
) -> None:
    first = judged(repository)
    assert first.suppressions == {"noqa": {"comments": 1, "bare": 0, "codes": {"T201": 1}}}
    assert "0 without a reason" in page(lead, repository)

    origin.commit({"app/main.py": f"{QUIET}\n\n{QUIET}", "app/more.py": BARE})
    judged(repository)

    told = suppressions.read(repository, {})
    assert (told.total, told.growth, told.bare, told.hidden) == (4, 3, 2, 2)
    noqa, ignored = told.tallies
    assert (noqa.kind, noqa.comments, noqa.growth, noqa.bare) == ("noqa", 3, 2, 1)
    assert [(each.name, each.number, each.growth) for each in noqa.codes] == [
        ("T201", 2, 1),
        ("F401", 1, 1),
    ]
    assert (ignored.kind, ignored.comments, ignored.growth) == ("type-ignore", 1, 1)
    shown = page(lead, repository)
    assert f'3 more than at <a href="/r/{repository.slug}/scans/{first.number}/">' in shown
    assert shown.count('<span class="chip">new</span>') == 3
    assert shown.count("</svg>no reason</span>") == 2
    assert '<bdi class="anywhere">shown to a person</bdi>' in shown
    assert shown.count(">no-print</a>") == 2

    bare = page(lead, repository, "?bare=1&kind=noqa")
    assert "F401" in bare
    assert "1 shown" in bare
    assert "shown to a person" not in bare

    origin.commit({"app/clean.py": CLEAN})
    judged(repository)
    gone = suppressions.read(repository, {})
    assert (gone.total, gone.growth, gone.grown) == (0, -4, "4 fewer than")
    assert not Suppression.objects.exists()


def test_a_comment_keeps_its_row_wherever_its_line_goes(
    origin: Origin, repository: Repository
) -> None:
    first = judged(repository)
    row = Suppression.objects.get()

    origin.commit({"lib/moved.py": f"import os\n\n{QUIET}", "app/clean.py": CLEAN})
    judged(repository)

    moved = Suppression.objects.get()
    assert (moved.pk, moved.first_scan) == (row.pk, first)
    assert (moved.path, moved.line) == ("lib/moved.py", row.line + 2)


def test_hostile_words_beside_a_comment_are_shown_and_change_nothing(
    origin: Origin, repository: Repository, lead: User
) -> None:
    odd = "print(1)  # noqa: T201 - <b>not \u202e really</b> hidden\n"
    origin.commit({"app/main.py": odd})
    judged(repository)

    shown = page(lead, repository)

    assert "&lt;b&gt;not" in shown
    assert '<span class="unseen" title="invisible character">U+202E</span>' in shown
    assert "\u202e" not in shown
