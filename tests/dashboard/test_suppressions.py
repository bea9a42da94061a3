"""Comments that silence a tool: kept from scan to scan, counted, and shown with their reasons."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client

from checks.silenced import Silenced
from dashboard.models import Finding, Repository, Scan, ScanState, Suppression, User
from dashboard.services import (
    components,
    repositories,
    standards,
    suppressions,
    waiver_requests,
)
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
    assert first.suppressions == {
        "noqa": {"comments": 1, "bare": 0, "codes": {"T201": 1}, "rest": 0}
    }
    assert "0 without a reason" in page(lead, repository)

    origin.commit({"app/main.py": f"{QUIET}\n\n{QUIET}", "app/more.py": BARE})
    judged(repository)

    told = suppressions.read(lead, repository, {})
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
    gone = suppressions.read(lead, repository, {})
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


def noqa(line: int, *codes: str) -> Silenced:
    return Silenced(line, "noqa", codes or ("F401",), False, "", f"{line:016x}")


def test_a_comment_keeps_its_row_when_other_folders_are_judged(
    origin: Origin, repository: Repository, lead: User
) -> None:
    origin.commit({"api/main.py": QUIET, "web/main.py": QUIET})
    first = judged(repository)
    rows_before = set(Suppression.objects.values_list("pk", "path"))

    components.choose(repository, ["api", "web"], lead)
    judged(repository)

    standing = Suppression.objects.select_related("component")
    assert {(row.pk, row.path) for row in standing} == rows_before
    assert [(row.path, row.component.path, row.first_scan) for row in standing] == [
        ("api/main.py", "api", first),
        ("web/main.py", "web", first),
    ]


def test_what_stood_in_a_folder_that_is_gone_or_judged_no_longer_goes(
    origin: Origin, repository: Repository, lead: User
) -> None:
    origin.commit({"api/main.py": QUIET, "web/main.py": QUIET, "old/main.py": QUIET})
    components.choose(repository, ["api", "web", "old"], lead)
    judged(repository)

    components.choose(repository, ["api", "web"], lead)
    judged(repository)
    assert [row.path for row in Suppression.objects.all()] == ["api/main.py", "web/main.py"]

    origin.commit({"api/main.py": QUIET})
    judged(repository)
    assert [row.path for row in Suppression.objects.all()] == ["api/main.py"]


def test_a_folder_in_which_nobody_has_looked_keeps_its_comments(repository: Repository) -> None:
    judged(repository)
    component = repository.components.get()

    told = suppressions.compare({component: None})

    assert (told.new, told.changed, told.gone) == ([], [], [])
    assert suppressions.counted([{"a.py": [noqa(1)]}, None]) is None


def test_nothing_is_new_after_a_scan_that_has_not_looked(
    origin: Origin, repository: Repository, lead: User
) -> None:
    before = judged(repository)
    # As the scans of earlier versions stand after the upgrade.
    Scan.objects.filter(pk=before.pk).update(suppressions=None)
    Suppression.objects.all().delete()
    waiting = page(lead, repository)
    assert "Not looked for yet" in waiting
    assert "Nothing is suppressed" not in waiting

    origin.commit({"app/more.py": BARE})
    judged(repository)

    told = suppressions.read(lead, repository, {})
    assert (told.total, told.growth, told.newest) == (2, None, None)
    shown = page(lead, repository)
    assert '<span class="chip">new</span>' not in shown
    assert "more than at" not in shown


def test_a_path_that_fits_no_index_is_kept(repository: Repository) -> None:
    scan = judged(repository)
    digits = "".join(hashlib.sha256(bytes([number])).hexdigest() for number in range(18))
    # Ideographs that repeat nothing: PostgreSQL cannot press them into an entry.
    path = "".join(chr(0x4E00 + int(digits[at : at + 3], 16)) for at in range(1097)) + ".py"
    assert (len(path), len(path.encode()) > 3000) == (1100, True)
    changes = suppressions.compare({repository.components.get(): {path: [noqa(1)]}})

    suppressions.write(changes, scan)

    assert [row.path for row in Suppression.objects.all()] == [path]


def test_comments_are_read_by_those_who_see_the_repository(
    repository: Repository, lead: User
) -> None:
    judged(repository)

    assert len(suppressions.read(lead, repository, {}).page) == 1
    assert not len(suppressions.read(AnonymousUser(), repository, {}).page)


def test_a_scan_names_the_most_common_codes_and_how_many_there_are_beside() -> None:
    many = [noqa(1, *(f"X{number:03}" for number in range(250))), noqa(2, "Z9"), noqa(3, "Z9")]

    told = suppressions.counted([{"a.py": many}])

    assert told
    codes = told["noqa"]["codes"]
    assert (len(codes), codes["Z9"], told["noqa"]["rest"]) == (200, 2, 51)
    assert (told["noqa"]["comments"], told["noqa"]["bare"]) == (3, 3)


def test_the_page_says_what_is_counted_and_neither_named_nor_listed(
    origin: Origin, repository: Repository, lead: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suppressions, "MOST", 2)
    monkeypatch.setattr(suppressions, "MOST_CODES", 9)
    codes = [f"E{number}" for number in range(100, 111)]
    origin.commit({"app/more.py": f"import os  # noqa: {', '.join(codes)}\n{BARE}"})
    judged(repository)
    judged(repository)

    told = suppressions.read(lead, repository, {})
    assert (told.total, told.unlisted) == (3, 1)
    assert (told.tallies[0].others, told.tallies[0].codes[0].growth) == (4, 0)
    shown = page(lead, repository)
    assert "and 4 other codes" in shown
    assert "1 more is counted and not listed" in shown
    assert "1 more is counted and not listed" in page(lead, repository, "?kind=type-ignore")
    assert "counted and not listed" not in page(lead, repository, "?kind=noqa")


def test_a_comment_hides_what_it_names_where_it_reaches(
    origin: Origin, repository: Repository, lead: User
) -> None:
    block = "# shown to a person\n# ruff: disable[T201]\nprint(1)\nprint(2)  # noqa: E501 - it is\n"
    after = "# ruff: enable[T201]\nprint(3)  # noqa: T201\n"
    origin.commit({"app/main.py": block + after})
    judged(repository)

    listed = suppressions.read(lead, repository, {}).page
    told = [(row.line, row.end_line, row.reason, [f.line for f in row.hides]) for row in listed]
    assert told == [
        (2, 5, "shown to a person", [3, 4]),
        (4, 0, "it is", []),
        (6, 0, "", [6]),
    ]
    assert ":2–5</bdi>" in page(lead, repository)
