"""Rate limiters: libraries and code of our own, and what they are attached to."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from checks.facts import tree
from checks.project.conditions import words
from checks.project.given import Given, source
from checks.project.once import once
from checks.project.responses import number

if TYPE_CHECKING:
    from checks.project.dependencies import Dependency
    from checks.project.project import Project
    from checks.project.routes import Route
    from checks.project.subjects import Call, Function

SLOWAPI = frozenset({"slowapi.Limiter", "slowapi.extension.Limiter"})
_FLASK = frozenset({"flask_limiter.Limiter", "flask_limiter.extension.Limiter"})
_LIBRARIES = (
    "fastapi_limiter", "pyrate_limiter", "fastapi_throttle", "ratelimit", "asgi_ratelimit",
    "django_ratelimit", "throttled", "fastapi_advanced_rate_limiter", "aiolimiter_fastapi",
    "limits", "fastapi_simple_rate_limiter", "upstash_ratelimit",
)  # fmt: skip
_EXCEEDED = "RateLimitExceeded"
_DECORATORS = frozenset({"limit", "shared_limit"})
_NAMED = ({"rate", "limit"}, {"rate", "limited"}, {"rate", "limiter"}, {"rate", "limiting"},
          {"rate", "limits"})  # fmt: skip
_ALONE = frozenset({"throttle", "throttled", "throttling", "throttler", "ratelimit", "ratelimiter",
                    "ratelimited", "limiter"})  # fmt: skip
_TOO_MANY = 429
_LEVELS = 2


class Limiters:
    """The rate limiters of a project."""

    def __init__(self, project: Project) -> None:
        self.project = project

    @cached_property
    def constructed(self) -> list[Call]:
        """Constructions of the limiters of slowapi and Flask-Limiter."""
        return [
            call
            for file in self.project.production
            for call in _calls_of(file.facts, file.calls)
            if call.name in SLOWAPI | _FLASK
        ]

    @cached_property
    def is_attached(self) -> bool:
        """Whether a limiter of any kind works on some request."""
        if self._wired or self.in_middleware or self._by_library:
            return True
        return any(self.limits(route) for route in self.project.routes.handlers)

    @cached_property
    def _wired(self) -> bool:
        """Whether a constructed limiter is handed to an application, or decorates something."""
        if not self.constructed:
            return False
        if any(name.endswith(f".{_EXCEEDED}") for name in self.project.routes.hooks.handled):
            return True
        if any(call.name in _FLASK for call in self.constructed):
            return True
        return any(
            tree.dotted(target).endswith("state.limiter")
            for file in self.project.production
            for row in file.facts.assigns
            for target in row.targets
        )

    @cached_property
    def in_middleware(self) -> bool:
        """Whether a middleware answers 429, or a library's limits."""
        for each in self.project.routes.middleware:
            last = words(each.name.rpartition(".")[2])
            if self.project.layout.split(each.name) is None and (
                "slow" in last or is_limiter_name("_".join(last))
            ):
                return True
        return any(self.refuses(each) for each in self.project.surroundings.reached)

    @cached_property
    def _by_library(self) -> bool:
        """Whether the limiter of a library is started or asked."""
        return any(
            row.fact.level == 0 and row.fact.module.partition(".")[0] in _LIBRARIES
            for file in self.project.production
            for row in file.imports
            if self.project.layout.split(row.target) is None
        )

    # One handler ----------------------------------------------------------------------------------

    def limits(self, route: Route) -> bool:
        """Whether a handler has a limit of its own: decorator, dependency, or in its body."""
        return (
            self.is_decorated(route)
            or any(self._is_limit(dep) for dep in route.dependencies)
            or self._asks(route.function)
        )

    def is_decorated(self, route: Route) -> bool:
        """Whether a limiter (or an exemption from one) stands below its route decorator."""
        function = route.function
        registering = {each.call.index for each in route.registrations if each.file is route.file}
        below = False
        for each in function.fact.decorators:
            expr = each.value
            if isinstance(expr, tree.CallRef) and expr.index in registering:
                below = True
            elif (below or not registering) and self._is_decorator(route, expr):
                return True
        return False

    def _is_decorator(self, route: Route, expr: tree.Expr) -> bool:
        file, scope = route.file, route.function.parent
        func = file.facts.calls[expr.index].func if isinstance(expr, tree.CallRef) else expr
        name = self.project.values.callee_of(file, func, scope) or file.resolve(func, scope)
        owner, _, last = name.rpartition(".")
        if last in _DECORATORS | {"exempt"}:
            text = owner.rpartition(".")[2]
            return owner in SLOWAPI | _FLASK or is_limiter_name(text)
        if is_limiter_name(last):
            return True
        made = self.project.names.function_named(name) if name else None
        return made is not None and any(call.last in _DECORATORS for call in made.calls)

    def _is_limit(self, dep: Dependency) -> bool:
        names = [dep.name, dep.type]
        if dep.maker is not None:
            names.append(dep.maker.name)
        if any(is_limiter_name(name.rpartition(".")[2]) for name in names if name):
            return True
        return dep.function is not None and self.refuses(dep.function)

    def _asks(self, function: Function) -> bool:
        """Whether the body asks a limiter of our own that refuses."""
        for call in function.calls:
            owner, _, last = call.name.rpartition(".")
            texts = (last or call.last, owner.rpartition(".")[2], tree.dotted(call.receiver))
            if any(is_limiter_name(text.rpartition(".")[2]) for text in texts if text):
                return True
        return False

    def refuses(self, function: Function) -> bool:
        """Whether a function, or what it calls, answers 429."""
        reached = self.project.calls.reachable(function, _LEVELS)
        return any(_TOO_MANY in self.statuses(each) for each in reached)

    @once
    def statuses(self, function: Function) -> set[int]:
        """Statuses that a function raises or answers with, as far as they are known."""
        found: set[int] = set()
        for raised in function.raises:
            if raised.fact.exc is not None:
                found |= set(_status(source(Given(raised.file, raised.fact.exc, function))))
        for answer in self.project.routes.responses.answers(function):
            status = number(answer.status)
            if status is not None:
                found.add(status)
        for call in function.calls:
            if call.fact.keyword("status_code") is not None or call.last == "abort":
                found |= set(_status(Given(call.file, tree.CallRef(call.index), function)))
        return found


def is_limiter_name(name: str) -> bool:
    """Whether a name says that it limits rates: ``RateLimiter``, ``throttle``."""
    found = set(words(name))
    return not found.isdisjoint(_ALONE) or any(each <= found for each in _NAMED)


def _status(given: Given) -> Iterator[int]:
    """The status in ``HTTPException(429)``, ``JSONResponse(..., status_code=429)``."""
    if not isinstance(given.expr, tree.CallRef):
        return
    call = given.file.calls[given.expr.index]
    if is_limiter_name(call.last) or "toomanyrequests" in call.last.lower():
        yield _TOO_MANY
    value = call.fact.keyword("status_code") or next(iter(call.fact.args), None)
    if value is not None:
        status = number(given.at(value).value)
        if status is not None:
            yield status


def _calls_of(facts: tree.PyFacts, calls: list[Call]) -> list[Call]:
    """Calls of a file that imports a limiter's library."""
    names = {row.module.partition(".")[0] for row in facts.imports if not row.level}
    return calls if names & {"slowapi", "flask_limiter"} else []
