"""Registers a repository from the shell, and waits for its first result if asked to."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, override

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from dashboard.models import Phase, Scan, Standard, Team, Trigger, Worker
from dashboard.services import bootstrap, repositories, running, scanning, standards
from dashboard.services.health import MISSED_BEATS
from dashboard.text import floored

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from dashboard.models import Repository

POLL_SECONDS = 0.5


class Command(BaseCommand):
    """``manage.py add_repository URL``."""

    help = "Register a repository; with --scan --wait, end when its scan has ended."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the address and its options."""
        parser.add_argument("url", help="what git clone takes")
        parser.add_argument("--team", help="slug of the team; the first team if left out")
        parser.add_argument("--name", default="", help="what people call it")
        parser.add_argument("--branch", default="", help="branch to judge; else the default one")
        parser.add_argument(
            "--standard",
            action="append",
            default=[],
            metavar="SLUG",
            help="standard to adopt, may be repeated; all if left out",
        )
        parser.add_argument("--scan", action="store_true", help="scan again if registered already")
        parser.add_argument("--wait", action="store_true", help="show progress until it has ended")

    @override
    def handle(self, *_: Any, **options: Any) -> None:
        """Register; exit 1 with one sentence when that, or the scan that is waited for, fails."""
        standards.load_shipped()
        repository = self._register(options)
        if options["wait"]:
            self._wait(repository)

    def _register(self, options: dict[str, Any]) -> Repository:
        try:
            repository = repositories.register(
                team=_team(options["team"]),
                clone_url=options["url"],
                adopted=_standards(options["standard"]),
                name=options["name"],
                branch=options["branch"],
            )
        except repositories.AlreadyRegisteredError as error:
            if not options["scan"]:
                raise CommandError(str(error)) from error
            repository = error.repository
            scanning.request(repository, Trigger.MANUAL)
        except repositories.RefusedError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{repository.name}: {settings.BASE_URL}{repository.get_absolute_url()}")
        return repository

    def _wait(self, repository: Repository) -> None:
        """Follow the newest scan; without a living worker, do its work right here."""
        scan = repository.scans.order_by("-number")[0]
        ended = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(scan.pk, ended), daemon=True)
        watcher.start()
        try:
            while scan.is_active:
                if not Worker.objects.alive(settings.SWEEP_EVERY * MISSED_BEATS).exists():
                    running.run(scan.pk)
                scan.refresh_from_db()
                if scan.is_active:
                    time.sleep(POLL_SECONDS)
        finally:
            ended.set()
            watcher.join()
        if not scan.has_result:
            raise CommandError(f"Scan {scan.number} {scan.state}: {scan.error_message}")
        score = "not scored" if scan.score is None else f"{floored(scan.score, 1)} {scan.letter}"
        self.stdout.write(
            f"Scan {scan.number} {scan.state} at {scan.short_commit}: {score}, "
            f"{scan.findings_count} findings, {scan.open_must} open must clauses"
        )

    def _watch(self, scan_id: int, ended: threading.Event) -> None:
        """Print each step once, from a thread: this process may be the one that works."""
        shown = ""
        while not ended.wait(POLL_SECONDS):
            line = _progress(Scan.objects.get(pk=scan_id))
            if line != shown:
                self.stdout.write(line)
                self.stdout.flush()
                shown = line
        connection.close()


def _team(slug: str | None) -> Team:
    if slug is None:
        return bootstrap.first_team()
    team = Team.objects.filter(slug=slug).first()
    if team is None:
        known = ", ".join(Team.objects.values_list("slug", flat=True)) or "none yet"
        raise CommandError(f"There is no team {slug!r}; the teams are: {known}.")
    return team


def _standards(slugs: list[str]) -> list[Standard]:
    rows = {row.slug: row for row in Standard.objects.newest()}
    unknown = [slug for slug in slugs if slug not in rows]
    if unknown:
        raise CommandError(f"There is no standard {unknown[0]!r}; choose {', '.join(rows)}.")
    return [rows[slug] for slug in slugs] if slugs else [r for r in rows.values() if r.shipped]


def _progress(scan: Scan) -> str:
    count = f" {scan.phase_done}/{scan.phase_total}" if scan.phase_total else ""
    reason = (
        f" ({scan.error_message})" if scan.phase == Phase.WAITING and scan.error_message else ""
    )
    return f"Scan {scan.number}: {scan.get_phase_display()}{count}{reason}"
