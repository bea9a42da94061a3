"""Keys of badges: derived from the server's secret, so nothing is stored and none is guessed."""

from __future__ import annotations

from django.utils.crypto import salted_hmac

KEY_DIGITS = 32


def badge_key(slug: str) -> str:
    """Return the key that opens the badge of the repository ``slug``."""
    return salted_hmac("straightedge.badge", slug, algorithm="sha256").hexdigest()[:KEY_DIGITS]
