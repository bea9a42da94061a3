"""The words of the product on one page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.views.decorators.http import require_safe

from dashboard.views.answer import answer
from dashboard.views.guards import SignedInRequest, signed_in
from dashboard.words import WORDS

if TYPE_CHECKING:
    from django.http import HttpResponse


@require_safe
@signed_in
def words(request: SignedInRequest) -> HttpResponse:
    """List every word with what it means; pages link to it by the word's key."""
    return answer(request, "words.html", {"section": "words", "words": WORDS})
