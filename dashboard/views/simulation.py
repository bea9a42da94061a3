"""What if: a proposal is tried on the fleet, looked at, saved and adopted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard.clause_forms import ClausesForm
from dashboard.models import Forecast, Role, Simulation, Team, noting
from dashboard.services import editing, own_standards, proposals, simulating, simulation_page
from dashboard.services.simulating import Wish
from dashboard.services.simulation_page import SORTS, ResultQuery
from dashboard.simulation_forms import SimulationForm
from dashboard.text import whole
from dashboard.views.answer import answer
from dashboard.views.guards import SignedInRequest, signed_in
from dashboard.views.polling import poll_seconds
from dashboard.views.undo import decided

if TYPE_CHECKING:
    from collections.abc import Callable

    from django import forms
    from django.http import HttpResponse


def _own(request: SignedInRequest, pk: int) -> Simulation:
    return get_object_or_404(Simulation.objects.visible_to(request.user), pk=pk)


def _begun(
    request: SignedInRequest, form: forms.Form, wish: Callable[[], Wish]
) -> HttpResponse | None:
    """Try what a form asks for and lead to it; None when it is refused, and the form says why."""
    try:
        row = simulating.begin(wish(), request.user)
    except own_standards.RefusedError as error:
        for mistake in error.mistakes:
            form.add_error(None, mistake)
        return None
    return HttpResponseRedirect(row.get_absolute_url())


def _only(text: str, slug: str, form: ClausesForm) -> Wish:
    """What is tried when one clause is changed."""
    return Wish([proposals.part_of(editing.change(text, form.changes()), slug)])


def _changed(
    request: SignedInRequest, pk: int, change: Callable[[Simulation], object]
) -> HttpResponse:
    """Change a simulation of the person and lead back to it, with what stands against it."""
    row = _own(request, pk)
    try:
        change(row)
    except own_standards.RefusedError as error:
        for mistake in error.mistakes:
            messages.error(request, mistake)
    return HttpResponseRedirect(row.get_absolute_url())


@require_safe
@signed_in
def simulations(request: SignedInRequest) -> HttpResponse:
    """List what the person has tried."""
    page = simulation_page.read_list(request.user, request.GET.get("page", "1"))
    context = {"section": "simulate", "page": page}
    return answer(request, "simulation/list.html", context, partial="rows")


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def new(request: SignedInRequest) -> HttpResponse:
    """Choose which standards come, change or go, and try it."""
    if request.method == "POST" and "try" in request.POST:
        form = SimulationForm(request.POST, reader=request.user)
        if form.is_valid() and (begun := _begun(request, form, form.wish)):
            return begun
    else:
        # A text comes from the page that it was changed on.
        text = request.POST.get("source", "").replace("\r\n", "\n")
        first = {"source": text, "replaces": simulation_page.likely_place(text)}
        first["adopt"] = request.GET.get("adopt", "")
        form = SimulationForm(reader=request.user, initial=first)
    status = 422 if form.is_bound and form.errors else 200
    context = {"section": "simulate", "form": form}
    return answer(request, "simulation/new.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def new_clause(request: SignedInRequest, slug: str, number: str) -> HttpResponse:
    """Change one clause of a standard, and try it wherever the standard is adopted."""
    text = editing.start(slug, request.user)
    if not text:
        raise Http404("There is no standard of that name.")
    standard = editing.read(text)
    if all(clause.id != number for clause in standard.clauses):
        raise Http404("The standard has no such clause.")
    posted = request.POST if request.method == "POST" else None
    form = ClausesForm(posted, standard=standard, number=1, only=number)
    if form.is_valid() and (begun := _begun(request, form, lambda: _only(text, slug, form))):
        return begun
    context = {"section": "simulate", "form": form, "slug": slug, "number": number}
    status = 422 if form.is_bound else 200
    return answer(request, "simulation/clause.html", context, status=status)


@require_safe
@signed_in
def simulation(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show what would change. While repositories are judged the fragment asks for itself again."""
    row = _own(request, pk)
    query = ResultQuery.read(request.GET)
    context = {
        "section": "simulate",
        "simulation": row,
        "query": query,
        "sorts": SORTS,
        "view": simulation_page.read_results(request.user, row, query),
        "poll_seconds": poll_seconds(row),
    }
    return answer(request, "simulation/detail.html", context, partial="results")


@require_safe
@signed_in
def repository(request: SignedInRequest, pk: int, slug: str) -> HttpResponse:
    """Show what would change in one repository."""
    rows = Forecast.objects.visible_to(request.user).select_related("repository", "simulation")
    row = get_object_or_404(rows, simulation=pk, repository__slug=slug)
    view = simulation_page.read_outlook(row, request.GET)
    context = {"section": "simulate", "forecast": row, "view": view, "page": view.page}
    return answer(request, "simulation/repository.html", context, partial="findings")


@require_POST
@signed_in
def cancel(request: SignedInRequest, pk: int) -> HttpResponse:
    """Judge no further repository."""
    return _changed(request, pk, simulating.cancel)


@require_POST
@signed_in
def resume(request: SignedInRequest, pk: int) -> HttpResponse:
    """Judge the rest, and try again what has failed."""
    return _changed(request, pk, simulating.resume)


@require_POST
@signed_in
def again(request: SignedInRequest, pk: int) -> HttpResponse:
    """Judge the repositories anew of which something has changed since."""

    def ask(row: Simulation) -> None:
        if not simulating.ask_again(row):
            messages.info(request, "Nothing has changed since: what is told here still holds.")

    return _changed(request, pk, ask)


@require_POST
@signed_in
def remove(request: SignedInRequest, pk: int) -> HttpResponse:
    """Forget a simulation."""
    _own(request, pk).delete()
    messages.success(request, "The simulation is forgotten; versions that were saved stay.")
    return HttpResponseRedirect(reverse("simulations"))


@require_POST
@signed_in
def save(request: SignedInRequest, pk: int) -> HttpResponse:
    """Store the proposed texts as versions that nobody is judged by yet."""

    def store(row: Simulation) -> None:
        if not Team.objects.with_role(request.user, Role.LEAD).exists():
            raise PermissionDenied("Leads decide about standards; an owner of a team can make one.")
        proposals.save(proposals.read(row), request.user)
        messages.success(request, "Saved. Nobody is judged by it before it is adopted.")

    return _changed(request, pk, store)


@require_POST
@signed_in
def adopt(request: SignedInRequest, pk: int) -> HttpResponse:
    """Have the ticked repositories judged by what was proposed."""
    chosen = [whole(each) for each in request.POST.getlist("repository")]

    def have_adopted(row: Simulation) -> None:
        with noting() as noted:
            adopted = simulating.adopt(row, chosen, request.user)
        noun = "repository" if adopted.count == 1 else "repositories"
        text = f"Adopted in {adopted.count} {noun}. Scans with it are on their way."
        decided(request, text, noted)
        if adopted.moved:
            changed = f"{adopted.moved} of them had changed since being judged here"
            differ = "so their scans may say something else than was told"
            messages.warning(request, f"{changed} ({adopted.words}), {differ}.")

    try:
        return _changed(request, pk, have_adopted)
    except proposals.UnsavedError:
        messages.warning(request, "Save the proposed texts as versions first.")
        return HttpResponseRedirect(reverse("simulation", args=[pk]))
