"""Two addresses for machines: is the process alive, and can the installation do its work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard.services import health

if TYPE_CHECKING:
    from django.http import HttpRequest


@require_safe
@never_cache
def healthz(_request: HttpRequest) -> HttpResponse:
    """Answer: the web process is alive. Asks nothing of any other part."""
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@require_safe
@never_cache
def readyz(_request: HttpRequest) -> HttpResponse:
    """Answer 200 when database, broker, workers, sweep and queue are well, else 503 with which."""
    parts = health.parts()
    body = {part.name: {"ok": part.ok, "detail": part.detail} for part in parts}
    return JsonResponse(body, status=200 if all(part.ok for part in parts) else 503)
