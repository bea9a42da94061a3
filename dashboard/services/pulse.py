"""A worker's sign of life, and its share of the sweep, also while it has nothing to do."""

from __future__ import annotations

import threading

import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models.functions import Now

from dashboard.models import Worker
from dashboard.services import sweeping

logger = structlog.get_logger(__name__)


class Pulse(threading.Thread):
    """Beats in the main process of a worker until :meth:`end`.

    Args:
        name: The worker's name, shown to operators.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name="pulse", daemon=True)
        self._worker = name
        self._end = threading.Event()

    def run(self) -> None:
        """Beat and sweep; a database that is away is tried again at the next beat."""
        first = True
        while True:
            try:
                beat(self._worker, first=first)
                first = False
                sweeping.sweep()
            except DatabaseError as error:
                logger.warning("pulse missed", error=str(error))
            finally:
                # Children are forked from this process: they must not inherit a connection.
                connection.close()
            if self._end.wait(settings.SWEEP_EVERY.total_seconds()):
                self._sign_off()
                return

    def end(self) -> None:
        """Stop beating; may be called in a signal handler."""
        self._end.set()

    def _sign_off(self) -> None:
        """Count the worker as alive no longer."""
        try:
            Worker.objects.filter(name=self._worker).delete()
        except DatabaseError as error:
            logger.warning("worker not signed off", error=str(error))
        finally:
            connection.close()


def beat(name: str, *, first: bool = False) -> None:
    """Write down that the worker lives; with ``first``, that it lives since now."""
    fields = {"seen_at": Now()} | ({"started_at": Now()} if first else {})
    if not Worker.objects.filter(name=name).update(**fields):
        Worker.objects.bulk_create([Worker(name=name)], ignore_conflicts=True)
