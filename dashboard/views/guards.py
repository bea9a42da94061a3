"""The first line of every view: who asks, and what may they see.

What a person may not see does not exist for them: 404. What they see but may not change is
refused: 403.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Concatenate, cast
from urllib.parse import urlencode

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from dashboard.models import Repository, Role, User

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http.response import HttpResponseBase
    from django_htmx.middleware import HtmxDetails


class SignedInRequest(HttpRequest):
    """A request that a signed-in person made. For the type checker only."""

    user: User
    htmx: HtmxDetails


def signed_in[**P, R: HttpResponseBase](
    view: Callable[Concatenate[SignedInRequest, P], R],
) -> Callable[Concatenate[HttpRequest, P], R | HttpResponse]:
    """Let signed-in people through; send all others to the sign-in page and back."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> R | HttpResponse:
        if isinstance(request.user, User) and request.user.is_active:
            return view(request, *args, **kwargs)  # type: ignore[arg-type]
        if request.htmx:  # type: ignore[attr-defined]
            # A plain redirect would put the sign-in page into the fragment's place.
            page = urlencode({"next": request.htmx.current_url_abs_path or "/"})  # type: ignore[attr-defined]
            away = HttpResponse(status=204)
            away["HX-Redirect"] = f"{reverse('account_login')}?{page}"
            return away
        return redirect_to_login(request.get_full_path())

    return cast("Callable[Concatenate[HttpRequest, P], R | HttpResponse]", guarded)


def repository_for(request: SignedInRequest, slug: str, role: Role = Role.VIEWER) -> Repository:
    """Return the repository with its team.

    Raises:
        Http404: It does not exist, or not for this person.
        PermissionDenied: The person sees it, but has less than ``role`` in its team.
    """
    visible = Repository.objects.visible_to(request.user).select_related("team", "last_scan")
    repository = get_object_or_404(visible, slug=slug)
    if role is not Role.VIEWER and not request.user.may(role, repository.team):
        raise PermissionDenied(
            f"This needs the role {role.label.lower()} in the team {repository.team.name}; "
            "an owner of the team can give it."
        )
    return repository
