"""Fills an empty instance with a fleet that nobody has, to measure it or to try it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, override

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from dashboard.models import Repository
from dashboard.services import bootstrap, sample_fleet

if TYPE_CHECKING:
    from argparse import ArgumentParser

MOST_SCANS = 52
STEPS = 20


class Command(BaseCommand):
    """``manage.py generate_fleet``."""

    help = "Fill an instance with invented repositories, judged by the real engine."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add how much."""
        parser.add_argument("--repositories", type=int, default=1_000, help="1000 if left out")
        parser.add_argument(
            "--findings", type=int, default=1_000_000, help="open ones in sum, about; a million"
        )
        parser.add_argument("--scans", type=int, default=6, help="of each repository; 6")
        parser.add_argument("--seed", type=int, default=1, help="the same gives the same fleet")
        parser.add_argument(
            "--beside", action="store_true", help="although there are repositories already"
        )

    @override
    def handle(self, *_: Any, **options: Any) -> None:
        """Write the fleet, and say how far it is."""
        size = sample_fleet.Size(options["repositories"], options["findings"], options["scans"])
        if size.repositories < 1 or size.findings < 1 or not 1 <= size.scans <= MOST_SCANS:
            raise CommandError(
                f"At least one repository, one finding and one scan; {MOST_SCANS} scans at most."
            )
        if Repository.objects.exists() and not options["beside"]:
            raise CommandError(
                "There are repositories already. Use an instance of its own (STRAIGHTEDGE_HOME, "
                "DATABASE_URL), or --beside to put the fleet beside them; nothing takes it out."
            )
        login = bootstrap.first_login()
        self.stdout.write("Judging the repositories that the fleet is made of ...")
        self.stdout.flush()
        try:
            found = sample_fleet.generate(size, options["seed"], self._progress(size.repositories))
        except OperationalError as error:
            raise CommandError(
                f"The database did not let us write: {error}. What is written stays. Stop the "
                "server, or wait until its scans have ended, and go on with --beside."
            ) from error
        self.stdout.write(f"{size.repositories} repositories with {found} open findings.")
        if login is not None:
            self.stdout.write(f"Login: {login.username}\nPassword: {login.password}")

    def _progress(self, total: int) -> Any:
        shown = 0

        def tell(done: int) -> None:
            nonlocal shown
            if done * STEPS // total > shown:
                shown = done * STEPS // total
                self.stdout.write(f"{done} of {total} repositories")
                self.stdout.flush()

        return tell
