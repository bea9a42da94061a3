"""Checks on who may call what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from checks.check import Skip, check
from checks.project.project import Project
from checks.project.routes import Endpoint, Route, segments
from checks.rules.applies import has_routes

WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
PRIVATE = frozenset("user users account accounts admin admins".split())
SEARCHES = frozenset("search query filter find lookup".split())
EVERYWHERE = frozenset({"webhook*", "callback*", "health*", "metrics"})
"""Public globs that hold for every segment of a path, not only for the handler's own."""
_FORMS = frozenset(
    f"fastapi.security.{name}"
    for name in ("OAuth2PasswordRequestForm", "OAuth2PasswordRequestFormStrict")
)
PUBLIC = (
    "login*", "log-in", "signin", "sign-in", "logout", "log-out", "token", "refresh*", "register",
    "signup", "sign-up", "auth*", "otp*", "password-reset*", "forgot-password", "verify*",
    "webhook*", "callback*", "health*", "metrics", "contact", "newsletter",
)  # fmt: skip


def _has_authentication(project: Project) -> str | None:
    return None if project.authentication.exists else "no authentication dependency"


@check("routes-authenticated", applies=(has_routes, _has_authentication))
def routes_authenticated(
    route: Route, *, via: str = "any", public: Sequence[str] = PUBLIC
) -> str | Skip | None:
    """Protect endpoints by an authentication dependency.

    A forgotten dependency is the commonest hole of an API: nothing fails, everything is open.

    Instead: add ``Depends(get_current_user)`` to the handler, router or include_router.

    Known problems: a provider of a library is judged by its name. A handler that takes FastAPI's
    form of user name and password is a login, whatever its path is called.
    """
    guarded = [each for each in route.endpoints if _is_site(each, public)]
    if not guarded or any(dep.name in _FORMS for dep in route.dependencies):
        return Skip("public, or reads nobody's data")
    authentication = route.file.project.authentication
    if authentication.protects(route) or authentication.rejecting_middleware:
        return None
    if authentication.checks_itself(route):
        if via == "any":
            return None
        return f"`{route.name}` checks the credential itself instead of depending on it"
    each = guarded[0]
    return f"`{route.name}` ({each.method} {each.path}) depends on no authentication"


def _is_site(endpoint: Endpoint, public: Sequence[str]) -> bool:
    parts = [part for part in segments(endpoint.path.lower()) if "{" not in part]
    private = not PRIVATE.isdisjoint(parts)
    if endpoint.method not in WRITING and not (endpoint.method == "GET" and private):
        return False
    if endpoint.method == "POST" and parts and parts[-1] in SEARCHES and not private:
        return False
    return not any(
        fnmatchcase(part, glob)
        for glob in public
        for part in (parts if glob in EVERYWHERE else _own(endpoint, parts))
    )


def _own(endpoint: Endpoint, parts: Sequence[str]) -> Iterator[str]:
    """Literal segments of the handler's own path, or the last of the prefix without one."""
    own = segments((endpoint.registration.own_path or "").lower())
    if own:
        yield from (part for part in own if "{" not in part)
    elif parts:
        yield parts[-1]
