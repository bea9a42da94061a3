"""What fixing gains: in one standard, and in the repository as the mean of its standards."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from dashboard.models import Membership, Repository, Role
from dashboard.services import standards
from dashboard.services.worth import BY_A_LEAD, PARTLY_BY_A_LEAD, Line, acts_of, outlook, read_gains
from tests.dashboard import rows
from tests.dashboard.scans import scan_of
from tests.gitservers import Origin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_machine")]

QUIET = b"""
slug = "quiet"
title = "Quiet"
summary = "One check, and a lead's word."

[[clause]]
id = "Q-1"
section = "Output"
requirement = "Nothing is printed."
strength = "must"
checks = [{ id = "no-print" }]

[[clause]]
id = "Q-2"
section = "Operation"
requirement = "Backups are tried out."
strength = "must"
checks = [{ id = "lead-attestation" }]

[[clause]]
id = "Q-3"
section = "Operation"
requirement = "Errors are raised, and somebody looks at them."
strength = "should"
checks = [{ id = "no-broad-except" }, { id = "lead-attestation" }]
"""
CALM = {f"app/calm{n}.py": "def calm():\n    return 1\n" for n in range(9)}
LOUD = """\
def main():
    print("one")


def other():
    try:
        print("two")
    except Exception:
        pass
"""


@pytest.fixture
def judged(origin: Origin, register: Callable[..., Repository]) -> Repository:
    """A repository that two standards judge, with findings in both."""
    origin.commit({"app/main.py": LOUD, "app/calm.py": "def calm():\n    return 1\n"})
    repository = register()
    quiet = rows.standard(QUIET)
    standards.adopt(
        repository, [*(row.standard for row in repository.adoptions.all()), quiet], None
    )
    scan_of(repository)
    return repository


def _first(repository: Repository) -> Line:
    repository.refresh_from_db()
    assert repository.last_scan
    found = repository.last_scan.standards.select_related("standard", "component")
    first = outlook(list(found), None).first
    assert first
    return first


@pytest.mark.parametrize("kind", ["clause", "check", "file"])
def test_all_standards_together_gain_the_mean_of_what_each_gains(
    judged: Repository, kind: str
) -> None:
    whole = read_gains(judged, {"by": kind})

    assert whole.chosen is None
    assert whole.known
    each = [
        {line.name: line.points for line in read_gains(judged, {"by": kind, "standard": slug}).page}
        for slug in ("house-rules", "quiet")
    ]
    assert all(each)
    sums = {name: sum(gains.get(name, 0) for gains in each) / 2 for name in each[0] | each[1]}
    assert {line.name: pytest.approx(line.points) for line in whole.page} == sums
    assert [line.points for line in whole.page] == sorted(sums.values(), reverse=True)


def test_a_finding_that_two_standards_count_is_one_finding(judged: Repository) -> None:
    lines = {line.name: line for line in read_gains(judged, {"by": "check"}).page}

    assert lines["no-print"].findings == judged.findings.open().filter(check_id="no-print").count()
    assert lines["no-print"].standard is None
    (file,) = [line for line in read_gains(judged, {"by": "file"}).page if line.name]
    assert file.findings == judged.findings.open().filter(path="app/main.py").count()


def test_a_clause_is_named_with_its_standard_and_says_when_a_lead_has_to_act(
    judged: Repository,
) -> None:
    lines = {line.name: line for line in read_gains(judged, {}).page}

    assert lines["HR-1"].act == ""
    assert lines["Q-2"].act == BY_A_LEAD
    assert lines["Q-3"].act == PARTLY_BY_A_LEAD
    assert lines["Q-1"].standard is not None
    assert lines["Q-1"].standard.slug == "quiet"
    assert acts_of(lines["Q-1"].standard.clauses.all()) == {
        "Q-2": BY_A_LEAD,
        "Q-3": PARTLY_BY_A_LEAD,
    }


def test_the_first_thing_to_fix_is_what_code_can_mend_and_gains_most(judged: Repository) -> None:
    lines = list(read_gains(judged, {}).page)

    assert _first(judged) == next(line for line in lines if line.act != BY_A_LEAD)
    assert outlook([], None).first is None


def test_a_word_of_a_lead_is_first_only_where_no_code_can_be_mended(
    origin: Origin, register: Callable[..., Repository]
) -> None:
    origin.commit({"app/main.py": "def main():\n    print('one')\n", **CALM})
    repository = register(QUIET[: QUIET.rindex(b"[[clause]]")])
    scan_of(repository)

    # The word gains more than the one print among many calm functions.
    lines = list(read_gains(repository, {}).page)
    assert lines[0].act == BY_A_LEAD
    assert _first(repository) == next(line for line in lines if line.act != BY_A_LEAD)

    origin.commit({"app/main.py": "def main():\n    return 1\n"})
    scan_of(repository)
    assert _first(repository).act == BY_A_LEAD


def test_the_page_of_the_repository_names_it_with_its_gain(judged: Repository) -> None:
    reader = rows.user()
    Membership.objects.create(team=judged.team, user=reader, role=Role.VIEWER)
    client = Client()
    client.force_login(reader)

    page = client.get(f"/r/{judged.slug}/").content.decode()

    first = re.search(r"What gains most</h3>(.*?)</p>", page)
    assert first
    line = next(line for line in read_gains(judged, {}).page if line.act != BY_A_LEAD)
    assert line.standard
    assert f'href="/r/{judged.slug}/findings/?clause={line.name}">{line.findings} find' in first[1]
    assert f'href="/standards/{line.standard.slug}/{line.name}/"' in first[1]
    assert "of the repository’s score" in first[1]


def test_the_page_opens_with_all_standards_and_a_plan_marks_what_a_lead_has_to_do(
    judged: Repository,
) -> None:
    reader = rows.user()
    Membership.objects.create(team=judged.team, user=reader, role=Role.VIEWER)
    client = Client()
    client.force_login(reader)

    page = client.get(f"/r/{judged.slug}/gains/").content.decode()
    one = client.get(f"/r/{judged.slug}/gains/?standard=quiet").content.decode()

    assert "All together" in page
    assert "standard by standard" in page
    assert "Q-2: a lead attests it" in one
    assert f'href="/r/{judged.slug}/attestations/"' in one
