"""Counts what must never happen; for tests, restores and doubts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, override

from django.core.management.base import BaseCommand, CommandError

from dashboard.services import invariants

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    """``manage.py verify_invariants``."""

    help = "Count the violations of each invariant; exit 1 when there is any."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the planted secrets."""
        parser.add_argument(
            "--secret",
            action="append",
            default=[],
            metavar="TEXT",
            help="a text that must stand in no plain column, may be repeated",
        )

    @override
    def handle(self, *_: Any, secret: list[str], **__: Any) -> None:
        """Print one line per invariant."""
        violations = invariants.check(secret)
        for each in violations:
            self.stdout.write(f"{each.name:4}{each.count:6}  {each.rule}")
        broken = [each.name for each in violations if each.count]
        if broken:
            raise CommandError(f"Broken: {', '.join(broken)}. Look at the rows and the logs.")
