"""Brings the tables up to date on which two checks rest: advisories and releases of packages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, override

from django.core.management.base import BaseCommand, CommandError

from dashboard.models import Repository, Trigger
from dashboard.services import scanning, tables

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    """``manage.py refresh_advisories --osv FILE --registry ADDRESS``."""

    help = "Read advisories from an OSV export, and releases from a file or a registry."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name the sources."""
        parser.add_argument(
            "--osv", type=Path, help="an OSV export of PyPI: a zip, a folder or a JSON file"
        )
        releases = parser.add_mutually_exclusive_group()
        releases.add_argument("--releases", type=Path, help="a JSON file: package to releases")
        releases.add_argument(
            "--registry", metavar="ADDRESS", help="a simple index that answers in JSON"
        )
        parser.add_argument(
            "--scan", action="store_true", help="judge all repositories again with them"
        )

    @override
    def handle(self, *_: Any, **options: Any) -> None:
        """Read what is given and say how much it holds and of which day it is."""
        if not (options["osv"] or options["releases"] or options["registry"]):
            raise CommandError("Give --osv FILE, --releases FILE or --registry ADDRESS.")
        try:
            if options["osv"]:
                self._say(tables.read_osv(options["osv"]), "advisory", "advisories")
            if options["releases"]:
                self._say(tables.read_releases(options["releases"]), "release", "releases")
            if options["registry"]:
                self._say(tables.ask_registry(options["registry"]), "release", "releases")
        except tables.TableError as error:
            raise CommandError(str(error)) from error
        if options["scan"]:
            for repository in Repository.objects.all():
                scanning.request(repository, Trigger.TABLES)
            self.stdout.write("All repositories are judged again.")
        else:
            self.stdout.write("They count with the next scan of each repository.")

    def _say(self, table: Any, one: str, many: str) -> None:
        what = one if table.rows == 1 else many
        self.stdout.write(f"{table.rows} {what}, the newest of {table.dated}.")
