"""The database after many scans of a repository with many findings, against copies per scan.

Run as a process of its own in the environment of an installation with SQLite; prints one JSON
object.
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import django

from tests.bench.engine import ROOT
from tests.bench.measuring import run

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

    from checks.model import Outcome
    from checks.rules.specs import Key
    from checks.standard import Standard
    from dashboard.models import Repository

SCANS = 300
FINDINGS = 2_000
CHANGED = 20
SITES = 50
STANDARD = "production-backend-agent"


def table() -> Iterator[str]:
    """Lines of the result."""
    with tempfile.TemporaryDirectory(prefix="straightedge-bench-") as folder:
        output = Path(folder) / "figures.json"
        home = {"STRAIGHTEDGE_HOME": folder, "DATABASE_URL": "", "REDIS_URL": ""}
        words = ["env", *(f"{name}={value}" for name, value in home.items())]
        words += [sys.executable, "-m", "tests.bench.storage"]
        cost = run(words, folder=ROOT, output=output)
        if cost.code:
            raise SystemExit(f"Filling the database ended with code {cost.code}.")
        figures = json.loads(output.read_bytes())
    size = {name: f"{bytes_ / 1024**2:.1f} MiB" for name, bytes_ in figures.items()}
    times = figures["copies"] / figures["lives"]
    yield f"{SCANS} scans of {FINDINGS} findings, of which {CHANGED} are others each time"
    yield f"  database          {size['database']}; after the first scan {size['first']}"
    yield f"  clause results    {size['clauses']}; parts of changes {size['changes']}"
    yield f"  findings          {size['lives']} with their lives"
    yield f"  copies per scan   {size['copies']}, {times:.0f} times as much"


def fill() -> dict[str, int]:
    """Scan a repository many times through the real services; sizes in bytes."""
    from django.core.management import call_command
    from django.db import connection

    from dashboard import queue

    queue.ring = lambda *_: True
    call_command("migrate", verbosity=0)
    repository, rules = _register()
    chance = random.Random(1)
    outcomes = _outcomes(rules, chance)
    sizes: dict[str, int] = {}
    for number in range(SCANS):
        _scan(repository, rules, outcomes, number)
        outcomes = _moved(outcomes, chance, number)
        if not number:
            sizes["first"] = _size()
    sizes["database"] = _size()
    with connection.cursor() as cursor:
        rows = _bytes(cursor, "dashboard_finding")
        cursor.execute("SELECT count(*) FROM dashboard_finding")
        # What a row takes with its indexes, for each finding of each scan.
        sizes["copies"] = rows // cursor.fetchone()[0] * FINDINGS * SCANS
        sizes["lives"] = rows + _bytes(cursor, "dashboard_findingevent")
        sizes["clauses"] = _bytes(cursor, "dashboard_clauseresult")
        sizes["changes"] = _bytes(cursor, "dashboard_scorechange")
    return sizes


def _register() -> tuple[Repository, Standard]:
    from checks.standard import HERE, load
    from dashboard.models import Component, Repository, Team
    from dashboard.services import standards

    team = Team.objects.create(slug="bench", name="Bench")
    rules = load(STANDARD)
    row = standards.store(rules, (HERE / f"{STANDARD}.toml").read_bytes())
    repository = Repository.objects.create(
        team=team, slug="bench", name="Bench", clone_url="https://git.example.org/bench.git"
    )
    Component.objects.create(repository=repository, path="")
    standards.adopt(repository, [row], None)
    return repository, rules


def _outcomes(rules: Standard, chance: random.Random) -> dict[Key, Outcome]:
    """Answers with the findings spread over all checks."""
    from checks.model import Outcome

    keys = rules.demanded()
    found: dict[Key, Outcome] = {
        key: Outcome(check=key[0], params=key[1], sites=FINDINGS // len(keys) + SITES)
        for key in keys
    }
    return _with(found, chance, FINDINGS, "first")


def _with(
    found: Mapping[Key, Outcome], chance: random.Random, count: int, name: str
) -> dict[Key, Outcome]:
    import msgspec

    from checks.model import Observation

    result = dict(found)
    keys = sorted(found)
    for number in range(count):
        key = chance.choice(keys)
        observation = Observation(
            path=f"app/orders/module_{chance.randrange(200)}.py",
            line=chance.randrange(1, 400),
            symbol=f"app.orders.service:{name}_{number}",
            message="The handler answers with a model of the database instead of a schema.",
            measured="12 branches",
            limit="10 branches",
            anchor=f"{name} {number}",
        )
        old = result[key]
        result[key] = msgspec.structs.replace(old, observations=(*old.observations, observation))
    return result


def _moved(found: Mapping[Key, Outcome], chance: random.Random, number: int) -> dict[Key, Outcome]:
    """The same after a push: some findings are gone, as many have come."""
    import msgspec

    result = dict(found)
    full = sorted(key for key, outcome in result.items() if outcome.observations)
    for key in chance.sample(full, min(CHANGED, len(full))):
        old = result[key]
        result[key] = msgspec.structs.replace(old, observations=old.observations[1:])
    return _with(result, chance, CHANGED, f"push{number}")


def _scan(
    repository: Repository, rules: Standard, outcomes: Mapping[Key, Outcome], number: int
) -> None:
    from datetime import date

    from checks.compose import compose
    from checks.model import Manifest
    from checks.outcomes import pack
    from checks.report import json as report_json
    from dashboard.models import Trigger
    from dashboard.services import judging, lease, ledger, results, scanning

    held = lease.claim(scanning.request(repository, Trigger.PUSH).pk)
    if held is None:
        raise SystemExit("The scan could not be claimed.")
    commit = f"{number:040x}"
    tools = {"ruff": "0", "radon": "0"}
    manifest = Manifest(
        files=400, python_files=300, analysed=300, skipped=(), tools=tools, engine="bench"
    )
    report = compose((repository.slug, commit, ""), manifest, outcomes, [rules])
    component = repository.components.get()
    judged = results.Judged(component, report, report_json.rendered(report), pack(outcomes))
    ruling = judging.ruling(repository, date(2026, 1, 1))
    repository.refresh_from_db()
    explained = ledger.explain(repository, commit, [judged], ruling, ruling.kept([""]))
    held.write(commit=commit, wanted=10**6)
    results.store(held, [judged], ruling.rows, {"review": 1.0}, explained)
    repository.refresh_from_db()


def _size() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return Path(connection.settings_dict["NAME"]).stat().st_size


def _bytes(cursor: CursorWrapper, *tables: str) -> int:
    """Bytes of some tables with their indexes."""
    names = ", ".join(f"'{name}'" for name in tables)
    cursor.execute(
        "SELECT sum(pgsize) FROM dbstat WHERE name IN "
        f"(SELECT name FROM sqlite_master WHERE tbl_name IN ({names}))"
    )
    return int(cursor.fetchone()[0])


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "dashboard.settings"
    django.setup()
    print(json.dumps(fill()))
