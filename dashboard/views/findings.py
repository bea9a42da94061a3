"""Findings: the list with its facets, one finding, exports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from dashboard.models import Finding
from dashboard.services import patches, waiver_batches, waivers
from dashboard.services.catalogue import fitting, read_check
from dashboard.services.finding_groups import read_groups
from dashboard.services.finding_page import read_finding
from dashboard.services.findings import (
    GROUPS,
    SORTS,
    STATES,
    FindingQuery,
    csv_lines,
    matching,
    read_findings,
    stored_report,
    stored_sarif,
)
from dashboard.services.neighbours import neighbours
from dashboard.services.saved_views import read_query, saved
from dashboard.services.source_view import read_snippet
from dashboard.views.answer import answer, wants_fragment
from dashboard.views.guards import SignedInRequest, repository_for, signed_in
from dashboard.views.repository import page_context
from dashboard.views.triage import just_asked

if TYPE_CHECKING:
    from django.http.response import HttpResponseBase

NO_REPORT = "There is no result yet: the repository has not been scanned to the end."


@require_safe
@signed_in
def findings(request: SignedInRequest, slug: str) -> HttpResponse:
    """List the findings of a repository."""
    repository = repository_for(request, slug)
    query = FindingQuery.read(request.GET)
    context = page_context(request, repository, "findings")
    context |= {
        "query": query,
        "kept": query.address()[1:],
        "states": STATES,
        "groupings": GROUPS,
        "sorts": SORTS,
        "findings": read_findings(repository, query),
        "groups": read_groups(repository, query) if query.group else None,
        "views": saved(request.user),
        "most_asked": waiver_batches.MOST,
        "asked": [] if wants_fragment(request) else just_asked(request, repository),
    }
    return answer(request, "finding/list.html", context, partial="results")


@require_safe
@signed_in
def finding(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show one finding: the code, the clause, why, and what to do."""
    row = _finding_for(request, pk)
    context = page_context(request, row.repository, "findings")
    view, check = read_finding(row), read_check(row.check_id)
    example = fitting(check, view.clauses) if check else None
    context |= {"view": view, "finding": row, "check": check, "example": example}
    context |= _code(row)
    context["patch"] = patches.wanted(row)
    if "from" in request.GET:
        context["near"] = neighbours(row, read_query(request.GET["from"]))
    partial = "patch" if request.htmx.target == "patch" else "code"
    return answer(request, "finding/detail.html", context, partial=partial)


@require_safe
@signed_in
def patch(request: SignedInRequest, pk: int) -> HttpResponse:
    """Hand out the patch that mends a finding."""
    row = _finding_for(request, pk)
    text = patches.ready(row)
    if not text:
        raise Http404("There is no patch for this finding.")
    response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    return _attached(response, f"{row.repository.slug}-{row.pk}.patch")


def _finding_for(request: SignedInRequest, pk: int) -> Finding:
    visible = Finding.objects.visible_to(request.user)
    rows = waivers.laid_over(visible)
    return get_object_or_404(
        rows.select_related("repository__team", "last_seen", "first_scan", "fixed_scan"), pk=pk
    )


def _code(row: Finding) -> dict[str, object]:
    """Return the lines around the finding at the commit that showed it last."""
    commit = row.repository.scanned_commit
    if row.last_seen:
        commit = row.last_seen.commit
    if not row.path or not commit:
        return {"commit": commit, "code": None}
    return {"commit": commit, "code": read_snippet(row, commit)}


@require_safe
@signed_in
def export_csv(request: SignedInRequest, slug: str) -> HttpResponseBase:
    """Hand out the findings of the filter in force as CSV."""
    repository = repository_for(request, slug)
    rows = matching(repository, FindingQuery.read(request.GET))
    response = StreamingHttpResponse(csv_lines(rows), content_type="text/csv; charset=utf-8")
    return _attached(response, f"{repository.slug}-findings.csv")


@require_safe
@signed_in
def export_json(request: SignedInRequest, slug: str) -> HttpResponseBase:
    """Hand out the report of the last scan, byte for byte as the command line prints it."""
    repository = repository_for(request, slug)
    report = stored_report(repository, request.GET.get("component", ""))
    if report is None:
        raise Http404(NO_REPORT)
    response = HttpResponse(report, content_type="application/json")
    return _attached(response, f"{repository.slug}-report.json")


@require_safe
@signed_in
def export_sarif(request: SignedInRequest, slug: str) -> HttpResponseBase:
    """Hand out the report of the last scan as SARIF 2.1.0."""
    repository = repository_for(request, slug)
    report = stored_sarif(repository, request.GET.get("component", ""))
    if report is None:
        raise Http404(NO_REPORT)
    response = HttpResponse(report, content_type="application/sarif+json")
    return _attached(response, f"{repository.slug}-findings.sarif")


def _attached[R: HttpResponseBase](response: R, name: str) -> R:
    """Mark as a download; the name is made of our own slug, never of foreign text."""
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
