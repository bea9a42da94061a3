"""One repository: overview, progress of its scan, history, settings, and what people do to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard.forms import RemoveForm, RepositorySettingsForm
from dashboard.gate_form import GateForm
from dashboard.models import Role, Trigger, noting
from dashboard.models.lease import MAX_ATTEMPTS
from dashboard.services import components, conflicts, gates, repositories, scanning
from dashboard.services.badge import badge_key
from dashboard.services.findings import listed
from dashboard.services.folders import read_folders
from dashboard.services.history import read_history
from dashboard.services.layers_page import read_layers
from dashboard.services.progress import read_progress
from dashboard.services.repository_page import read_area, read_overview
from dashboard.services.sizes_page import read_sizes
from dashboard.views.answer import answer, posted, wants_fragment
from dashboard.views.guards import SignedInRequest, repository_for, signed_in
from dashboard.views.polling import poll_seconds
from dashboard.views.undo import decided

if TYPE_CHECKING:
    from django.http import HttpResponse

    from dashboard.models import Repository

CLAUSES_OF = "clauses-of-"
"""How the elements are called into which the clauses of an area are loaded."""


def page_context(request: SignedInRequest, repository: Repository, tab: str) -> dict[str, Any]:
    """Return what every page of a repository needs for its head and its tabs."""
    role = request.user.role_in(repository.team)
    return {
        "section": "fleet",
        "tab": tab,
        "repository": repository,
        "listed": listed(repository),
        "may_scan": role in Role.DEVELOPER.and_above(),
        "may_manage": role in Role.LEAD.and_above(),
    }


def _detail(request: SignedInRequest) -> tuple[str, str, str]:
    """What is wanted in detail: a standard, a folder, an area of clauses."""
    asked = request.GET
    return asked.get("standard", ""), asked.get("component", ""), asked.get("area", "")


def _overview_context(request: SignedInRequest, repository: Repository) -> dict[str, Any]:
    overview = read_overview(repository, *_detail(request))
    return page_context(request, repository, "overview") | {
        "overview": overview,
        "scan": overview.active,
        "progress": read_progress(overview.active),
        "attempts": MAX_ATTEMPTS,
        "poll_seconds": poll_seconds(overview.active),
    }


@require_safe
@signed_in
def repository(request: SignedInRequest, slug: str) -> HttpResponse:
    """Show how far the repository is from its standards, why, and what happened lately."""
    row = repository_for(request, slug)
    if wants_fragment(request) and (request.htmx.target or "").startswith(CLAUSES_OF):
        return _clauses_of_area(request, row)
    context = _overview_context(request, row)
    return answer(request, "repository/overview.html", context, partial="overview")


def _clauses_of_area(request: SignedInRequest, row: Repository) -> HttpResponse:
    """Answer an area that is opened with its clauses, which the page left out to stay small."""
    found = read_area(row, *_detail(request))
    if found is None:
        raise Http404("The last scan has no such area.")
    chosen, area = found
    context = page_context(request, row, "overview") | {"chosen": chosen, "area": area}
    return answer(request, "repository/overview.html", context, partial="clauses")


@require_safe
@signed_in
def progress(request: SignedInRequest, slug: str) -> HttpResponse:
    """Show how far the running scan is; once none runs, hand over the new overview."""
    row = repository_for(request, slug)
    active = row.scans.active().order_by("number").last()
    if active is None:
        context = _overview_context(request, row)
        # In the place of the progress, so that nothing below moves under the reader's pointer.
        context["ended"] = next(iter(context["overview"].scans), None)
        response = answer(request, "repository/overview.html", context, partial="overview")
        if wants_fragment(request):
            response["HX-Retarget"] = "#overview"
            response["HX-Reswap"] = "outerHTML"
        return response
    context = page_context(request, row, "overview") | {
        "scan": active,
        "progress": read_progress(active),
        "attempts": MAX_ATTEMPTS,
        "poll_seconds": poll_seconds(active),
    }
    return answer(request, "repository/progress.html", context, partial="progress")


@require_POST
@signed_in
def rescan(request: SignedInRequest, slug: str) -> HttpResponse:
    """Ask for a scan of the branch's head as it is now."""
    row = repository_for(request, slug, Role.DEVELOPER)
    scanning.request(row, trigger=Trigger.MANUAL, actor=request.user)
    return HttpResponseRedirect(row.get_absolute_url())


@require_safe
@signed_in
def folders(request: SignedInRequest, slug: str) -> HttpResponse:
    """Show in which folders the open findings and the points to gain lie."""
    row = repository_for(request, slug)
    found = read_folders(row, request.GET.get("below", ""), request.GET.get("page", "1"))
    return _drawing(request, row, "folders", "map", map=found)


@require_safe
@signed_in
def layers(request: SignedInRequest, slug: str) -> HttpResponse:
    """Show which layer of the code imports which, and which imports go against the direction."""
    row = repository_for(request, slug)
    return _drawing(request, row, "layers", "layers", view=read_layers(row, request.GET.dict()))


@require_safe
@signed_in
def sizes(request: SignedInRequest, slug: str) -> HttpResponse:
    """Show how complex and how long functions are, and how long files."""
    row = repository_for(request, slug)
    return _drawing(request, row, "sizes", "sizes", view=read_sizes(row, request.GET.dict()))


def _drawing(
    request: SignedInRequest, row: Repository, name: str, page: str, **shown: object
) -> HttpResponse:
    """Answer with one of the drawings that share a tab."""
    context = page_context(request, row, "map") | {"drawing": name} | shown
    return answer(request, f"repository/{page}.html", context, partial=page)


@require_safe
@signed_in
def history(request: SignedInRequest, slug: str) -> HttpResponse:
    """Show how the score moved, and every scan."""
    row = repository_for(request, slug)
    context = page_context(request, row, "history")
    context["history"] = read_history(row, request.GET.get("page", "1"))
    return answer(request, "repository/history.html", context, partial="scans")


def _settings_context(
    row: Repository,
    form: RepositorySettingsForm,
    remove_form: RemoveForm,
    gate_form: GateForm | None = None,
) -> dict[str, Any]:
    badge = f"{reverse('badge', args=[row.slug])}?key={badge_key(row.slug)}"
    return {
        "form": form,
        "remove_form": remove_form,
        "gate_form": gate_form or GateForm(gate=gates.of_repository(row)),
        "badge_path": badge,
        "badge_address": settings.BASE_URL + badge,
    }


def warn_of_conflicts(request: SignedInRequest, row: Repository) -> None:
    """Say when adopted standards contradict each other and nobody has decided."""
    if count := conflicts.undecided(row):
        address = reverse("conflicts", args=[row.slug])
        text = (
            "Clauses of these standards contradict each other: {}. "
            '<a href="{}">Decide which give way.</a>'
        )
        messages.warning(request, format_html(text, f"{count} pair{'s' * (count != 1)}", address))


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def repository_settings(request: SignedInRequest, slug: str) -> HttpResponse:
    """Change name, branch and adopted standards."""
    row = repository_for(request, slug, Role.LEAD)
    form = RepositorySettingsForm(posted(request), repository=row)
    if request.method == "POST" and form.is_valid():
        with noting() as noted:
            moved = components.choose(row, form.cleaned_data["folders"], request.user)
            judged_anew = repositories.change(row, form.changes(), request.user)
        if moved or judged_anew:
            decided(request, "Saved. A scan with the new settings is on its way.", noted)
            warn_of_conflicts(request, row)
        else:
            messages.success(request, "Saved.")
        return HttpResponseRedirect(reverse("repository-settings", args=[row.slug]))
    context = page_context(request, row, "settings")
    context |= _settings_context(row, form, RemoveForm(repository=row))
    return answer(
        request,
        "repository/settings.html",
        context,
        partial="form",
        status=422 if form.is_bound else 200,
    )


@require_POST
@signed_in
def gate(request: SignedInRequest, slug: str) -> HttpResponse:
    """Change what every scan has to reach; the next one says whether it does."""
    row = repository_for(request, slug, Role.LEAD)
    form = GateForm(request.POST, gate=gates.of_repository(row))
    if not form.is_valid():
        context = page_context(request, row, "settings")
        settings_form, remove_form = (
            RepositorySettingsForm(repository=row),
            RemoveForm(repository=row),
        )
        context |= _settings_context(row, settings_form, remove_form, form)
        return answer(request, "repository/settings.html", context, status=422)
    if gates.choose(row, form.gate(), request.user):
        messages.success(request, "Saved. A scan that is judged by this gate is on its way.")
    else:
        messages.success(request, "Nothing has changed.")
    return HttpResponseRedirect(reverse("repository-settings", args=[row.slug]))


@require_POST
@signed_in
def remove(request: SignedInRequest, slug: str) -> HttpResponse:
    """Delete the repository and everything known about it; its name must be typed."""
    row = repository_for(request, slug, Role.LEAD)
    form = RemoveForm(request.POST, repository=row)
    if not form.is_valid():
        context = page_context(request, row, "settings")
        context |= _settings_context(row, RepositorySettingsForm(repository=row), form)
        return answer(request, "repository/settings.html", context, status=422)
    repositories.remove(row, request.user)
    messages.success(request, f"{row.name} and all its results are removed.")
    return HttpResponseRedirect(reverse("repositories"))
