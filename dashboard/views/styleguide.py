"""Every component in every state, for those who build pages. Only there while debugging."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.http import Http404
from django.views.decorators.http import require_safe

from dashboard.models import MAX_ATTEMPTS
from dashboard.services.palette import read_palette
from dashboard.services.samples import read_samples
from dashboard.templatetags.straightedge import BLANKS, KINDS, LETTER_MEANING
from dashboard.views.answer import answer
from dashboard.views.guards import SignedInRequest, signed_in

if TYPE_CHECKING:
    from django.http import HttpResponse


@require_safe
@signed_in
def styleguide(request: SignedInRequest) -> HttpResponse:
    """Show the components with made-up rows, drawn by the partials that all pages use."""
    if not settings.DEBUG:
        raise Http404
    samples = read_samples()
    context = {
        "section": "styleguide",
        "palette": read_palette(),
        "samples": samples,
        "repository": samples.repository,
        "kinds": {name: list(states) for name, states in KINDS.items()},
        "blanks": list(BLANKS),
        "letters": [*LETTER_MEANING, ""],
        "attempts": MAX_ATTEMPTS,
        "may_manage": True,
        "may_scan": True,
    }
    return answer(request, "styleguide.html", context)
