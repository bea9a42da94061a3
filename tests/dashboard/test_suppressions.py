"""Comments that silence a tool: kept from scan to scan, counted, and shown with their reasons."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.test import Client

from dashboard.models import Finding, Repository, Scan, ScanState, Suppression, User
from dashboard.services import repositories, standards, suppressions, waiver_requests
from dashboard.services.waiver_requests import Wish
from dashboard.services.worth import read_gains
from tests.checks.test_main import run
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


def test_a_comment_that_a_standard_refuses_hides_nothing(
    origin: Origin, repository: Repository, lead: User, tmp_path: Path
) -> None:
    unsaid = QUIET.replace(" - shown to a person", "")
    origin.commit({"app/main.py": unsaid})
    free = judged(repository)
    hidden = Finding.objects.get()
    assert hidden.suppressed
    assert "suppresses." not in page(lead, repository)

    text = RULES.replace(b"[waivers]", b'[waivers]\nsuppressions = "reasoned"')
    standards.adopt(repository, [rows.standard(text)], None)
    strict = judged(repository)

    counted = Finding.objects.get()
    assert (counted.pk, counted.suppressed) == (hidden.pk, False)
    assert counted.message.endswith("(suppressed without a reason, so it counts)")
    assert (strict.suppressed_count, strict.findings_count) == (0, free.findings_count + 1)
    assert strict.score == strict.raw_score == free.raw_score
    assert causes(strict) == {"rules"}
    assert "counts what a comment without a reason suppresses." in page(lead, repository)
    preview = waiver_requests.preview(repository, Wish(finding=counted), lead)
    assert preview.matched == 1
    assert read_gains(repository, {"by": "file"}).page.object_list[0].name == "app/main.py"
    assert told_by_the_command(origin, text, tmp_path) == (strict.score, strict.raw_score)

    origin.commit({"app/main.py": QUIET})
    reasoned = judged(repository)

    again = Finding.objects.get()
    assert (again.pk, again.suppressed) == (hidden.pk, True)
    assert (reasoned.score, reasoned.raw_score) == (free.score, free.raw_score)
    assert causes(reasoned) == {"code"}
    assert told_by_the_command(origin, text, tmp_path) == (reasoned.score, reasoned.raw_score)


def causes(scan: Scan) -> set[str]:
    return set(scan.changes.filter(standard=None).values_list("causes", flat=True))


def told_by_the_command(origin: Origin, text: bytes, folder: Path) -> tuple[float, float]:
    file = folder / "rules.toml"
    file.write_bytes(text)
    told = run("review", origin.git_dir, "--standard", file, "--format", "json", "--no-cache")
    (result,) = json.loads(told.stdout)["standards"]
    return result["score"], result["raw_score"]


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
