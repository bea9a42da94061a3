"""What if, over a fleet: seconds for 200 repositories, and as multiples of reading what is kept.

``report`` runs itself as a process of its own, in an installation made for it: real repositories
are scanned by the real services, then copied with slices of their answers until the fleet is full.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import django
import msgspec
from django.utils import timezone

from checks.model import Report
from tests.services import ROOT

if TYPE_CHECKING:
    from checks.model import Outcome
    from dashboard.models import Repository, Standard, Team, User

FLEET = 200
STANDARD = "fastapi-coding-rules"
SLICES = 5
LIMIT = ("function-length", {"max_lines": 37})
"""A limit that no shipped clause sets."""


def report(repositories: Sequence[Path]) -> Iterator[str]:
    """Measure in an installation of its own; yields the lines of a table."""
    from tests.dashboard.installation import Installation

    with tempfile.TemporaryDirectory(prefix="straightedge-bench-") as folder:
        home = Path(folder, "home")
        home.mkdir()
        served = [each.resolve() for each in repositories]
        made = Installation(home, Path(":".join(str(each.parent) for each in served)))
        made.manage("migrate", "--verbosity", "0")
        with subprocess.Popen(
            [sys.executable, "-m", "tests.bench.whatif", *map(str, served)],
            cwd=ROOT,
            env=made.environment,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout
            yield from (line.rstrip("\n") for line in process.stdout)


def main(paths: Sequence[str]) -> None:
    """Fill the fleet and print what simulations over it cost."""
    from dashboard import queue
    from dashboard.models import Repository, Standard, StoredReport, Team, User
    from dashboard.services import standards

    vars(queue)["ring"] = lambda *_: True  # this process is the worker
    standards.load_shipped()
    standard = Standard.objects.newest().get(slug=STANDARD)
    actor = User.objects.create(username="bench", is_superuser=True)
    team = Team.objects.create(slug="bench", name="Bench")
    real = [_scanned(team, path, standard) for path in paths]
    for number in range(FLEET - len(real)):
        _copied(real[number % len(real)], number, standard)
    kept = sum(len(bytes(each)) for each in StoredReport.objects.values_list("answers", flat=True))
    findings = sum(Repository.objects.values_list("findings_count", flat=True))
    print(f"{len(real)} repositories scanned, {FLEET - len(real)} copies with slices of their")
    print(f"answers: {findings} findings, {kept / 1e6:.1f} MB of answers", flush=True)

    reading = [_answers_read()]
    print(_line("every answer read once", FLEET, reading, reading))
    tried = [_clauses_tried(standard, actor)]
    print(_line("a third of the clauses changed", FLEET, tried, reading), flush=True)
    once = [_facts_read(repository) for repository in real]
    print(_line("every fact read once", len(real), once, once))
    asked = [_limit_tried(repository, standard) for repository in real]
    print(_line("a limit that was never asked", len(real), asked, once), flush=True)


class Cost(NamedTuple):
    """Seconds on the clock, and of CPU: the clock tells as much of what else runs."""

    wall: float
    cpu: float


@contextmanager
def _measured() -> Iterator[list[Cost]]:
    """Measure what happens inside."""
    costs: list[Cost] = []
    wall, cpu = time.perf_counter(), time.process_time()
    yield costs
    costs.append(Cost(time.perf_counter() - wall, time.process_time() - cpu))


def _line(name: str, repositories: int, costs: Sequence[Cost], base: Sequence[Cost]) -> str:
    wall, cpu = (sum(each[n] for each in costs) for n in (0, 1))
    ratio = cpu / sum(each.cpu for each in base)
    each = f"{1_000 * cpu / repositories:.0f} ms each"
    return f"{name:32}{repositories:5}{wall:9.2f} s{cpu:9.2f} s CPU{each:>14}{ratio:8.1f} x"


def _scanned(team: Team, path: str, standard: Standard) -> Repository:
    """Register a real repository and scan it."""
    from dashboard.models import Repository
    from dashboard.services import repositories, running

    row = repositories.register(team=team, clone_url=path, adopted=[standard])
    if not running.run(row.scans.get().pk) or not row.scans.with_result().exists():
        raise SystemExit(f"{path} could not be scanned: {row.scans.get().error_message}")
    return Repository.objects.select_related("last_scan").get(pk=row.pk)


def _copied(real: Repository, number: int, standard: Standard) -> None:
    """Store a result whose answers lack the findings of every fifth file of a real one."""
    from checks.compose import compose
    from checks.outcomes import pack, unpack
    from checks.report import json as report_json
    from dashboard.models import Component, Repository, StoredReport, Trigger
    from dashboard.services import lease, results, scanning, standards
    from dashboard.services.ledger import Explained
    from dashboard.services.results import Judged

    row = Repository.objects.create(
        team=real.team,
        slug=f"{real.slug[:80]}-{number}",
        name=f"{real.name} {number}",
        clone_url=f"{real.clone_url}-{number}",
        default_branch=real.default_branch,
    )
    standards.adopt(row, [standard], None)
    reports = StoredReport.objects.filter(component__repository=real)
    held = lease.claim(scanning.request(row, Trigger.REGISTRATION).pk)
    if held is None:
        raise SystemExit("A scan of a copy could not be claimed.")
    judged = []
    for each in reports.select_related("component"):
        component = Component.objects.create(repository=row, path=each.component.path)
        before = msgspec.json.decode(zlib.decompress(each.data), type=Report)
        outcomes = {
            key: _slice(found, number) for key, found in unpack(bytes(each.answers)).items()
        }
        names = (row.slug, before.commit, before.component)
        made = compose(names, before.manifest, outcomes, [standards.parsed(standard)])
        data = report_json.render(made).encode()
        judged.append(Judged(component, made, data, pack(outcomes)))
    held.write(commit=real.scanned_commit)
    kept = real.last_scan.ruling if real.last_scan else None
    results.store(held, judged, [standard], {}, Explained(kept or {}))


def _slice(outcome: Outcome, number: int) -> Outcome:
    left = tuple(
        each
        for each in outcome.observations
        if zlib.crc32(each.path.encode()) % SLICES != number % SLICES
    )
    return msgspec.structs.replace(outcome, observations=left)


def _answers_read() -> Cost:
    from checks.outcomes import unpack
    from dashboard.models import StoredReport

    with _measured() as cost:
        for answers in StoredReport.objects.values_list("answers", flat=True).iterator(1):
            unpack(bytes(answers))
    return cost[0]


def _clauses_tried(standard: Standard, actor: User) -> Cost:
    """Let every third clause be a must, leave out every tenth, and try it on the fleet."""
    from dashboard.services import editing, proposals, simulating

    read = editing.read(standard.source)
    stricter = {n: "must" for n, clause in enumerate(read.clauses) if n % 3 == 0}
    off = dict.fromkeys(range(0, len(read.clauses), 10), True)
    text = editing.change(standard.source, editing.Changes(strengths=stricter, off=off))
    wish = simulating.Wish([proposals.part_of(text, standard.slug)])
    with _measured() as cost:
        row = simulating.begin(wish, actor)
        while row.is_active:
            simulating.work(row.pk)
            row.refresh_from_db()
    if row.forecasts.done().count() != FLEET:
        raise SystemExit("Not every repository of the fleet was judged.")
    return cost[0]


def _facts_read(repository: Repository) -> Cost:
    from checks.gitsource import GitSource
    from checks.reading import read_project
    from dashboard.services import facts, mirrors

    store, commit = facts.store(), repository.scanned_commit
    with _measured() as cost:
        read_project(GitSource(mirrors.path(repository), commit, remember=store), store)
    return cost[0]


def _limit_tried(repository: Repository, standard: Standard) -> Cost:
    """Judge a repository with one more clause that asks what no scan has asked."""
    from dashboard.services import forecasts, proposals

    name, params = LIMIT
    limits = ", ".join(f"{limit} = {value}" for limit, value in params.items())
    text = (
        f'{standard.source}\n[[clause]]\nid = "NEW-1"\nrequirement = "Short."\n'
        f'strength = "must"\nchecks = [{{ id = "{name}", params = {{ {limits} }} }}]\n'
    )
    proposal = proposals.Proposal([proposals.part_of(text, standard.slug)])
    with _measured() as cost:
        outlook = forecasts.forecast(repository, proposal, timezone.localdate())
    if not outlook.asked:
        raise SystemExit("The limit was asked before.")
    return cost[0]


if __name__ == "__main__":
    django.setup()
    main(sys.argv[1:])
