"""Static files: hashed names once they are collected, plain names in development and tests."""

from __future__ import annotations

from typing import override

from django.contrib.staticfiles.storage import StaticFilesStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage  # type: ignore[import-untyped]


class Assets(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # untyped library
    """Names from the manifest; without a manifest, the names as they are."""

    @override
    def url(self, name: str | None, force: bool = False) -> str:
        """Return the address of a file."""
        if not self.hashed_files:
            return StaticFilesStorage.url(self, name)
        return str(super().url(name, force))
