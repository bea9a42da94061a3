"""Judges results again from nothing, by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, override

from django.core.management.base import BaseCommand, CommandError

from dashboard.models import RecheckOutcome, Repository
from dashboard.services import audit

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    """``manage.py audit``."""

    help = "Judge last results again from nothing and compare the bytes; exit 1 on a difference."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the repositories."""
        parser.add_argument(
            "slug", nargs="*", metavar="SLUG", help="a repository; all of them without any"
        )

    @override
    def handle(self, *_: Any, slug: list[str], **__: Any) -> None:
        """Audit one after the other and print what each has shown."""
        rows = Repository.objects.filter(last_scan__isnull=False).order_by("slug")
        if slug:
            known = set(Repository.objects.filter(slug__in=slug).values_list("slug", flat=True))
            if missing := sorted(set(slug) - known):
                raise CommandError(f"There is no repository {', '.join(missing)}.")
            rows = Repository.objects.filter(slug__in=slug).order_by("slug")
        different = 0
        for repository in rows.select_related("last_scan"):
            row = audit.audit(repository)
            different += row.outcome == RecheckOutcome.DIFFERENT
            self.stdout.write(f"{repository.slug}: {row.get_outcome_display().lower()}")
            for sentence in row.detail:
                self.stdout.write(f"  {sentence}")
        if different:
            raise CommandError(
                f"{different} of the results differ from what their commits show: keep this output,"
                " empty the fact store and scan them again."
            )
