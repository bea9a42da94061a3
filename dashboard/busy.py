"""What a person sees while the database cannot be written or reached: wait, and try again."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

logger = structlog.get_logger(__name__)

RETRY_AFTER = "15"
"""Seconds. On SQLite one writes at a time, and a large result takes a while."""


class BusyMiddleware:
    """Answers 503 with a page where a view met a database that is locked or away."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer as always; only faults are looked at."""
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Called by Django with what a view raised; None leaves everything else to it."""
        if not isinstance(error, OperationalError):
            return None
        logger.warning("database busy", path=request.path, error=str(error))
        page = render(request, "503.html", status=503)
        page["Retry-After"] = RETRY_AFTER
        return page
