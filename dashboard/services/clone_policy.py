"""What the operator opened beyond public hosts, as the library takes it."""

from __future__ import annotations

from django.conf import settings

from checks.cloneurl import ClonePolicy


def policy() -> ClonePolicy:
    """Return the hosts and folders that may be cloned from, and whom fetches trust.

    Raises:
        ValueError: A host of ``STRAIGHTEDGE_CLONE_ALLOWED_HOSTS`` can not be read.
    """
    prefix = "STRAIGHTEDGE_CLONE_"
    return ClonePolicy.from_environment(
        {
            f"{prefix}ALLOWED_HOSTS": ",".join(settings.CLONE_ALLOWED_HOSTS),
            f"{prefix}ALLOWED_PATHS": ",".join(settings.CLONE_ALLOWED_PATHS),
            "STRAIGHTEDGE_HOME": str(settings.HOME),
        }
    )
