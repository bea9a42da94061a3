"""Checks on route paths: their words, their versions, their order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from checks.check import At, Sites, check
from checks.facts.tree import Expr, text_of, walk
from checks.project.conditions import words
from checks.project.project import Project
from checks.project.routeorder import shadowed
from checks.project.routes import Endpoint, Route, is_infrastructure, segments
from checks.project.subjects import Function
from checks.rules.applies import has_routes

_VERSION = re.compile(r"v\d+")
_VERSIONING = frozenset({"fastapi_versioning", "fastapi_versionizer", "cadwyn"})
_SINGLETONS = frozenset(
    "api me profile status health auth admin config search settings self current account oauth "
    "internal public private".split()
)
_UNCOUNTABLE = frozenset(
    "news data metadata inventory weather staff media stock feedback people children men women "
    "criteria analytics information equipment content series species software hardware history "
    "traffic money progress support".split()
)
_VERBS = (
    "get", "fetch", "list", "read", "create", "add", "make", "new", "update", "edit", "modify",
    "change", "set", "delete", "remove", "destroy", "do", "process", "save", "find", "generate",
    "execute", "run",
)  # fmt: skip
_ACTIONS = (
    "login", "logout", "refresh", "register", "token", "search", "export", "import", "health",
    "ready", "live", "metrics", "me", "verify", "callback", "webhook", "upload", "download",
    "batch", "bulk",
)  # fmt: skip
_UNVERSIONED = (
    "/", "/health*", "/healthz", "/ready*", "/live*", "/metrics", "/ping", "/version", "/docs*",
    "/redoc*", "/openapi.json", "/static/*", "/favicon.ico", "/.well-known/*", "/admin*",
)  # fmt: skip
_HEADERS = frozenset({"deprecation", "sunset"})
_WRONG = {
    "nouns": "is named after an action instead of a resource",
    "plural": "names a collection in the singular",
    "shallow": "nests too deeply",
    "nested-relations": "puts a relation into a word instead of nesting it",
}


def _paths(project: Project) -> dict[str, list[tuple[Route, Endpoint]]]:
    """Every distinct route path with the handlers that serve it, in order of place."""
    found: dict[str, list[tuple[Route, Endpoint]]] = {}
    for route in project.routes.handlers:
        for each in route.endpoints:
            found.setdefault(each.path, []).append((route, each))
    return found


# Names ------------------------------------------------------------------------------------------


@check("rest-path-naming", applies=has_routes)
def rest_path_naming(
    project: Project,
    *,
    require: Sequence[str] = ("nouns",),
    max_depth: int = 2,
    verbs: Sequence[str] = _VERBS,
    actions: Sequence[str] = _ACTIONS,
) -> Sites:
    """Name paths after resources.

    The method says what is done; a path that says it again makes every client learn our verbs.

    Instead: name the resource (``POST /orders`` instead of ``/create_order``).

    Known problems: whether a word is singular is guessed from its ending.
    """
    found = []
    paths = _paths(project)
    for path, served in paths.items():
        parts = segments(path)
        for entry in require:
            match entry:
                case "nouns":
                    bad = _verb(parts, verbs, actions)
                case "plural":
                    bad = _singular(project, parts, served, actions)
                case "shallow":
                    depth = sum(b == "{}" and "{" not in a for a, b in pairwise(parts))
                    bad = path if depth > max_depth else ""
                case _:
                    bad = _flattened(parts)
            if bad:
                route = served[0][0]
                message = f"`{path}` {_WRONG.get(entry, entry)}: `{bad}`"
                found.append(_at(route, route.line, message, f"{entry}:{path}"))
    return Sites(len(paths) * len(require), found)


def _at(route: Route, line: int, message: str, anchor: str) -> At:
    return At(line, message, path=route.path, symbol=route.symbol, anchor=anchor)


def _verb(parts: Sequence[str], verbs: Sequence[str], actions: Sequence[str]) -> str:
    """The first segment that begins with a verb and is no accepted action."""
    for number, part in enumerate(parts):
        if "{" in part or part.lower() in actions:
            continue
        on_an_item = number == len(parts) - 1 and number > 0 and parts[number - 1] == "{}"
        first = words(part)[:1]
        if first and first[0] in verbs and not on_an_item:
            return part
    return ""


def _singular(
    project: Project,
    parts: Sequence[str],
    served: Iterable[tuple[Route, Endpoint]],
    actions: Sequence[str],
) -> str:
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        if "{" in part or _VERSION.fullmatch(part) or part.lower() in {*actions, *_SINGLETONS}:
            continue
        below_item = number > 0 and "{" in parts[number - 1]
        collection = not last and parts[number + 1] == "{}"
        if last and not below_item:
            collection = any(
                e.method == "POST" or (e.method == "GET" and project.lists.is_list(r))
                for r, e in served
            )
        name = words(part)
        if collection and name and name[0] != "by" and not _is_plural(name[-1]):
            return part
    return ""


def _is_plural(word: str) -> bool:
    if word in _UNCOUNTABLE or word.isdigit():
        return True
    return word.endswith("s") and not word.endswith(("ss", "us", "is"))


def _flattened(parts: Sequence[str]) -> str:
    """``/posts/by-user/{}`` and ``/user-posts/{}``."""
    for number, part in enumerate(parts[:-1]):
        name = words(part)
        if parts[number + 1] != "{}" or "{" in part:
            continue
        if number > 0 and name[:1] == ["by"] and len(name) == 2:
            return part
        if len(name) == 2 and name[0] in {"user", "account", "team"} and _is_plural(name[1]):
            return part
    return ""


# Versions ---------------------------------------------------------------------------------------


@check("api-versioned-path", applies=has_routes)
def api_versioned_path(
    project: Project,
    *,
    pattern: str = r"^(/[a-z0-9_-]+)*/v[0-9]+(/|$)",
    infrastructure: Sequence[str] = _UNVERSIONED,
) -> Sites:
    """Version the API in its path.

    Without a version no change can be made that breaks a client, however small.

    Instead: include the routers under ``/api/v1``.

    Known problems: paths with a prefix that only the environment knows are not judged, nor are
    routers that no application includes.
    """
    versioning = next((name for name in _VERSIONING if project.manifests.depends_on(name)), "")
    if versioning:
        route = project.routes.handlers[0]
        message = f"versions come from {versioning}, not from the path"
        return Sites(1, [_at(route, route.line, message, versioning)])
    wanted = re.compile(pattern)
    found, count = [], 0
    has_application = bool(project.routes.applications)
    for path, served in _paths(project).items():
        route, endpoint = served[0]
        if endpoint.partial or is_infrastructure(path, infrastructure):
            continue
        if has_application and not endpoint.mounted:
            continue
        count += 1
        if not wanted.search(path):
            line = (endpoint.registration.outer or endpoint.registration.call).line
            message = f"`{path}` carries no version"
            found.append(_at(route, line, message, path))
    return Sites(count, found)


@check("deprecated-version-marked", applies=has_routes)
def deprecated_version_marked(
    project: Project, *, require: Sequence[str] = ("deprecated-flag",)
) -> Sites:
    """Mark superseded API versions as deprecated.

    A client that is not told stays on the old version until it is switched off.

    Instead: give the old router ``deprecated=True`` and answer with a Deprecation header.

    Known problems: a header that a proxy adds is not seen.
    """
    newest: dict[tuple[str, str], int] = {}
    for route in project.routes.handlers:
        for each in route.endpoints:
            key, version = _unversioned(each)
            newest[key] = max(version, newest.get(key, -1))
    found, count = [], 0
    for route in project.routes.handlers:
        flagged = any(is_flagged(each) for each in route.endpoints)
        old = [e for e in route.endpoints if -1 < _unversioned(e)[1] < newest[_unversioned(e)[0]]]
        if not flagged and not old:
            continue
        for entry in require:
            count += 1
            if entry == "deprecated-flag":
                fine = all(is_flagged(each) for each in old)
                message = f"`{route.name}` is superseded and not deprecated=True"
            else:
                fine = sends_header(project, route)
                message = f"`{route.name}` is deprecated and sends no Deprecation header"
            if not fine:
                found.append(_at(route, route.line, message, entry))
    return Sites(count, found)


def _unversioned(endpoint: Endpoint) -> tuple[tuple[str, str], int]:
    """Method and path without its version, and the version (-1 for none)."""
    parts = segments(endpoint.path)
    for number, part in enumerate(parts):
        if _VERSION.fullmatch(part):
            rest = "/".join([*parts[:number], "v", *parts[number + 1 :]])
            return (endpoint.method, rest), int(part[1:])
    return (endpoint.method, "/".join(parts)), -1


def is_flagged(endpoint: Endpoint) -> bool:
    """Whether it is deprecated for OpenAPI on any level."""
    options = endpoint.registration.options(endpoint.chain, "deprecated")
    return any(given.value is True for given in options)


def sends_header(project: Project, route: Route) -> bool:
    """Whether the handler or what runs around it writes a Deprecation or Sunset header."""
    functions = [route.function]
    functions += [dep.function for dep in route.dependencies if dep.function is not None]
    functions += [each.function for each in project.routes.middleware if each.function is not None]
    return any(text in _HEADERS for function in functions for text in _texts(function))


def _texts(function: Function) -> Iterator[str]:
    """Every short text that a function's body writes, in lower case."""
    facts = function.file.facts
    exprs: list[Expr] = []
    for fact in facts.assigns:
        if fact.function == function.index:
            exprs += [*fact.targets, *([fact.value] if fact.value is not None else [])]
    exprs += [value for call in function.calls for value in call.fact.args]
    exprs += [s.value for s in function.statements if s.value is not None]
    for expr in exprs:
        for node in walk(expr, facts):
            text = text_of(node)
            if text is not None:
                yield text.lower()


# Order ------------------------------------------------------------------------------------------


@check("literal-path-before-parameter", applies=has_routes)
def literal_path_before_parameter(project: Project) -> Sites:
    """Declare literal paths before parameterised ones.

    The first route that matches wins: ``/items/{id}`` before ``/items/stats`` makes the second
    unreachable.

    Instead: move the literal path up.

    Known problems: the order of routes that different files add to one router is unknown; such
    pairs are left out.
    """
    pairs = list(shadowed(project.routes.handlers))
    found = []
    for hidden, hiding, wrong in pairs:
        if wrong:
            message = f"`{hidden.path}` is never reached: `{hiding.path}` is registered before it"
            function = hidden.registration.function
            anchor = f"{hidden.method} {hiding.path}"
            at = At(
                function.line, message, path=function.path, symbol=function.symbol, anchor=anchor
            )
            found.append(at)
    return Sites(len(pairs), found)
