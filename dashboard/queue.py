"""Rings the broker. What is lost here is not lost: the sweep finds it in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from kombu.exceptions import KombuError

if TYPE_CHECKING:
    from collections.abc import Sequence

CONNECT_SECONDS = 3

logger = structlog.get_logger(__name__)

RUN_SCAN = "dashboard.run_scan"
POLL = "dashboard.poll"
SWEEP = "dashboard.sweep"


def ring(task: str, args: Sequence[int] = ()) -> bool:
    """Send the message; False when the broker cannot be reached, which is only logged."""
    from dashboard.celery import app  # the broker's settings are read when it is first needed

    try:
        app.send_task(task, args=list(args), ignore_result=True)
    except (KombuError, OSError) as error:
        logger.warning("broker unreachable", task=task, error=str(error))
        return False
    return True


def unreachable() -> str:
    """Return why the broker cannot be reached, "" when it can."""
    from dashboard.celery import app

    try:
        with app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=CONNECT_SECONDS)
    except (KombuError, OSError) as error:
        return type(error).__name__
    return ""
