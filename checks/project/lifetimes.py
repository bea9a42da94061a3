"""How often a function runs: for every request, or once, or when a worker or a command asks.

Answered by following callers upwards until something is known. A function that nobody is seen to
call is taken for one that runs per call, unless its name or place says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.conditions import words
from checks.project.given import Given, elements, source

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import Call, File, Function

_MOST = 400
_CACHES = frozenset(
    "lru_cache cache cached cachedmethod alru_cache singleton once cached_property run_once "
    "async_lru async_cache".split()
)
_JOBS = frozenset(
    "task shared_task actor job cron periodic_task scheduled_job repeat_every flow subscriber "
    "command callback on_after_configure worker_process_init cli dramatiq".split()
)
_OWNERS = frozenset("scheduler cron celery huey broker cli typer worker".split())
_JOB_PLACES = frozenset(
    "tasks workers worker jobs cron crons scheduler cli commands management celery celery_app "
    "celery_tasks".split()
)
_HANDED_TO_JOBS = frozenset(
    "add_job add_event_handler schedule do Thread Process Timer register signal cron".split()
)
_STARTERS = frozenset({"main", "run", "lifespan", "startup", "shutdown"})


class Lifetimes:
    """Tells what runs once from what runs again and again."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._known: dict[str, bool] = {}
        self._starting: dict[str, bool] = {}

    # What runs once -------------------------------------------------------------------------------

    @cached_property
    def lifespans(self) -> list[Function]:
        """Functions that run around the life of an application, and hooks of its ends."""
        found: dict[str, Function] = {}
        for file in self.project.production:
            for call in file.calls_named("FastAPI", "APIRouter", "Starlette", "FastMCP"):
                for name in ("lifespan", "on_startup", "on_shutdown"):
                    value = call.fact.keyword(name)
                    if value is not None:
                        found |= self._named(Given(file, value, call.function))
            for call in file.calls_named("add_event_handler"):
                if len(call.fact.args) > 1:
                    found |= self._named(Given(file, call.fact.args[1], call.function))
        for file in self.project.production:
            for function in file.functions:
                if self._is_hook(function):
                    found[function.key] = function
        return list(found.values())

    def _named(self, given: Given) -> dict[str, Function]:
        """The functions that an expression names: itself, items of a list, what a call returns."""
        found: dict[str, Function] = {}
        for each in elements(given) or [source(given)]:
            function = self.project.names.function_named(each.name)
            if function is None:
                continue
            found[function.key] = function
            if isinstance(each.expr, tree.CallRef):
                inner = (function.file.resolve(value, function) for value in function.returned)
                made = (self.project.names.function_named(name) for name in inner)
                found |= {made_one.key: made_one for made_one in made if made_one is not None}
        return found

    def _is_hook(self, function: Function) -> bool:
        """``@app.on_event("startup")``, or a context manager of an application or of that name."""
        for each in function.fact.decorators:
            last = _last(function.file, each.value)
            if last == "on_event":
                return True
            if last != "asynccontextmanager":
                continue
            if "lifespan" in function.name or _takes_application(function):
                return True
        return False

    @cached_property
    def _once(self) -> frozenset[str]:
        """Keys of what runs with the application: lifespans, hooks, factories."""
        found = {function.key for function in self.lifespans}
        for app in self.project.routes.applications:
            if app.call is not None and app.call.function is not None:
                found.add(app.call.function.key)
        return frozenset(found)

    def is_cached(self, function: Function) -> bool:
        """Whether a decorator keeps what a function returned."""
        return any(_last(function.file, each.value) in _CACHES for each in function.fact.decorators)

    def is_job(self, function: Function) -> bool:
        """Whether a worker, a scheduler or a command line runs a function."""
        for each in function.fact.decorators:
            last, owner = _last(function.file, each.value), _owner(function.file, each.value)
            if last in _JOBS or last.endswith("_trigger") or not _OWNERS.isdisjoint(words(owner)):
                return True
        return function.key in self._listed

    @cached_property
    def _listed(self) -> frozenset[str]:
        """Keys of functions in the lists of a worker's settings."""
        return frozenset(
            file.resolve(node)
            for file in self.project.production
            for cls in file.classes
            if cls.name.endswith("WorkerSettings")
            for fact in cls.attributes.values()
            for node in tree.walk(fact.value, file.facts)
            if isinstance(node, tree.Name)
        )

    # What runs per request ------------------------------------------------------------------------

    @cached_property
    def providers(self) -> frozenset[str]:
        """Canonical names of functions and classes that ``Depends`` is given."""
        return (
            frozenset(
                file.resolve(expr, call.function)
                for file in self.project.production
                for call in file.calls_named("Depends", "Security")
                for expr in (*call.fact.args[:1], call.fact.keyword("dependency"))
                if expr is not None
            )
            | self._annotated
        )

    @cached_property
    def _annotated(self) -> frozenset[str]:
        """Classes that handlers and providers ask for by a bare ``Depends()``."""
        return frozenset(
            dep.name for route in self.project.routes.handlers for dep in route.dependencies
        )

    @cached_property
    def _entries(self) -> frozenset[str]:
        """Keys of the functions that the framework calls for a request."""
        routes = self.project.routes
        found = {route.function.key for route in (*routes.handlers, *routes.sockets)}
        found |= {each.function.key for each in routes.exception_handlers}
        found |= {each.function.key for each in routes.middleware if each.function is not None}
        return frozenset(found) | self.providers

    def per_request(self, function: Function) -> bool:
        """Whether a function runs for every request or call, as far as its callers show."""
        known = self._known.get(function.key)
        if known is None:
            known = self._known[function.key] = self._climb(function)
        return known

    def at_start(self, function: Function) -> bool:
        """Whether only the start or the end of the application runs a function."""
        known = self._starting.get(function.key)
        if known is None:
            known = self._starting[function.key] = self._climb_to_start(function)
        return known

    def _climb_to_start(self, function: Function) -> bool:
        seen, queue, found = {function.key}, [function], False
        for each in queue:
            if each.key in self._once:
                found = True
                continue
            callers = list(self._above(each))
            if each.key in self._entries or not callers or len(queue) > _MOST:
                return False
            for caller in callers:
                if caller is None or self.is_job(caller):
                    return False
                if caller.key not in seen:
                    seen.add(caller.key)
                    queue.append(caller)
        return found

    def _climb(self, function: Function) -> bool:
        seen = {function.key}
        queue = [function]
        for each in queue:
            if self.is_cached(each) or each.key in self._once or self.is_job(each):
                continue
            if each.key in self._entries:
                return True
            above = list(self._above(each))
            if not above and self._runs_by_default(each):
                return True
            for caller in above:
                if caller is not None and caller.key not in seen and len(queue) < _MOST:
                    seen.add(caller.key)
                    queue.append(caller)
        return False

    def _above(self, function: Function) -> Iterator[Function | None]:
        """Who runs a function: its callers, who passes it on, what it is nested in.

        None stands for the body of a module, and for what runs jobs.
        """
        if function.parent is not None:
            yield function.parent
        for call in self.project.calls.callers(function):
            if call.function is None or call.function.key != function.key:
                yield call.function
        for call in self.handed.get(function.name, ()):
            names = (call.file.resolve(arg, call.function) for arg in call.arguments)
            if function.key in names:
                yield None if call.last in _HANDED_TO_JOBS else call.function

    @cached_property
    def handed(self) -> dict[str, list[Call]]:
        """Calls that pass a function on without calling it, by the name of the function."""
        names = {f.name for file in self.project.production for f in file.functions}
        found: dict[str, list[Call]] = {}
        for file in self.project.production:
            for index, fact in enumerate(file.facts.calls):
                for arg in (*fact.args, *(item.value for item in fact.keywords)):
                    last = arg.id.rpartition(".")[2] if isinstance(arg, tree.Name) else ""
                    if last in names:
                        found.setdefault(last, []).append(file.calls[index])
        return found

    def _runs_by_default(self, function: Function) -> bool:
        """Whether a function without a caller in sight is one that requests come to."""
        file = function.file
        if function.name in _STARTERS or function.name.startswith("__"):
            return False
        if file.stem in _JOB_PLACES or not _JOB_PLACES.isdisjoint(file.segments):
            return False
        return file.is_production


def _takes_application(function: Function) -> bool:
    """Whether the only parameter of a function is annotated as an application."""
    params = function.fact.params
    hint = params[0].annotation if len(params) == 1 else None
    kind = function.file.resolve(hint, function.parent) if hint is not None else ""
    return kind in {"fastapi.FastAPI", "starlette.applications.Starlette"}


def _func(file: File, expr: Expr) -> Expr:
    """What a decorator names: without its call."""
    return file.facts.calls[expr.index].func if isinstance(expr, tree.CallRef) else expr


def _last(file: File, decorator: Expr) -> str:
    return (
        file.resolve(decorator).rpartition(".")[2] or _written(file, decorator).rpartition(".")[2]
    )


def _owner(file: File, decorator: Expr) -> str:
    return _written(file, decorator).rpartition(".")[0]


def _written(file: File, decorator: Expr) -> str:
    func = _func(file, decorator)
    return func.attr if isinstance(func, tree.Attr) else tree.dotted(func)
