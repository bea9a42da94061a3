"""Standards, clauses and checks: the same for everybody who is signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import Http404
from django.views.decorators.http import require_safe

from dashboard.models import Role, Team
from dashboard.services.catalogue import (
    SHOWN_RESULTS,
    check_areas,
    open_findings,
    read_check,
    read_checks,
    read_clause,
    read_standards,
)
from dashboard.services.standard_page import read_standard
from dashboard.views.answer import answer
from dashboard.views.guards import SignedInRequest, signed_in

if TYPE_CHECKING:
    from django.http import HttpResponse

ONLY = ("built", "planned")


@require_safe
@signed_in
def standards(request: SignedInRequest) -> HttpResponse:
    """List the written standards."""
    context = {
        "section": "standards",
        "standards": read_standards(request.user),
        "may_bring": Team.objects.with_role(request.user, Role.LEAD).exists(),
    }
    return answer(request, "standard/list.html", context)


@require_safe
@signed_in
def standard(request: SignedInRequest, slug: str) -> HttpResponse:
    """Show a standard, clause by clause."""
    context = {"section": "standards", "view": read_standard(request.user, slug)}
    return answer(request, "standard/detail.html", context)


@require_safe
@signed_in
def clause(request: SignedInRequest, slug: str, number: str) -> HttpResponse:
    """Show one clause and what decides it."""
    context = {"section": "standards", "view": read_clause(request.user, slug, number)}
    return answer(request, "standard/clause.html", context)


@require_safe
@signed_in
def checks(request: SignedInRequest) -> HttpResponse:
    """List the checks by area."""
    text = request.GET.get("q", "").strip()[:100]
    only = request.GET.get("only", "")
    only = only if only in ONLY else ""
    area = request.GET.get("area", "")
    area = area if area in check_areas() else ""
    context = {
        "section": "checks",
        "text": text,
        "only": only,
        "area": area,
        "areas": check_areas(),
        "list": read_checks(text, only, area),
    }
    return answer(request, "check/list.html", context, partial="rows")


@require_safe
@signed_in
def check(request: SignedInRequest, identifier: str) -> HttpResponse:
    """Show one check: why, how to comply, limits, examples, the clauses that use it."""
    view = read_check(identifier)
    if view is None:
        raise Http404("There is no check of that id.")
    where = open_findings(request.user, identifier)
    context = {"section": "checks", "view": view, "where": where, "most": SHOWN_RESULTS}
    return answer(request, "check/detail.html", context)
