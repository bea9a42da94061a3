"""One view, one template, two answers: a full page, or one partial of it for HTMX."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.shortcuts import render
from django.utils.cache import patch_vary_headers

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse, QueryDict


def wants_fragment(request: HttpRequest) -> bool:
    """True when HTMX asks for a part of the page.

    A boosted request and one that restores history replace the whole page, so they get it.
    """
    htmx = request.htmx  # type: ignore[attr-defined]
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def posted(request: HttpRequest) -> QueryDict | None:
    """Return what was posted, also when it is empty; None when nothing was posted."""
    return request.POST if request.method == "POST" else None


def answer(
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    *,
    partial: str = "",
    status: int = 200,
) -> HttpResponse:
    """Render ``template``, or its ``partial`` when HTMX asks for a part.

    Caches must keep the two apart, hence ``Vary``.
    """
    name = f"{template}#{partial}" if partial and wants_fragment(request) else template
    response = render(request, name, context, status=status)
    patch_vary_headers(response, ["HX-Request", "HX-Boosted", "HX-History-Restore-Request"])
    return response
