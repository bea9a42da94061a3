"""How the installation is: for the people who run it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.views.decorators.http import require_safe

from dashboard.services.operations import read_operations
from dashboard.views.answer import answer
from dashboard.views.guards import SignedInRequest, signed_in

if TYPE_CHECKING:
    from django.http import HttpResponse


@require_safe
@signed_in
def ops(request: SignedInRequest) -> HttpResponse:
    """Show the queue, the workers, and what failed lately."""
    if not request.user.is_staff:
        raise PermissionDenied("Only administrators see how the installation runs.")
    context = {"section": "ops", "view": read_operations()}
    return answer(request, "ops.html", context, partial="state")
