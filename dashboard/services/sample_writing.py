"""One repository of a sample fleet becomes rows."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils import timezone

from dashboard.models import (
    OPEN_STATES,
    Adoption,
    Attestation,
    AuditEntry,
    Backfill,
    BackfillState,
    Branch,
    Component,
    DeliveryOutcome,
    Finding,
    FindingEvent,
    FindingEventKind,
    PastResult,
    Provider,
    Recheck,
    RecheckOutcome,
    Repository,
    RepositoryState,
    Scan,
    ScanState,
    Trigger,
    Waiver,
    WaiverOutcome,
    WaiverScope,
    WaiverState,
    WebhookDelivery,
)
from dashboard.services import hooks
from dashboard.services.bulk import Table
from dashboard.services.sample_rows import (
    CHANGES,
    CLAUSES,
    FILES,
    FINDINGS,
    HEADS,
    REPORTS,
    SCANS,
    Template,
)
from dashboard.services.sample_shapes import ACCEPTED, ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from random import Random

    from dashboard.models import Team, User

EVENTS = Table(FindingEvent)
BRANCH = "main"
LONG = timedelta(days=3650)
POINTS = 26
DELIVERIES = 12
EVIDENCE = "The run book says how, and the last exercise is on record there."
REFUSED = "The git server refuses access; look at the credential, then scan again."


@dataclass(frozen=True)
class Made:
    """One repository of the fleet.

    Attributes:
        number: Its place in the fleet; some things happen to one in so many.
        name: What it is called, also in addresses.
        team: Whose it is.
        people: Of the team, who leads it first.
        template: What it is made of.
        ended: When its scans ended, oldest first.
        chance: Where the rest comes from.
    """

    number: int
    name: str
    team: Team
    people: Sequence[User]
    template: Template
    ended: Sequence[datetime]
    chance: Random

    def one_in(self, many: int) -> bool:
        """Whether it is one of those to whom something happens."""
        return self.number % many == many // 2

    def commit(self, stage: int) -> str:
        """Return the commit of a scan."""
        return f"{self.number + 1:020x}{stage + 1:020x}"

    @property
    def author(self) -> User:
        """Somebody of the team."""
        return self.chance.choice(self.people)


def write(made: Made) -> int:
    """Store a repository with its whole life, and return how many open findings it has."""
    repository = _repository(made)
    if made.one_in(50):
        # It was registered only now, and nobody has looked at it yet.
        return 0
    scans = _scans(made, repository)
    last = scans[-1]
    waivers = _waivers(made, repository)
    findings = _findings(made, repository, scans, waivers)
    _events(made, scans, findings)
    FILES.write(
        FILES.like(values, repository_id=repository.pk, commit=repository.scanned_commit)
        for values in made.template.files
    )
    report = made.template.report(
        repository.slug, repository.scanned_commit, [waiver.name for waiver in waivers]
    )
    component = repository.components.get()
    REPORTS.write([REPORTS.like(report, component_id=component.pk, scan_id=last)])
    owners = Finding.objects.filter(repository=repository, state__in=OPEN_STATES).owner_names()
    Repository.objects.filter(pk=repository.pk).update(last_scan=last, owners=owners)
    _attestations(made, repository)
    if made.one_in(10):
        _past(made, repository)
    if made.one_in(5) and settings.CREDENTIAL_KEYS:
        _hook(made, repository, scans)
    if made.one_in(20):
        Recheck.objects.create(repository=repository, scan_id=last, outcome=RecheckOutcome.SAME)
    if made.one_in(40):
        _fail(repository, last)
    return made.template.final.findings_count


def _repository(made: Made) -> Repository:
    """Register it as a person would, with its numbers from the last scan."""
    chance, template = made.chance, made.template
    scanned = {} if made.one_in(50) else _standing(made)
    row = Repository.objects.create(
        team=made.team,
        slug=made.name,
        name=made.name,
        clone_url=f"https://git.example.org/{made.team.slug}/{made.name}.git",
        default_branch=BRANCH,
        created_by=made.people[0],
        # Nobody is behind the address, so nobody is to ask it for news.
        poll_at=timezone.now() + LONG,
        mirror_bytes=chance.randrange(10**6, 10**8),
        **scanned,
    )
    Component.objects.create(repository=row, path="")
    note = AuditEntry.objects.note
    note(row, made.people[0], "repository.registered", clone_url=row.clone_url)
    Adoption.objects.bulk_create(
        Adoption(repository=row, standard=each, slug=each.slug, adopted_by=made.people[0])
        for each in template.rows
    )
    note(
        row, made.people[0], "repository.standards", standards=[each.slug for each in template.rows]
    )
    return row


def _standing(made: Made) -> dict[str, Any]:
    """The result of the last scan, as the row of the repository repeats it."""
    template, last = made.template, len(made.ended) - 1
    numbers = asdict(template.final)
    del numbers["low"]
    return {
        **numbers,
        "previous_score": template.summaries[-2].score if last else None,
        "due_count": len(template.due),
        "scan_count": len(made.ended),
        "scanned_at": made.ended[-1],
        "scanned_commit": made.commit(last),
        "fetched_at": made.ended[-1],
        "state": RepositoryState.READY,
        "state_since": made.ended[0],
    }


def _scans(made: Made, repository: Repository) -> Sequence[int]:
    """Store the scans with what they say of each clause; return their keys."""
    template, count = made.template, len(made.ended)
    branch = Branch.objects.create(
        repository=repository,
        name=BRANCH,
        head=repository.scanned_commit,
        wanted=count,
        done=count,
    )
    keys = SCANS.reserve(count)
    scans = (
        SCANS.like(
            values,
            repository_id=repository.pk,
            branch_id=branch.pk,
            commit=made.commit(stage),
            commit_time=ended - timedelta(hours=1),
            wanted=stage + 1,
            created_at=ended - timedelta(seconds=40),
            started_at=ended - timedelta(seconds=30),
            finished_at=ended,
            before_id=keys[stage - 1] if stage else None,
        )
        for stage, (values, ended) in enumerate(zip(template.scans, made.ended, strict=True))
    )
    SCANS.write(scans, keys)
    component = repository.components.get()
    for stage, key in enumerate(keys):
        _heads(made, key, stage, component)
    return keys


def _heads(made: Made, scan: int, stage: int, component: Component) -> None:
    """Store what one scan says of each standard, and why it moved."""
    heads, changes = made.template.heads[stage], made.template.changes[stage]
    keys = HEADS.write(
        HEADS.like(head.values, scan_id=scan, component_id=component.pk) for head in heads
    )
    CLAUSES.write(
        CLAUSES.like(values, scan_standard_id=keys[at])
        for at, head in enumerate(heads)
        for values in head.clauses
    )
    moved: list[tuple[int | None, Sequence[Any]]] = [(None, values) for values in changes]
    moved += [(keys[at], each) for at, head in enumerate(heads) for each in head.changes]
    CHANGES.write(CHANGES.like(values, scan_id=scan, standard_id=head) for head, values in moved)


def _findings(
    made: Made, repository: Repository, scans: Sequence[int], waivers: Sequence[Waiver]
) -> Sequence[int]:
    """Store the findings, those that are fixed as well; return their keys."""
    component = repository.components.get()
    granted = waivers[0].pk if waivers else None
    return FINDINGS.write(
        FINDINGS.like(
            life.values,
            repository_id=repository.pk,
            component_id=component.pk,
            first_scan_id=scans[life.born],
            last_seen_id=None if life.gone is None else scans[life.gone - 1],
            fixed_scan_id=None if life.gone is None else scans[life.gone],
            opened_at=made.ended[life.born],
            fixed_at=None if life.gone is None else made.ended[life.gone],
            since=made.ended[life.born] - timedelta(days=at % 200 if not life.born else 1),
            waived_by_id=granted if life.waived else None,
        )
        for at, life in enumerate(made.template.lives)
    )


def _events(made: Made, scans: Sequence[int], findings: Sequence[int]) -> None:
    """Store what happened to the findings."""
    turns = []
    for finding, life in zip(findings, made.template.lives, strict=True):
        turns.append((finding, life.born, FindingEventKind.OPENED))
        if life.waived:
            turns.append((finding, life.born, FindingEventKind.WAIVED))
        if life.gone is not None:
            turns.append((finding, life.gone, FindingEventKind.FIXED))
    plain = EVENTS.values(FindingEvent())
    authors = [person.get_full_name() for person in made.people]
    EVENTS.write(
        EVENTS.like(
            plain,
            finding_id=finding,
            scan_id=scans[stage],
            kind=kind,
            commit="" if kind == FindingEventKind.WAIVED else made.commit(stage),
            author="" if kind == FindingEventKind.WAIVED else authors[finding % len(authors)],
            committed_at=made.ended[stage] - timedelta(hours=1),
            at=made.ended[stage],
        )
        for finding, stage, kind in turns
    )


def _waivers(made: Made, repository: Repository) -> list[Waiver]:
    """Store what has been granted; now and then somebody asks for more."""
    shape = made.template.shape
    granted = [
        Waiver.objects.create(
            repository=repository,
            scope=WaiverScope.PATH,
            path_pattern=ROOT,
            check_id=each.check,
            reason=each.reason,
            state=WaiverState.GRANTED,
            author=made.people[-1],
            approver=made.people[0],
            decided_at=made.ended[0],
            expires_on=each.expires,
            absorbed=each.absorbed,
            outcome=WaiverOutcome(result.state),
            matched=result.matched,
        )
        for each, result in zip(shape.waivers, shape.stages[-1].waivers or (), strict=True)
    ]
    if made.one_in(10):
        clause = shape.standards[0].clauses[0].id
        Waiver.objects.create(
            repository=repository,
            scope=WaiverScope.CLAUSE,
            clause=f"{made.template.rows[0].slug}/{clause}",
            reason=ACCEPTED,
            author=made.author,
        )
    return granted


def _attestations(made: Made, repository: Repository) -> None:
    """Store the words of the lead; some end soon."""
    Attestation.objects.bulk_create(
        Attestation(
            repository=repository,
            topic=topic,
            statement="We do this, and look at it twice a year.",
            evidence=EVIDENCE,
            author=made.people[0],
            expires_at=timezone.now() + timedelta(days=3 + (made.number * 7 + at) % 300),
            seen={},
        )
        for at, topic in enumerate(made.template.shape.attested)
    )


def _past(made: Made, repository: Repository) -> None:
    """Store points of the past, which look like the first scans."""
    template = made.template
    kept = [template.point(stage) for stage in range(min(2, len(made.ended)))]
    rows = []
    for week in range(POINTS):
        stage = week % len(kept)
        numbers = asdict(template.summaries[stage])
        del numbers["waived_count"]
        rows.append(
            PastResult(
                repository=repository,
                commit=f"{made.number + 1:020x}{week + 1:020x}"[::-1],
                commit_time=made.ended[0] - timedelta(weeks=week + 1),
                commit_subject="feat: what customers asked for",
                results=kept[stage],
                **numbers,
            )
        )
    PastResult.objects.bulk_create(rows)
    Backfill.objects.create(
        repository=repository,
        state=BackfillState.DONE,
        weeks=POINTS,
        commits=[row.commit for row in rows],
        ruling=template.ruling,
        done=POINTS,
        finished_at=made.ended[0],
    )


def _hook(made: Made, repository: Repository, scans: Sequence[int]) -> None:
    """Store a webhook with what came through it."""
    hook = hooks.set_up(repository, Provider.GITHUB, made.people[0])
    WebhookDelivery.objects.bulk_create(
        WebhookDelivery(
            hook=hook,
            key=f"{made.name}-{number}",
            event="push",
            outcome=DeliveryOutcome.SCAN_REQUESTED,
            branch=BRANCH,
            commit=made.commit(number % len(made.ended)),
            scan_id=scans[number % len(made.ended)],
            payload="{}",
        )
        for number in range(DELIVERIES)
    )


def _fail(repository: Repository, last: int) -> None:
    """Let a scan have failed since the last result."""
    before = Scan.objects.get(pk=last)
    Scan.objects.create(
        repository=repository,
        branch_id=before.branch_id,
        number=before.number + 1,
        trigger=Trigger.POLL,
        state=ScanState.FAILED,
        attempt=1,
        error_code="no-access",
        error_message=REFUSED,
        created_at=timezone.now(),
        finished_at=timezone.now(),
    )
    Repository.objects.filter(pk=repository.pk).update(
        failure_code="no-access",
        failure_message=REFUSED,
        scan_count=before.number + 1,
        state=RepositoryState.NO_ACCESS,
        state_message=REFUSED,
    )
