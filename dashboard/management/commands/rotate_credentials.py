"""Encrypts all stored secrets with the newest key, so that older keys can be removed."""

from __future__ import annotations

from typing import Any, override

from django.core.management.base import BaseCommand, CommandError

from dashboard.services import credentials


class Command(BaseCommand):
    """``manage.py rotate_credentials``."""

    help = "Encrypt all stored secrets anew with the first of CREDENTIAL_KEYS."

    @override
    def handle(self, *_: Any, **__: Any) -> None:
        """Rotate; exit 1 when a secret was left that no key opens."""
        try:
            done, lost = credentials.rotate()
        except credentials.CredentialError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{done} secrets are encrypted with the first key.")
        if lost:
            raise CommandError(
                f"{lost} secrets can not be opened by any key: add the key that made them and run "
                "this again, or enter them anew."
            )
        self.stdout.write("The other keys can be removed.")
