"""What a first start needs: tables, standards, an administrator, something to look at."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.management import call_command
from django.db import transaction

from checks.errors import RepositoryError
from checks.gitread import git_dir_of
from dashboard.models import Membership, PeriodicRun, Repository, Role, Standard, Team, User
from dashboard.services import repositories, standards

if TYPE_CHECKING:
    from pathlib import Path

ADMINISTRATOR = "admin"
PASSWORD_BYTES = 12
REGISTER_CHECKOUT = "register-checkout"


@dataclass(frozen=True, slots=True)
class FirstLogin:
    """The administrator's name and password. The password is nowhere else."""

    username: str
    password: str


def prepare() -> None:
    """Bring tables, static files and shipped standards up to date. May run any number of times."""
    call_command("migrate", interactive=False, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    standards.load_shipped()


@transaction.atomic
def first_login() -> FirstLogin | None:
    """Create the administrator and the first team; None when anybody exists already."""
    if User.objects.exists():
        return None
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    user = User.objects.create_superuser(ADMINISTRATOR, f"{ADMINISTRATOR}@localhost", password)
    Membership.objects.create(user=user, team=first_team(), role=Role.OWNER)
    return FirstLogin(user.username, password)


def first_team() -> Team:
    """Return the team that was made first, making one where there is none."""
    team = Team.objects.order_by("pk").first()
    return team or Team.objects.create(slug="team", name="Team")


def checkout() -> Path | None:
    """Return the git directory of this program's own checkout, None when it has none."""
    try:
        return git_dir_of(settings.BASE_DIR)
    except RepositoryError:
        return None


def register_checkout(git_dir: Path) -> None:
    """Register this program's own repository, once: when it was removed, it stays away."""
    if not PeriodicRun.objects.claim_once(REGISTER_CHECKOUT):
        return
    if Repository.objects.filter(clone_url=str(git_dir)).exists():
        return
    repositories.register(
        team=first_team(),
        clone_url=str(git_dir),
        adopted=list(Standard.objects.newest().filter(shipped=True)),
        name="Straightedge",
    )
