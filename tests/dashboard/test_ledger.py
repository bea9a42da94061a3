"""Every change of score is split into parts that add up, whatever happened between two scans."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from checks.gitsource import GitSource
from checks.review import review
from checks.scoring import units
from checks.standard import parse
from dashboard.models import (
    Attestation,
    Membership,
    Repository,
    Role,
    Scan,
    ScanState,
    Standard,
    StoredReport,
    Trigger,
    User,
)
from dashboard.services import (
    attestations,
    components,
    judging,
    ledger,
    mirrors,
    repositories,
    scanning,
    standards,
)
from dashboard.services.attestations import Word
from tests.dashboard import rows
from tests.dashboard.scans import scan_of
from tests.gitservers import Origin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_machine")]

BAD = "def main():\n    print('hello')\n"
GOOD = "def main():\n    return 'hello'\n"
BROAD = "def main():\n    try:\n        return 1\n    except Exception:\n        return 2\n"
LONG = "def main(a, b):\n    a += 1\n    a += 2\n    a += 3\n    a += b\n    return a\n"
LIMITED = """
slug = "house-rules"
title = "House rules"

[[clause]]
id = "HR-1"
requirement = "Nothing is printed."
strength = "%s"
checks = [{ id = "no-print" }]

[[clause]]
id = "HR-2"
requirement = "No broad except."
strength = "%s"
checks = [{ id = "no-broad-except" }]

[[clause]]
id = "HR-3"
requirement = "Functions are short."
strength = "should"
checks = [{ id = "function-length", params = { max_lines = %d } }]
"""
OTHER = b"""
slug = "other-rules"
title = "Other rules"

[[clause]]
id = "OR-1"
requirement = "Somebody has said so."
strength = "must"
checks = [{ id = "lead-attestation" }]

[[clause]]
id = "OR-2"
requirement = "Nothing is printed."
strength = "should"
checks = [{ id = "no-print" }]
"""


def rules(must: str = "must", other: str = "should", longest: int = 50) -> Standard:
    """A version of the house rules with these strengths and this limit."""
    text = (LIMITED % (must, other, longest)).encode()
    return standards.store(parse(text, "test"), text)


@pytest.fixture
def repository(origin: Origin) -> Repository:
    origin.commit({"app/main.py": BAD, "app/long.py": LONG})
    return repositories.register(team=rows.team(), clone_url=str(origin.git_dir), adopted=[rules()])


def judge(repository: Repository) -> Scan:
    """Scan the repository as it is now."""
    scanning.request(repository, Trigger.MANUAL)
    scan = scan_of(repository)
    assert scan.state == ScanState.COMPLETE, scan.error_message
    no_residual(scan)
    return scan


def no_residual(scan: Scan) -> None:
    """The parts add up to the change, of the repository and of each of its standards."""
    if scan.before is None:
        return
    if scan.score is not None and scan.before.score is not None:
        whole = scan.changes.filter(standard=None)
        moved = units(scan.score) - units(scan.before.score)
        assert sum(part.points for part in whole) == moved
    earlier = {
        (head.component_id, head.standard.slug): head.score
        for head in scan.before.standards.select_related("standard")
    }
    for head in scan.standards.select_related("standard"):
        before = earlier.get((head.component_id, head.standard.slug))
        if before is not None and head.score is not None:
            parts = list(head.changes.all())
            assert sum(part.points for part in parts) == units(head.score) - units(before)
            assert all(sum(part.clauses.values()) == part.points for part in parts)


def causes(scan: Scan) -> dict[str, int]:
    """The parts of the repository's change, by what they are owed to."""
    return dict(scan.changes.filter(standard=None).values_list("causes", "points"))


def points(repository: Repository, commit: str, *versions: Standard) -> int:
    """The score of a commit by some versions, from nothing."""
    source = GitSource(mirrors.path(repository), commit)
    report = review(source, [standards.parsed(row) for row in versions], repository="x")
    scores = [units(each.score) for each in report.standards if each.score is not None]
    return sum(scores) // len(scores)


def test_a_push_is_owed_to_the_code_clause_by_clause(
    origin: Origin, repository: Repository
) -> None:
    first = judge(repository)
    origin.commit({"app/main.py": GOOD})
    second = judge(repository)

    assert first.changes.count() == 0
    assert second.score is not None
    assert first.score is not None
    assert causes(second) == {"code": units(second.score) - units(first.score)}
    part = second.changes.exclude(standard=None).get()
    assert part.clauses.keys() == {"HR-1"}


def test_new_limits_and_a_push_between_two_scans_are_told_apart(
    origin: Origin, repository: Repository
) -> None:
    first = judge(repository)
    stricter = rules(longest=3)
    standards.adopt(repository, [stricter], None)
    origin.commit({"app/main.py": GOOD, "app/long.py": LONG})
    second = judge(repository)

    assert first.score is not None
    assert second.score is not None
    between = points(repository, first.commit, stricter)
    assert causes(second) == {
        "rules": between - units(first.score),
        "code": units(second.score) - between,
    }


def test_an_old_commit_that_is_gone_leaves_one_part_for_both(
    origin: Origin, repository: Repository
) -> None:
    first = judge(repository)
    Scan.objects.filter(pk=first.pk).update(commit="d" * 40)
    standards.adopt(repository, [rules(longest=3)], None)
    origin.commit({"app/main.py": GOOD, "app/long.py": LONG})
    second = judge(repository)

    assert first.score is not None
    assert second.score is not None
    assert causes(second) == {"rules+code": units(second.score) - units(first.score)}


def test_strengths_are_weighed_again_without_reading_the_repository(
    origin: Origin, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge(repository)
    standards.adopt(repository, [rules("should", "must")], None)
    origin.commit({"app/broad.py": BROAD})

    def never(*_: object, **__: object) -> None:
        raise AssertionError("the old commit was read")

    monkeypatch.setattr(ledger, "ask", never)
    scan = judge(repository)

    assert causes(scan).keys() == {"rules", "code"}


def test_a_new_release_is_the_tool(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    judge(repository)
    stored = StoredReport.objects.get()
    # The release before found nothing to say of long functions.
    Scan.objects.filter(pk=stored.scan_id).update(score=99.0)
    head = stored.scan.standards.get()
    head.clauses.update(loss=0)
    head.clauses.filter(clause__number="HR-1").update(loss=1)
    stored.scan.standards.update(score=99.0)
    for module in (judging, ledger):
        monkeypatch.setattr(module, "rules_version", lambda: "another")

    scan = judge(repository)

    assert causes(scan).keys() == {"tool"}
    assert scan.changes.exclude(standard=None).get().clauses.keys() <= {"HR-1", "HR-2", "HR-3"}


def test_a_result_of_a_release_without_rulings_is_one_part(
    origin: Origin, repository: Repository
) -> None:
    first = judge(repository)
    Scan.objects.filter(pk=first.pk).update(ruling=None)
    origin.commit({"app/main.py": GOOD})

    assert causes(judge(repository)).keys() == {"tool+scope+rules+waivers+code"}


def test_another_choice_of_folders_is_the_scope(origin: Origin, repository: Repository) -> None:
    judge(repository)
    origin.commit({"app/main.py": BAD, "jobs/run.py": GOOD, "app/long.py": LONG})
    judge(repository)
    lead = rows.user()
    components.choose(repository, ["app", "jobs"], lead)

    scan = judge(repository)

    assert causes(scan).keys() == {"scope"}


def test_folders_that_are_chosen_while_a_scan_runs_belong_to_the_next(
    origin: Origin, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin.commit({"app/main.py": BAD, "jobs/run.py": GOOD, "app/long.py": LONG})
    judge(repository)
    lead = rows.user()
    plainly = judging.judge

    def meanwhile(*args: Any, **more: Any) -> Any:
        components.choose(repository, ["app", "jobs"], lead)
        return plainly(*args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(judging, "judge", meanwhile)
        judge(repository)
    scan = scan_of(repository)

    assert scan.trigger == Trigger.COMPONENTS
    assert causes(scan).keys() == {"scope"}


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_left_over_in_any_history(
    seed: int, origin: Origin, repository: Repository
) -> None:
    chance = random.Random(seed)
    other = standards.store(parse(OTHER, "test"), OTHER)
    lead = rows.user()
    Membership.objects.create(team=repository.team, user=lead, role=Role.LEAD)
    files = {"app/main.py": BAD, "app/long.py": LONG, "jobs/run.py": GOOD}
    judge(repository)
    for _ in range(6):
        for turn in chance.sample(TURNS, chance.randint(1, 4)):
            turn(History(chance, origin, repository, files, other, lead))
        judge(repository)


@dataclass(frozen=True)
class History:
    """What a turn of a random history may touch."""

    chance: random.Random
    origin: Origin
    repository: Repository
    files: dict[str, str]
    other: Standard
    lead: User


def _commit(at: History) -> None:
    path = at.chance.choice(["app/main.py", "app/long.py", "jobs/run.py", "app/new.py"])
    at.files[path] = at.chance.choice([BAD, GOOD, BROAD, LONG])
    at.origin.commit(at.files)


def _renew(at: History) -> None:
    strengths = ("must", "should", "may")
    first, second = at.chance.choice(strengths), at.chance.choice(strengths)
    version = rules(first, second, at.chance.choice([2, 4, 50]))
    rest = [row.standard for row in at.repository.adoptions.exclude(slug="house-rules")]
    standards.adopt(at.repository, [version, *rest], None)


def _adopt(at: History) -> None:
    rest = [row.standard for row in at.repository.adoptions.exclude(slug="other-rules")]
    more = [at.other] if at.chance.random() < 0.5 else []
    standards.adopt(at.repository, [*rest, *more], None)


def _choose(at: History) -> None:
    folders = at.chance.choice([[""], ["app"], ["app", "jobs"]])
    components.choose(at.repository, folders, at.lead)


def _say(at: History) -> None:
    """A lead vouches for what is asked, or the words of all run out."""
    asked = attestations.topics(at.repository)
    if at.chance.random() < 0.6:
        for topic in asked:
            evidence = "https://wiki.example.org/working-practice"
            attestations.attest(at.repository, topic, Word("We do.", evidence, 30), at.lead)
    else:
        Attestation.objects.update(expires_at=timezone.now() - timedelta(days=1))


TURNS = [_commit, _renew, _adopt, _choose, _say]
