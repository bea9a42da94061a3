"""Checks of how a service says to its clients that they have to prove who they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from checks.check import At, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.authentication import SECURITY_CLASSES, is_auth_name
from checks.project.conditions import words
from checks.project.given import Given, argument
from checks.project.project import Project
from checks.project.subjects import Call, File, Function
from checks.project.tokens import decodes
from checks.rules.applies import has_application

_BASES = SECURITY_CLASSES | {"fastapi.security.base.SecurityBase"}
_LIBRARIES = (
    "fastapi_users", "fastapi_azure_auth", "authx", "fastapi_keycloak", "fastapi_jwt_auth",
    "fastapi_jwt", "fastapi_login", "fastapi_auth0", "fastapi_cloudauth", "fief_client",
    "fastapi_another_jwt_auth", "fastapi_security", "fastapi_cognito", "async_fastapi_jwt_auth",
    "fastapi_keycloak_middleware", "propelauth_fastapi", "fastapi_clerk_auth", "fastapi_msal",
)  # fmt: skip
_CREDENTIAL = re.compile(
    r"authorization|proxy-authorization|token|bearer"
    r"|(?:x-)?(?:api|auth|access|admin|secret|service|internal)-?(?:api-?)?(?:key|token)"
)
_PERSONS = frozenset("user users account admin member customer superuser client actor".split())
_READERS = frozenset({"get_authorization_scheme_param"})
_LEVELS = 4
_SESSIONS = frozenset({"session", "cookies"})


@check("auth-scheme-declared", applies=has_application)
def auth_scheme_declared(project: Project, *, schemes: Sequence[str] = ()) -> At | Skip | None:
    """Credentials are read by a security class, so that they are part of the API's description.

    A header read by hand is in no documentation, and each reader splits and trims it differently.

    Instead: use ``OAuth2PasswordBearer`` or another security class in the authentication
    dependency.

    Known problems: a library that brings its own scheme satisfies any list of schemes. Cookies
    and sessions are credentials only where a dependency named like ``get_current_user`` reads
    them.
    """
    used = list(_schemes(project))
    wanted = {f"fastapi.security.{name}" for name in schemes} or _BASES
    if any(wanted & names for _, names in used) or project.manifests.imports(*_LIBRARIES):
        return None
    place = next(_reads(project), None)
    if place is None and used:
        place = used[0][0].file, used[0][0].line
    if place is None:
        return Skip("no credential is read")
    file, line = place
    asked = " or ".join(schemes) or "a security class of FastAPI"
    return At(line, f"The credential is read without {asked}", path=file.path, anchor="scheme")


# Schemes ------------------------------------------------------------------------------------------


def _schemes(project: Project) -> Iterator[tuple[Call, set[str]]]:
    """Security classes that dependencies use: where each is constructed, with its classes."""
    classes = project.classes.by_key.values()
    own = {cls.key: set(cls.ancestors) & _BASES for cls in classes if cls.inherits(*_BASES)}
    lasts = {name.rpartition(".")[2] for name in (*_BASES, *own)}
    for file in project.production:
        spelled = {row.alias for row in file.facts.imports if row.alias and row.name in lasts}
        for call in file.calls_named(*sorted(lasts | spelled)):
            name = file.resolve(call.fact.func, call.function)
            if name in _BASES:
                yield call, {name}
            elif name in own:
                yield call, own[name]


# Reading of credentials ---------------------------------------------------------------------------


def _reads(project: Project) -> Iterator[tuple[File, int]]:
    """Where a credential is read, the surest places first."""
    for file in project.production:
        yield from ((file, line) for line in sorted({*_headers(file), *_parameters(file)}))
    named = [function for function in _dependencies(project) if _is_named(function)]
    for function in named:
        for reached in project.calls.reachable(function, _LEVELS):
            yield from ((reached.file, line) for line in _session_reads(reached))
    for file in project.production:
        yield from ((file, call.line) for call in decodes(file))
    yield from ((function.file, function.line) for function in named)


def _dependencies(project: Project) -> Iterator[Function]:
    """First-party functions that ``Depends`` receives."""
    for name in sorted(project.lifetimes.providers):
        function = project.names.function_named(name) if name else None
        if function is not None and function.file.is_production:
            yield function


def _is_named(function: Function) -> bool:
    """Named like ``get_current_user``."""
    found = set(words(function.name))
    if "current" in found and not _PERSONS.isdisjoint(found):
        return True
    return is_auth_name(function.name) and not found.isdisjoint(
        {"auth", "authenticate", "authenticated", "jwt", "bearer", "apikey", "authorization"}
    )


def _headers(file: File) -> Iterator[int]:
    """``request.headers["Authorization"]``, ``request.headers.get("x-api-key")``."""
    for call in file.calls_named("get", "getlist", *_READERS):
        if call.last in _READERS or (_reads_header(call) and not _answers(call)):
            yield call.line
    if "headers" not in file.facts.attributes:
        return
    for places in file.tables.expressions.values():
        for place in places:
            for node in tree.walk(place.expr, file.facts):
                if isinstance(node, tree.Item) and _is_header(node):
                    yield place.line


def _is_header(item: tree.Item) -> bool:
    return _is_of(item.value, {"headers"}) and _is_credential(tree.text_of(item.index))


def _reads_header(call: Call) -> bool:
    name = tree.text_of(call.fact.args[0]) if call.fact.args else None
    return _is_of(call.receiver, {"headers"}) and _is_credential(name)


def _is_of(expr: Expr | None, names: set[str]) -> bool:
    """Whether an expression ends in one of some attributes, of anything."""
    if isinstance(expr, tree.Attr):
        return expr.attr in names
    head, dot, last = tree.dotted(expr).rpartition(".")
    return bool(dot and head) and last in names


def _answers(call: Call) -> bool:
    """Whether the headers are those of another service's answer."""
    return not {"response", "resp", "res"}.isdisjoint(words(tree.dotted(call.receiver)))


def _parameters(file: File) -> Iterator[int]:
    """``authorization: str = Header()``, by the name or the alias of the parameter."""
    marks = {
        call.index: call
        for call in file.calls_named("Header")
        if file.resolve(call.fact.func).startswith("fastapi.")
    }
    if not marks:
        return
    for function in file.facts.functions:
        for param in function.params:
            for node in (*tree.walk(param.default), *tree.walk(param.annotation)):
                if isinstance(node, tree.CallRef) and node.index in marks:
                    alias = argument(marks[node.index], ("alias",))
                    given = None if alias is None else alias.text
                    if _is_credential(given or param.name.strip("_")):
                        yield param.line


def _is_credential(name: str | None) -> bool:
    text = (name or "").lower().replace("_", "-")
    return _CREDENTIAL.fullmatch(text.removeprefix("x-")) is not None


def _session_reads(function: Function) -> Iterator[int]:
    """Lines on which a function reads the session or cookies of a request."""
    file = function.file
    for place in file.tables.expressions.get(function.index, ()):
        for node in tree.walk(place.expr, file.facts):
            if isinstance(node, tree.Item) and _is_of(node.value, set(_SESSIONS)):
                yield place.line
            elif isinstance(node, tree.CallRef):
                call = file.calls[node.index]
                if call.last == "get" and _is_of(call.receiver, set(_SESSIONS)):
                    given = Given(file, call.receiver or node, function)
                    if not file.type_of(given.expr, function).startswith("sqlalchemy."):
                        yield call.line
