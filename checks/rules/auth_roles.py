"""Checks of what people may do once they are known."""

from __future__ import annotations

from checks.check import Skip, check
from checks.project.project import Project
from checks.project.routes import Endpoint, Route, segments
from checks.rules.applies import has_routes

_GUARDED = frozenset("admin admins administration management internal".split())
_OWN = frozenset("me self my mine current profile account".split())
_PUBLIC = frozenset(
    "login logout token refresh signin sign-in signout register signup health metrics".split()
)


def knows_roles(project: Project) -> str | None:
    """Roles, permissions or scopes in the code, or paths below an admin segment."""
    if project.authentication.rights.exist:
        return None
    admin = any("admin" in segments(p.lower()) for r in project.routes.handlers for p in r.paths)
    return None if admin else "no roles, permissions or scopes"


@check("rbac-enforced", applies=(has_routes, knows_roles))
def rbac_enforced(route: Route) -> str | Skip | None:
    """Who may administrate or delete is checked before it is done.

    To be logged in is not to be allowed: without a check of the role or of the owner everybody
    may delete what belongs to everybody.

    Instead: add a role or permission dependency to the handler or router.

    Known problems: a right is known by the names it is asked for. A handler that hands the
    current user to what cannot be followed is taken to check; login, logout and health endpoints
    below an admin segment are no sites.
    """
    guarded = [each for each in route.endpoints if _is_site(each)]
    if not guarded:
        return Skip("neither administrates nor deletes what is another's")
    if route.file.project.authentication.rights.enforced(route):
        return None
    each = guarded[0]
    return f"`{route.name}` ({each.method} {each.path}) checks no role, permission or owner"


def _is_site(endpoint: Endpoint) -> bool:
    parts = [part for part in segments(endpoint.path.lower()) if "{" not in part]
    if parts and parts[-1] in _PUBLIC:
        return False
    if not _GUARDED.isdisjoint(parts):
        return True
    return endpoint.method == "DELETE" and _OWN.isdisjoint(parts)
