"""Checks of which layer logs: services tell what happened, routes and repositories do not."""

from __future__ import annotations

import re

from checks.check import Answer, At, One, Sites, Skip, check
from checks.facts import tree
from checks.project.layers import is_service_class
from checks.project.logs import LEVELS, LogCall
from checks.project.project import Project
from checks.project.subjects import Call, File, Function

_DOTTED = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+")
_CHANGES = frozenset(
    "create add update delete remove cancel complete pay send register approve reject publish "
    "import process".split()
)
_READS = frozenset({"get", "list", "find", "count", "exists"})
_COMMITS = frozenset({"commit", "flush"})
_UNITS = frozenset({"session", "db", "uow", "unit_of_work", "db_session", "async_session"})
_REPOSITORIES = frozenset({"repo", "repository", "crud", "dao", "repos", "repositories"})
_EMITS = frozenset({"emit", "publish", "dispatch", "log", "audit", "notify"})
_EVENTS = frozenset(
    "event events bus publisher dispatcher audit auditor signals log logger logging".split()
)
_THIN = 8


@check("layer-logging")
def layer_logging(project: Project, *, layer: str = "repositories") -> Answer:
    """Business events are logged in services, not in this layer.

    A route logs what the service logs anyway; a repository does not know why it was asked.

    Instead: log the event in the service, or drop the log call.

    Known problems: what a handler calls is not followed; a call whose level is a variable is
    judged by its event name only.
    """
    if not any(project.logs.calls(file) for file in project.production):
        return Skip("no log call")
    if layer == "routes":
        functions = [route.function for route in project.routes.handlers]
        functions = [each for each in functions if each.file.is_production]
    else:
        layers = project.layers
        functions = [
            function
            for file in project.production
            if file.path not in project.routes.modules
            for function in file.functions
            if layers.in_repository(function, file)
        ]
    found = [_logging(function, layer) for function in functions]
    return Sites(len(found), [at for at in found if at is not None])


def _logging(function: Function, layer: str) -> At | None:
    """The first log call of a function that does not belong into its layer."""
    for each in function.file.project.logs.of_function(function):
        if layer == "routes" and not _is_business(each):
            continue
        where = "The route handler" if layer == "routes" else "The repository's"
        text = f"{where} `{function.name}` logs at {each.method}"
        return At(
            each.call.line, text, path=function.path, symbol=function.symbol, anchor=each.method
        )
    return None


def _is_business(each: LogCall) -> bool:
    """At info or below, or with a dotted event name; in an except clause it adds context."""
    around = each.call.file.blocks_around(each.call.fact.block)
    if any(block.kind == "except" for _, block in around):
        return False
    event = tree.text_of(each.call.file.project.logs.message(each))
    if event is not None and _DOTTED.fullmatch(event):
        return True
    return each.level <= LEVELS["info"] and each.levelled


@check("services-log-events")
def services_log_events(function: Function, *, level: str = "any") -> One:
    """A service function that changes state leaves a record.

    The log then tells what happened, in order, without asking the database.

    Instead: log the event after the change, with the ids involved.

    Known problems: whether a function changes state is told from its name, its commits and the
    repository methods it calls; an event bus is followed only where its name or its code says
    that it logs or emits. A class method that returns an object of its own class is a constructor.
    """
    if not _is_service(function) or not _changes_state(function):
        return Skip("no public service function that changes state")
    if _logs(function, level) or _is_logged_from_outside(function) or _delegates(function, level):
        return None
    wanted = "" if level == "any" else f" at {level}"
    return At(function.line, f"`{function.name}` changes state and logs nothing{wanted}")


def _is_service(function: Function) -> bool:
    """A public function or method of the service layer that has a body."""
    if function.name.startswith("_") or function.fact.parent >= 0:
        return False
    cls = function.cls
    layers = function.file.project.layers
    if not (cls is not None and is_service_class(cls)) and (
        not layers.is_service_module(function.file)
    ):
        return False
    if function.fact.shape == "stub" or function.decorated_by("abc.abstractmethod"):
        return False
    if cls is None:
        return True
    role = function.file.project.classes.role(cls)
    return role not in {"protocol", "schema", "orm", "settings", "enum", "exception"}


def _verb(name: str) -> str:
    return name.lower().partition("_")[0]


def _changes_state(function: Function) -> bool:
    if _verb(function.name) in _CHANGES and not _is_constructor(function):
        return True
    reads = _verb(function.name) in _READS
    database = function.file.project.database
    for call in function.calls:
        if call.last in _COMMITS and (database.operation(call) or _holder(call) in _UNITS):
            return True
        if not reads and _verb(call.last) in _CHANGES and _is_repository(call):
            return True
    return False


def _is_constructor(function: Function) -> bool:
    """A class method that only makes an object of its own class: ``Diary.create(notes)``."""
    cls = function.cls
    if cls is None or not function.decorated_by("builtins.classmethod"):
        return False
    made = function.file.project.values.of_annotation(
        function.file, function.fact.returns, function
    )
    return made in {cls.key, "typing.Self"}


def _holder(call: Call) -> str:
    """Last name of what a method is called on, without underscores in front."""
    return tree.dotted(call.receiver).rpartition(".")[2].lstrip("_").lower()


def _is_repository(call: Call) -> bool:
    """Whether a call runs a method of a repository, by its class or by the name it goes by."""
    project = call.file.project
    target = project.names.function_named(call.name)
    if target is not None:
        return project.layers.in_repository(target, target.file)
    return _holder(call).rpartition("_")[2] in _REPOSITORIES


def _logs(function: Function, level: str) -> bool:
    """Whether a function, or one nested in it, logs or emits an event."""
    logs = function.file.project.logs
    levels = range(LEVELS[level], LEVELS["warning"]) if level != "any" else range(100)
    nested = _nested(function.file)
    inside = [function]
    for each in inside:
        inside += nested.get(each.index, ())
    if any(log.level in levels for each in inside for log in logs.of_function(each)):
        return True
    own = logs.calls(function.file)
    return any(_emits(call, levels) for call in function.calls if call.index not in own)


def _nested(file: File) -> dict[int, list[Function]]:
    """The functions in each function of a file, by its index; worked out once."""
    known: dict[int, list[Function]] | None = file.memo.get("nested functions")
    if known is None:
        known = file.memo["nested functions"] = {}
        for each in file.functions:
            if each.fact.parent >= 0:
                known.setdefault(each.fact.parent, []).append(each)
    return known


def _emits(call: Call, levels: range) -> bool:
    """Whether a call emits a domain event: ``events.publish(...)``, ``self.audit.info(...)``."""
    level = LEVELS.get(call.last)
    named = _verb(call.last) in _EMITS or call.last.endswith("_event")
    if call.name == "math.log" or not (named if level is None else level in levels):
        return False
    parts = {*_words(tree.dotted(call.receiver)), *_words(call.last)}
    if parts & _EVENTS:
        return True
    target = call.file.project.names.function_named(call.name)
    return target is not None and bool(call.file.project.logs.of_function(target))


def _words(text: str) -> list[str]:
    return text.lower().replace(".", "_").split("_")


def _is_logged_from_outside(function: Function) -> bool:
    """Whether a decorator of the project logs for the function."""
    project = function.file.project
    for each in function.fact.decorators:
        decorator = project.names.function_named(function.file.resolve(each.value))
        if decorator is None:
            continue
        nested = _nested(decorator.file)
        inside = [decorator]
        for inner in inside:
            inside += nested.get(inner.index, ())
        if any(project.logs.of_function(inner) for inner in inside):
            return True
    return False


def _delegates(function: Function, level: str) -> bool:
    """Whether a thin function leaves the work to one of the same service, which logs."""
    if function.fact.body_lines > _THIN:
        return False
    return any(
        target.file is function.file and target != function and _logs(target, level)
        for _, target in function.file.project.calls.callees(function)
    )
