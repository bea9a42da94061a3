"""The way back that a message offers after a decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from dashboard.services import undoing
from dashboard.text import whole
from dashboard.views.guards import SignedInRequest, signed_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpResponse

    from dashboard.models import AuditEntry


def decided(request: SignedInRequest, text: str, noted: Sequence[AuditEntry]) -> None:
    """Say what was decided, with a way back where there is one for all of it."""
    entries = ",".join(map(str, undoing.offered(noted)))
    messages.success(request, text, extra_tags=f"undo:{entries}" if entries else "")


@require_POST
@signed_in
def undo(request: SignedInRequest) -> HttpResponse:
    """Go back to what stood before, and to the page that offered it."""
    try:
        entries = [whole(each) for each in request.POST.get("entries", "").split(",")]
        undoing.undo(entries, request.user)
    except undoing.UndoError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "Undone: it stands as before. Where that counts, a scan follows.")
    back = request.POST.get("back", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        back = reverse("fleet")
    return HttpResponseRedirect(back)
