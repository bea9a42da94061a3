"""Changing a standard on a page: clause by clause, over pages, with nothing stored on the way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from django.http import Http404
from django.views.decorators.http import require_http_methods

from dashboard.clause_forms import ClausesForm
from dashboard.forms import StandardForm
from dashboard.gate_form import StandardGateForm
from dashboard.services import editing
from dashboard.services.own_standards import RefusedError
from dashboard.text import whole
from dashboard.views.answer import answer
from dashboard.views.guards import SignedInRequest, signed_in
from dashboard.views.own_standard import may_bring, show

if TYPE_CHECKING:
    from django.http import HttpResponse


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def clauses(request: SignedInRequest) -> HttpResponse:
    """Show a page of the clauses of a text; take what was changed, and show what comes next."""
    may_bring(request)
    text = request.POST.get("source", "").replace("\r\n", "\n")
    if request.method != "POST":
        text = editing.start(request.GET.get("from", ""), request.user)
        if not text:
            raise Http404("There is no standard of that name.")
    try:
        if request.method == "POST":
            return _posted(request, text)
        return _page(request, text, 1)
    except RefusedError as error:
        return show(request, StandardForm({"source": text}), error.mistakes)


def _posted(request: SignedInRequest, text: str) -> HttpResponse:
    """Take what was entered into the text; show another page, or what the whole would change."""
    form = ClausesForm(
        request.POST,
        standard=editing.read(text),
        number=_number(request, "page"),
    )
    gate_form = StandardGateForm.sent(request.POST, form.standard.gate)
    if not (form.is_valid() and gate_form.usable):
        return _answer(request, form, gate_form, text, 422)
    text = editing.change(text, replace(form.changes(), gate=gate_form.change()))
    if "go" in request.POST:
        return _page(request, text, _number(request, "go"))
    return show(request, StandardForm({"source": text}))


def _number(request: SignedInRequest, name: str) -> int:
    value = request.POST.get(name, "")
    return whole(value, 1)


def _page(request: SignedInRequest, text: str, number: int) -> HttpResponse:
    standard = editing.read(text)
    form = ClausesForm(None, standard=standard, number=number)
    return _answer(request, form, StandardGateForm(gate=standard.gate), text, 200)


def _answer(
    request: SignedInRequest,
    form: ClausesForm,
    gate_form: StandardGateForm,
    text: str,
    status: int,
) -> HttpResponse:
    context = {"section": "standards", "form": form, "gate_form": gate_form, "source": text}
    return answer(request, "standard/clauses.html", context, status=status)
