"""Check of the headers that tell browsers what not to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from checks.check import At, Skip, check
from checks.facts import tree
from checks.project.project import Project

_HEADERS = (
    "Strict-Transport-Security", "X-Content-Type-Options", "X-Frame-Options",
    "Content-Security-Policy",
)  # fmt: skip
_LIBRARIES = ("secure", "secweb", "Secweb", "flask_talisman", "talisman", "secure_headers",
              "starlette_secure_headers", "fastapi_security_headers", "starlette_csp",
              "flask_security_headers")  # fmt: skip
_ALSO: Mapping[str, tuple[str, ...]] = {
    "x-frame-options": ("frame-ancestors",),
}
_PROXY: Mapping[str, tuple[str, ...]] = {
    "strict-transport-security": ("stsseconds", "hsts"),
    "x-content-type-options": ("contenttypenosniff",),
    "x-frame-options": ("framedeny", "customframeoptionsvalue", "frame-ancestors"),
    "content-security-policy": ("contentsecuritypolicy",),
}
_DJANGO: Mapping[str, tuple[str, ...]] = {
    "strict-transport-security": ("SECURE_HSTS_SECONDS",),
    "content-security-policy": ("CSP_DEFAULT_SRC", "CONTENT_SECURITY_POLICY", "SECURE_CSP"),
}
_DJANGO_MIDDLEWARE: Mapping[str, str] = {
    "x-content-type-options": "django.middleware.security.SecurityMiddleware",
    "x-frame-options": "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "content-security-policy": "csp.middleware.CSPMiddleware",
}


@check("security-headers", each="headers")
def security_headers(
    project: Project, header: str, *, headers: Sequence[str] = _HEADERS
) -> At | Skip | None:
    """Every response carries the security headers.

    They keep browsers from guessing types, from framing the page and from unencrypted requests.

    Instead: a middleware that sets the header on every response.

    Known problems: a middleware counts when the name of the header stands in it, in its class, in
    a constant that it names, or in what it calls. A library that is made for these headers counts
    for all of them. What a gateway outside the repository adds cannot be seen.
    """
    applications = project.entrypoints.web
    if not applications:
        return Skip("no web application")
    name = header.lower()
    around = project.surroundings
    if around.says(name, *_ALSO.get(name, ())) or _by_library(project):
        return None
    proxies = project.proxies.text.lower()
    if any(word in proxies for word in (name, *_PROXY.get(name, ()))) or _in_django(project, name):
        return None
    first = applications[0]
    text = f"No middleware or proxy sets `{header}` on all responses"
    return At(first.line, text, path=first.path, anchor=header)


def _by_library(project: Project) -> bool:
    return any(
        row.fact.level == 0 and row.fact.module.partition(".")[0] in _LIBRARIES
        for file in project.production
        for row in file.imports
        if project.layout.split(row.target) is None
    )


def _in_django(project: Project, name: str) -> bool:
    """Whether Django's settings switch a header on."""
    middleware = _DJANGO_MIDDLEWARE.get(name)
    for file in project.production:
        rows = file.tables.assigns_to
        if any(setting in rows for setting in _DJANGO.get(name, ())):
            return True
        for row in rows.get("MIDDLEWARE", ()):
            if any(tree.text_of(node) == middleware for node in tree.walk(row.value)):
                return True
    return False
