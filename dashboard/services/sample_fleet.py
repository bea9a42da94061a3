"""A fleet that nobody has: teams, people and repositories with their whole life, in minutes.

It is for benchmarks, and for who wants to see how a large fleet looks. The rows are those that
scans write, judged by the real engine, but no repository is behind them: nothing can be scanned.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import count, product
from random import Random
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.utils import timezone

from dashboard.models import Membership, Repository, Role, Standard, Team, User
from dashboard.services import standards
from dashboard.services.sample_rows import Template
from dashboard.services.sample_shapes import FEATURES, invent
from dashboard.services.sample_writing import Made, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

SHAPES = 24
TO_A_TEAM = 40
PATIENCE = 300
"""Seconds to wait for a database that somebody else writes to."""
WEEKS = 26
LARGEST = 18_000
KINDS = "api worker gateway sync portal jobs".split()
FIRST = "Ada Alan Barbara Donald Edsger Frances Grace Hedy Ivan Joan Ken Leslie".split()
LAST = "Allen Bachman Clarke Dahl Engelbart Floyd Goldberg Hamilton Jones Keller".split()
PEOPLE = (Role.LEAD, Role.DEVELOPER, Role.DEVELOPER, Role.VIEWER)


@dataclass(frozen=True)
class Size:
    """How large the fleet is to be.

    Attributes:
        repositories: How many.
        findings: Open ones, over all repositories, about.
        scans: Of each repository.
        shapes: Kinds of repositories.
    """

    repositories: int
    findings: int
    scans: int = 6
    shapes: int = SHAPES


def generate(size: Size, seed: int = 1, progress: Callable[[int], None] = lambda _: None) -> int:
    """Write a fleet beside what is there, and return how many open findings it has.

    Args:
        size: How large it is to be.
        seed: The same seed gives the same fleet.
        progress: Told how many repositories are written.
    """
    _be_patient()
    chance = Random(seed)
    shipped = standards.load_shipped()
    crews = _crews(max(1, size.repositories // TO_A_TEAM))
    owners = sorted({f"@{person.username}" for _, people in crews for person in people})
    templates = list(_templates(size, shipped, owners, chance))
    names = _names()
    found = 0
    for number in range(size.repositories):
        team, people = crews[number % len(crews)]
        ended = _moments(size.scans, chance)
        template = templates[number % len(templates)]
        made = Made(number, next(names), team, people, template, ended, chance)
        # One at a time: on SQLite a running server writes in between.
        with transaction.atomic():
            found += write(made)
        progress(number + 1)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return found


def _be_patient() -> None:
    """Wait for those who write on the same SQLite: nobody waits for an answer here."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000}")


def _crews(wanted: int) -> list[tuple[Team, list[User]]]:
    """Teams with their people; the first of each leads it."""
    known = set(Team.objects.values_list("slug", flat=True))
    people = User.objects.count()
    crews: list[tuple[Team, list[User]]] = []
    number = 0
    while len(crews) < wanted:
        round_, at = divmod(number, len(FEATURES))
        slug = FEATURES[at] + (f"-{round_ + 1}" if round_ else "")
        number += 1
        if slug in known:
            continue
        team = Team.objects.create(slug=slug, name=slug.replace("-", " ").capitalize())
        crew = []
        for role in PEOPLE:
            crew.append(_person(people))
            people += 1
            Membership.objects.create(team=team, user=crew[-1], role=role)
        crews.append((team, crew))
    return crews


def _person(number: int) -> User:
    first, last = FIRST[number % len(FIRST)], LAST[number // len(FIRST) % len(LAST)]
    user = User(
        username=f"{first}.{last}.{number}".lower(),
        email=f"{first}.{last}.{number}@example.org".lower(),
        first_name=first,
        last_name=last,
    )
    user.set_unusable_password()
    user.save()
    return user


def _templates(
    size: Size, rows: Sequence[Standard], owners: Sequence[str], chance: Random
) -> Iterator[Template]:
    """Shapes of very different sizes, whose mean is that of the fleet."""
    shapes = min(size.shapes, size.repositories)
    weights = [chance.lognormvariate(0, 0.8) for _ in range(shapes)]
    today = timezone.localdate()
    each = size.findings / size.repositories
    for number, weight in enumerate(weights):
        # The first has adopted all that is shipped, which is the most that a page has to show.
        adopted = len(rows) if number == 0 else chance.choice((1, 1, 2, 2, 3))
        chosen = sorted(chance.sample(rows, adopted), key=lambda row: row.pk)
        wanted = min(LARGEST, max(1, round(each * weight * shapes / sum(weights))))
        texts = [standards.parsed(row) for row in chosen]
        yield Template(invent(texts, wanted, size.scans, today, chance), chosen, owners)


def _names() -> Iterator[str]:
    """Names that no repository has yet."""
    known = set(Repository.objects.values_list("slug", flat=True))
    for round_ in count(1):
        for kind, feature in product(KINDS, FEATURES):
            name = f"{feature}-{kind}" + (f"-{round_}" if round_ > 1 else "")
            if name not in known:
                yield name


def _moments(stages: int, chance: Random) -> list[datetime]:
    """When the scans of a repository ended, oldest first."""
    newest = timezone.now() - timedelta(minutes=chance.randrange(10, 60 * 24 * 4))
    apart = timedelta(weeks=WEEKS) / max(1, stages)
    return [newest - apart * back for back in reversed(range(stages))]
