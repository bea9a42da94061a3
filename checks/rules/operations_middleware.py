"""Checks of the middleware that stands around the handlers of an application."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from checks.check import At, Skip, check
from checks.facts import tree
from checks.project.given import Given, argument, source
from checks.project.hooks import Middleware
from checks.project.project import Project
from checks.project.subjects import Function


class _Kind(msgspec.Struct, frozen=True):
    """What shows that a kind of middleware is there.

    Attributes:
        what: What it is, for people.
        name: Names of middleware classes that are one.
        texts: Literals in the body of a middleware that is one.
        calls: Last names of calls in the body of a middleware that is one.
        proxy: Configuration of a reverse proxy that does the same.
        server: Options of the Python server that do the same.
    """

    what: str
    name: re.Pattern[str]
    texts: re.Pattern[str] | None = None
    calls: frozenset[str] = frozenset()
    proxy: re.Pattern[str] | None = None
    server: re.Pattern[str] | None = None


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


_KINDS = {
    "cors": _Kind(
        "middleware for CORS",
        _pattern("cors"),
        _pattern("access-control-allow-origin"),
        proxy=_pattern(r"access-control-allow-origin|accesscontrolalloworigin|enable-cors"),
    ),
    "gzip": _Kind(
        "middleware that compresses responses",
        _pattern("gzip|brotli|compress|zstd"),
        proxy=_pattern(r"\bgzip\s+on|\bbrotli\s+on|\bencode\s+.*(?:gzip|zstd)|'compress'|\.compress=|use-gzip"),
    ),
    "request-timeout": _Kind(
        "middleware that ends long requests",
        _pattern("timeout"),
        calls=frozenset({"timeout", "wait_for", "fail_after", "move_on_after", "timeout_at"}),
        proxy=_pattern(
            r"proxy_read_timeout|proxy-read-timeout|uwsgi_read_timeout|responseheadertimeout"
            r"|readtimeout|response_header_timeout|read_timeout"
        ),
        server=_pattern(r"gunicorn[^\n]*\s(?:--timeout|-t)[\s=]"),
    ),
    "request-size-limit": _Kind(
        "middleware that limits the size of requests",
        _pattern(r"size|limit\w*(?:upload|body|content)|(?:upload|body|content)\w*limit|maxbody"),
        _pattern("content-length"),
        proxy=_pattern(
            r"client_max_body_size|proxy-body-size|maxrequestbodybytes|request_body"
        ),
        server=_pattern(r"--limit-request-body|--h11-max-incomplete"),
    ),
    "csrf": _Kind("middleware against CSRF", _pattern("csrf|xsrf"), _pattern("csrf|xsrf")),
    "request-logging": _Kind(
        "middleware that logs requests",
        _pattern(r"(?:access|request|http|audit|api)\w*log(?!in)|logging|logger|log_?request"),
        proxy=_pattern(r"\baccess_log\s+(?!off)|\baccesslog\b"),
        server=_pattern(r"--access-logfile|--access-log-format"),
    ),
}  # fmt: skip


def has_web_application(project: Project) -> str | None:
    """A FastAPI or Starlette application."""
    if project.routes.handlers or project.routes.applications:
        return None
    served = any(app.kind in {"fastapi", "starlette"} for app in project.entrypoints.web)
    return None if served else "no FastAPI or Starlette application"


@check("app-middleware", each="kinds", applies=has_web_application)
def app_middleware(
    project: Project, kind: str, *, kinds: Sequence[str] = ("cors",), timeout_seconds: int = 0
) -> At | Skip | None:
    """What every request needs is done once, around all handlers.

    What each handler has to remember by itself is missing in the one that was written in a hurry.

    Instead: register the middleware on the application, or configure the committed reverse proxy.

    Known problems: middleware of a library is known by its name. A proxy whose configuration
    lies in another repository is not seen; any proxy that is configured here is taken for one
    that stands before the application.
    """
    asked = _KINDS[kind]
    if kind == "csrf" and not _uses_cookies(project):
        return Skip("no cookie is set, and none authenticates")
    known = list(_registered(project, kind, asked))
    held = known or any(_is_configured(project, asked)) or _as_dependency(project, kind)
    path, line = _application(project)
    if not held:
        return At(line, f"The application has no {asked.what}", path=path, anchor=kind)
    if kind == "request-timeout" and timeout_seconds:
        found = {each for item in known for each in _seconds(item)}
        if found and timeout_seconds not in found:
            least = min(found)
            text = f"Requests end after {least:g} seconds, not {timeout_seconds}"
            place = known[0].call
            return At(place.line, text, path=place.path, anchor=kind, measured=f"{least:g} s",
                      limit=f"{timeout_seconds} s")  # fmt: skip
    return None


def _application(project: Project) -> tuple[str, int]:
    """Where the application is constructed that is served: the one that others are mounted on."""
    apps = [app for app in project.routes.applications if app.call and app.file.is_production]
    tops = [app for app in apps if not app.hops] or apps
    if tops:
        app = min(tops, key=lambda each: (each.file.name not in {"main.py", "app.py"}, each.path))
        return app.path, app.line
    web = project.entrypoints.web
    if web:
        return web[0].path, web[0].line
    handlers = project.routes.handlers
    return (handlers[0].path, 0) if handlers else ("", 0)


def _registered(project: Project, kind: str, asked: _Kind) -> Iterator[Middleware]:
    """The registrations of middleware of a kind."""
    for each in project.routes.middleware:
        last = each.name.rpartition(".")[2]
        own = each.function is not None
        does = _logs if kind == "request-logging" else _does
        if asked.name.search(last) or (own and does(project, each.function, asked)):
            yield each


def _logs(project: Project, function: Function | None, _: _Kind) -> bool:
    """Whether a middleware logs what it lets through, not only what goes wrong."""
    for each in project.calls.reachable(function, 1) if function is not None else {}:
        for logged in project.logs.of_function(each):
            call = logged.call
            around = call.file.blocks_around(call.fact.block)
            if not any(block.kind == "except" for _, block in around):
                return True
    return False


def _does(project: Project, function: Function | None, asked: _Kind) -> bool:
    """Whether the body of a middleware does what its kind does."""
    for each in project.calls.reachable(function, 1) if function is not None else {}:
        if any(call.last in asked.calls for call in each.calls):
            return True
        if asked.texts is not None and any(map(asked.texts.search, _texts(each))):
            return True
    return False


def _texts(function: Function) -> Iterator[str]:
    """The literals in a function, keys that it assigns to included."""
    facts = function.file.facts
    places = function.file.tables.expressions.get(function.index, ())
    exprs = [place.expr for place in places]
    exprs += [target for row in function.assigns for target in row.targets]
    for expr in exprs:
        for node in tree.walk(expr, facts):
            text = tree.text_of(node)
            if text is not None:
                yield text


def _is_configured(project: Project, asked: _Kind) -> Iterator[bool]:
    """Whether a proxy, or the server, is configured to do it."""
    if asked.proxy is not None:
        yield asked.proxy.search(project.proxies.text) is not None
    if asked.server is not None:
        yield asked.server.search(project.proxies.server) is not None


def _as_dependency(project: Project, kind: str) -> bool:
    """A token against CSRF that a dependency asks for."""
    if kind != "csrf":
        return False
    return any(
        "csrf" in f"{dep.name} {dep.type}".lower() or "xsrf" in dep.name.lower()
        for route in project.routes.handlers
        for dep in route.dependencies
    )


def _uses_cookies(project: Project) -> bool:
    """Whether cookies are set, or a security scheme reads one."""
    if any(each.name.endswith("SessionMiddleware") for each in project.routes.middleware):
        return True
    return any(
        call.last == "set_cookie" or call.name == "fastapi.security.APIKeyCookie"
        for file in project.production
        for call in file.calls_named("set_cookie", "APIKeyCookie")
    ) or project.manifests.imports("fastapi_users.authentication.transport.cookie")


def _seconds(each: Middleware) -> Iterator[float]:
    """The lengths of time that a middleware is given, or uses."""
    names = ("timeout", "timeout_seconds", "request_timeout", "seconds", "delay")
    given = argument(each.call, names)
    if given is not None:
        yield from _number(given)
    function = each.function
    for call in function.calls if function is not None else ():
        if call.last in {"wait_for", "timeout", "fail_after", "move_on_after"}:
            value = call.arg(1 if call.last == "wait_for" else 0, "timeout")
            if value is not None:
                yield from _number(Given(call.file, value, function))


def _number(given: Given) -> Iterator[float]:
    value = source(given).value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        yield float(value)
