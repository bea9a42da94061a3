"""One source file with its findings beside the lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import Http404
from django.views.decorators.http import require_safe

from dashboard.services.source_view import read_view, was_judged
from dashboard.text import whole
from dashboard.views.answer import answer
from dashboard.views.guards import SignedInRequest, repository_for, signed_in
from dashboard.views.repository import page_context

if TYPE_CHECKING:
    from django.http import HttpResponse


@require_safe
@signed_in
def source(request: SignedInRequest, slug: str, path: str) -> HttpResponse:
    """Show a file at a commit that was judged; by default the last one."""
    repository = repository_for(request, slug)
    commit = request.GET.get("at", "") or repository.scanned_commit
    if "\x00" in path + commit or not was_judged(repository, commit, path):
        raise Http404("Only commits that were scanned can be shown.")
    start = request.GET.get("from", "1")
    context = page_context(request, repository, "findings")
    context |= {"path": path, "commit": commit}
    context["code"] = read_view(repository, commit, path, whole(start, 1))
    return answer(request, "repository/source.html", context, partial="code")
