"""Checks of how an application begins and ends."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.doctree import Instruction
from checks.project.given import Given
from checks.project.project import Project
from checks.project.resources import Resource
from checks.project.routers import Router
from checks.project.subjects import Call, File, Function
from checks.rules.applies import has_application

_EVENTS = frozenset({"startup", "shutdown"})
_WORKERS = frozenset("celery celery_app worker workers tasks celery_tasks".split())
_FRAMEWORK = ("fastapi.", "starlette.")
_SERVERS = re.compile(
    r"(?:^|[\s/\"'])(?:uvicorn|gunicorn|hypercorn|granian|daphne|uwsgi|waitress-serve|flask\s+run"
    r"|fastapi\s+(?:run|dev)|python[\d.]*\s+-?\S+)(?=[\s\"']|$)"
)
_NO_SERVERS = re.compile(r"manage\.py\s+(?!runserver)\w+|\bcelery\b|\b(?:pytest|alembic)\b[^&;|]*$")
_INITS = re.compile(r"(?:tini|dumb-init|catatonit|s6-svscan|/init)\b")
_EXEC = re.compile(r"(?:^|[;&|({\s])exec\s")


# lifespan-events ----------------------------------------------------------------------------------


@check("lifespan-events", applies=has_application)
def lifespan_events(project: Project) -> Answer:
    """What an application opens and closes stands in one lifespan.

    Start-up and shutdown hooks are deprecated, know nothing of each other, and leave open what
    the other one was to close.

    Instead: write an asynccontextmanager and pass it as ``FastAPI(lifespan=...)``.

    Known problems: an application with hooks is judged by its hooks alone. Of several
    applications the first owns what modules open on import.
    """
    hooks = sorted(_hooks(project), key=lambda at: (at.path, at.line))
    opened = [
        each
        for each in project.resources.all
        if each.kind not in {"engine", "background task"} and not _in_worker(each.call.file)
    ]
    apps = [app for app in project.routes.applications if app.call and app.file.is_production]
    if not apps or not opened or hooks:
        return Sites(len(hooks) + bool(apps and opened), hooks)
    if any(app.option("lifespan") is not None for app in apps) or project.lifetimes.lifespans:
        return Sites(1)
    app, first = _outermost(apps), opened[0]
    text = f"The application keeps a {first.kind} (`{first.name}`) open and has no lifespan"
    return Sites(1, [At(app.line, text, path=app.path, anchor="lifespan")])


def _outermost(apps: Sequence[Router]) -> Router:
    return min(apps, key=lambda app: (app.file.name not in {"main.py", "app.py"}, app.path))


def _hooks(project: Project) -> Iterator[At]:
    """Each hook: a decorated function, a registration by call, a list given to a constructor."""
    for file in project.production:
        for call in file.calls_named("on_event", "add_event_handler"):
            given = call.arg(0, "event_type")
            event = None if given is None else Given(file, given, call.function).text
            if event in _EVENTS and _is_framework(call):
                function = _decorated(file, call)
                name = function.name if function is not None else call.last
                text = f"`{name}` is a hook of {event} instead of a part of the lifespan"
                line = function.line if function is not None else call.line
                yield At(line, text, path=file.path, anchor=f"{event}:{name}")
        for call in file.calls_named("append", "extend"):
            where = tree.dotted(call.receiver).rpartition(".")[2]
            if where in {"on_startup", "on_shutdown"}:
                yield At(call.line, f"A hook is put into `{where}`", path=file.path, anchor=where)
        for call in file.calls_named("FastAPI", "APIRouter", "Starlette"):
            if not file.resolve(call.fact.func).startswith(_FRAMEWORK):
                continue
            for item in call.fact.keywords:
                if item.name in {"on_startup", "on_shutdown"} and not _is_empty(item.value):
                    text = f"`{item.name}` is given instead of a lifespan"
                    line = item.line or call.line
                    yield At(line, text, path=file.path, anchor=item.name)


def _is_empty(expr: tree.Expr) -> bool:
    return (isinstance(expr, tree.Seq) and not expr.items) or isinstance(expr, tree.Const)


def _is_framework(call: Call) -> bool:
    """Whether the receiver is an application or a router, as far as it is known."""
    if call.receiver is None:
        return False
    given = Given(call.file, call.receiver, call.function)
    if call.file.project.routers.of(given):
        return True
    kind = call.file.type_of(call.receiver, call.function)
    return not kind or kind.startswith(_FRAMEWORK)


def _decorated(file: File, call: Call) -> Function | None:
    """The function that a decorator of this call decorates."""
    for function in file.functions:
        for each in function.fact.decorators:
            if each.value == tree.CallRef(call.index):
                return function
    return None


def _in_worker(file: File) -> bool:
    return not _WORKERS.isdisjoint({*file.segments, file.stem})


# graceful-shutdown --------------------------------------------------------------------------------


@check("graceful-shutdown")
def graceful_shutdown(project: Project) -> Answer:
    """What lives as long as the application is closed with it, and signals reach the server.

    A server that is killed in the middle of requests loses them; connections that nobody closes
    pile up on the other side with each deployment.

    Instead: close the resource after ``yield`` in lifespan and start the server in exec form.

    Known problems: a client on the object of a class counts where a module holds that object.
    Where a lifespan cannot be followed, what it may close is not judged.
    """
    found: list[At] = []
    count = 0
    if has_application(project) is None and not _hides_its_lifespan(project):
        for each in project.resources.all:
            if _in_worker(each.call.file):
                continue
            count += 1
            if not project.resources.is_closed(each):
                found.append(_left_open(each))
    for path, instruction, holds in _starts(project):
        count += 1
        if not holds:
            text = f"`{instruction.name}` starts the server in a shell, which keeps its signals"
            found.append(At(instruction.line, text, path=path, anchor=instruction.name))
    return Sites(count, found) if count else Skip("no long-lived resource, no server is started")


def _left_open(each: Resource) -> At:
    text = f"Nothing closes the {each.kind} `{each.name}` when the application ends"
    return At(each.call.line, text, path=each.call.path, anchor=each.name)


def _hides_its_lifespan(project: Project) -> bool:
    """Whether an application is given a lifespan that no first-party function is seen to be."""
    given = any(app.option("lifespan") is not None for app in project.routes.applications)
    return given and not project.lifetimes.lifespans


def _starts(project: Project) -> Iterator[tuple[str, Instruction, bool]]:
    """The command that starts a server in each stage of each image, and whether signals get in."""
    for path, document in project.documents.items():
        if document.kind != "dockerfile":
            continue
        command: Instruction | None = None
        entry: Instruction | None = None
        stages: list[tuple[Instruction | None, Instruction | None]] = []
        for each in document.instructions:
            if each.name == "FROM":
                stages.append((command, entry))
                command = entry = None
            elif each.name == "CMD":
                command = each
            elif each.name == "ENTRYPOINT":
                entry = each
        for last, first in (*stages, (command, entry)):
            yield from _judged(path, last, first)


def _judged(
    path: str, command: Instruction | None, entry: Instruction | None
) -> Iterator[tuple[str, Instruction, bool]]:
    if entry is not None and _INITS.search(entry.value):
        for each in (command, entry):
            if each is not None and _serves(each):
                yield path, each, True
                return
        return
    if entry is not None and _serves(entry):
        yield path, entry, _receives(entry.value)
    elif command is not None and _serves(command):
        wrapped = entry is not None and entry.value.lstrip().startswith("[")
        yield path, command, wrapped or _receives(command.value)


def _serves(each: Instruction) -> bool:
    plain = re.sub(r"[\[\],\"']", " ", each.value)
    return bool(_SERVERS.search(plain)) and not _NO_SERVERS.search(plain.strip())


def _receives(value: str) -> bool:
    """Whether the server is the process that gets the signals."""
    text = value.strip()
    shell = not text.startswith("[")
    parts = [part.strip().strip("\"'") for part in text.strip("[]").split(",")]
    if not shell and parts[0].rpartition("/")[2] in {"sh", "bash", "ash"} and "-c" in text[:20]:
        shell = True
    return not shell or bool(_EXEC.search(f" {text}")) or bool(_INITS.match(text))
