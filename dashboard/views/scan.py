"""One scan: its progress while it runs, its result and its manifest afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from dashboard.models.lease import MAX_ATTEMPTS
from dashboard.services.scan_page import read_scan
from dashboard.views.answer import answer
from dashboard.views.guards import SignedInRequest, repository_for, signed_in
from dashboard.views.polling import poll_seconds
from dashboard.views.repository import page_context

if TYPE_CHECKING:
    from django.http import HttpResponse


@require_safe
@signed_in
def scan(request: SignedInRequest, slug: str, number: int) -> HttpResponse:
    """Show one scan. While it runs the fragment asks for itself again."""
    repository = repository_for(request, slug)
    row = get_object_or_404(
        repository.scans.select_related("requested_by", "before"), number=number
    )
    row.repository = repository
    context = page_context(request, repository, "history")
    context |= {
        "scan": row,
        "view": read_scan(row, request.GET.get("page", "1")),
        "attempts": MAX_ATTEMPTS,
    }
    context["progress"] = context["view"].progress
    context["poll_seconds"] = poll_seconds(row)
    return answer(request, "repository/scan.html", context, partial="scan")
