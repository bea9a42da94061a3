"""Checks on what clients learn from errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from checks.check import At, Sites, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.conditions import development, only_in_development
from checks.project.given import Given, elements
from checks.project.project import Project
from checks.project.sending import Sent
from checks.project.subjects import Call, Except, File, Function

FOREIGN = frozenset(
    "args orig stderr stdout output message msg reason strerror text content body doc params "
    "statement description detail user_message diag pgerror __cause__ __context__ filename "
    "response errors error".split()
)
"""Attributes of an exception that hold text somebody else wrote."""
HARMLESS = frozenset("status_code code status errno returncode __class__ status_text".split())
_PUBLIC = frozenset(
    {
        "fastapi.HTTPException",
        "fastapi.exceptions.RequestValidationError",
        "fastapi.exceptions.ResponseValidationError",
        "fastapi.exceptions.ValidationException",
        "pydantic.ValidationError",
        "pydantic_core.ValidationError",
        "pydantic.error_wrappers.ValidationError",
        "slowapi.errors.RateLimitExceeded",
        "fastapi.WebSocketDisconnect",
    }
)
_TEXTS = frozenset({"builtins.str", "builtins.repr", "builtins.format", "builtins.ascii"})
_TRACEBACKS = frozenset(
    f"traceback.{name}" for name in "format_exc format_exception format_tb format_stack".split()
)
_AUTHORS = frozenset({"builtins.ValueError", "builtins.LookupError", "builtins.KeyError"})
_STORES = frozenset({"append", "add", "extend", "update", "setdefault", "insert"})


def _answers_errors(project: Project) -> str | None:
    if project.routes.handlers or project.routes.exception_handlers:
        return None
    return "no FastAPI route or exception handler"


@check("no-internal-error-leak", applies=_answers_errors)
def no_internal_error_leak(project: Project) -> Sites:
    """Do not leak internal errors to clients.

    The text of a database, a driver or a library names tables, hosts and paths: useful to an
    attacker, useless to the user.

    Instead: log the exception and answer with a fixed message.

    Known problems: text that a helper function makes of the exception is not followed; a
    ValueError counts as the author's own when a function called in the try raises one.
    """
    found: list[At] = []
    count = 0
    for function, clause, bound, sent in _sites(project):
        count += 1
        at = _leak(project, function, clause, bound, sent)
        if at is not None:
            found.append(at)
    debug = list(_debug(project))
    return Sites(count + len(debug), [*found, *debug])


def _debug(project: Project) -> Iterator[At]:
    for application in project.routes.applications:
        given = application.option("debug")
        if given is not None and isinstance(given.expr, tree.Const) and given.expr.value is True:
            message = "FastAPI(debug=True) answers errors with tracebacks"
            yield At(application.line, message, path=application.path, anchor="debug")


def _sites(
    project: Project,
) -> Iterator[tuple[Function, Except | None, str, list[Sent]]]:
    """Except clauses and exception handlers from which an answer is built, with what is sent."""
    for file in project.production:
        for clause in file.excepts:
            function = clause.function
            if function is None:
                continue
            inside = frozenset(file.tables.below(clause.index))
            sent = _sent_from(project, function, clause, inside)
            if sent and _is_foreign(project, clause):
                yield function, clause, clause.bound, sent
            elif sent and any(each.block in inside for each in sent):
                yield function, None, "", []
    for handler in project.routes.exception_handlers:
        params = handler.function.fact.params
        names = [param.name for param in params if param.name != "self"]
        sent = list(project.sending.of(handler.function))
        if not sent or not project.by_path[handler.function.path].is_production:
            continue
        types = [name for name in handler.types if not name.isdigit() or name == "500"]
        foreign = any(_is_raw(project, name) for name in types)
        bound = names[1] if foreign and len(names) > 1 else ""
        yield handler.function, None, bound, sent if foreign else []


def _sent_from(
    project: Project, function: Function, clause: Except, inside: frozenset[int]
) -> list[Sent]:
    """What is sent in a clause (in these blocks), or after it with what it stored."""
    everything, places = _sent(project, function)
    own = sorted(place for block in inside for place in places.get(block, ()))
    found = [everything[place] for place in own]
    stored = set(_stored(clause).values()) if clause.bound else set()
    if stored:
        later = (s for s in everything if s.block not in inside and s.line > clause.end_line)
        found += [s for s in later if any(_names(expr, clause) & stored for expr in s.exprs)]
    return found


def _sent(project: Project, function: Function) -> tuple[list[Sent], dict[int, list[int]]]:
    """What a function sends, and its places by block; worked out once for all of its clauses."""
    key = f"sent by {function.index}"
    known: tuple[list[Sent], dict[int, list[int]]] | None = function.file.memo.get(key)
    if known is None:
        everything, places = list(project.sending.of(function)), dict[int, list[int]]()
        for place, each in enumerate(everything):
            places.setdefault(each.block, []).append(place)
        known = function.file.memo[key] = everything, places
    return known


def _names(expr: Expr, clause: Except) -> set[str]:
    facts = clause.file.facts
    found = (tree.dotted(part) for part in tree.walk(expr, facts))
    return {name.partition(".")[0] for name in found if name}


# Which classes are whose ------------------------------------------------------------------------


def _is_foreign(project: Project, clause: Except) -> bool:
    """Whether a clause catches anything but our own exceptions and those meant for clients."""
    if not clause.block.exprs:
        return True
    return any(_is_raw(project, name) and not _is_authors(clause, name) for name in _types(clause))


def _types(clause: Except) -> list[str]:
    """Canonical names of what a clause catches, through constants that hold several."""
    given = Given(clause.file, clause.block.exprs[0], clause.function)
    found = []
    for item in elements(given) or [given]:
        found += [inner.name for inner in elements(item) or [item]]
    return found


def _is_raw(project: Project, name: str) -> bool:
    """Built-in and third-party exceptions that are not made for the client."""
    if name == "500":
        return True
    if not name or name in _PUBLIC or "." not in name:
        return False
    cls = project.classes.by_key.get(name)
    if cls is not None:
        return False
    if project.layout.split(name) is not None:
        return False
    return name.rpartition(".")[2] not in {"HTTPException", "ValidationError", "RateLimitExceeded"}


def _is_authors(clause: Except, name: str) -> bool:
    """Whether first-party code in the try raises this class with a text of its own."""
    if name not in _AUTHORS and name != "builtins.IndexError":
        return False
    return clause.function is not None and name in _told(clause.file, clause.block.peer)


def _told(file: File, tried: int) -> set[str]:
    """Exceptions that the code in a try raises with a text of its own; worked out once."""
    key = f"told in {tried}"
    known: set[str] | None = file.memo.get(key)
    if known is not None:
        return known
    raised = [file.raises[index] for index in file.tables.raises_inside(tried)]
    for index in file.tables.calls_inside(tried):
        for function in file.project.calls.resolve(file.calls[index]):
            raised += function.raises
    known = file.memo[key] = set()
    for each in raised:
        if isinstance(each.fact.exc, tree.CallRef):
            values = each.file.facts.calls[each.fact.exc.index].args
            if any(isinstance(value, (tree.Fmt, tree.Const, tree.Bin)) for value in values):
                known.add(each.name)
                known |= {"builtins.LookupError"} if each.name.endswith("KeyError") else set()
    return known


# What is sent -----------------------------------------------------------------------------------


def _leak(
    project: Project, function: Function, clause: Except | None, bound: str, sent: Sequence[Sent]
) -> At | None:
    """The first place where text of the exception goes out."""
    names = {bound} if bound else set()
    stored = _stored(clause, names) if clause is not None else _stored_in(function, names)
    for each in sent:
        if only_in_development(function.file, each.block):
            continue
        for expr in each.exprs:
            if _tells(function, expr, names):
                return _at(function, each.line, bound)
            used = {tree.dotted(part) for part in _visible(function, expr)}
            heads = {name.partition(".")[0] for name in used if name}
            for line, name in stored.items():
                if name in heads and line <= each.line:
                    return _at(function, line, bound)
    return None


def _at(function: Function, line: int, bound: str) -> At:
    what = f"the text of `{bound}`" if bound else "a traceback"
    return At(line, f"{what} is sent to the client", path=function.path, anchor=bound)


def _visible(function: Function, expr: Expr) -> Iterator[Expr]:
    """The expression and its parts, without branches that only development takes."""
    facts = function.file.facts
    stack: list[Expr] = [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, tree.Op) and node.kind == "IfExp":
            limited = development(node.items[0], function.file)
            kept = {True: node.items[2:], False: node.items[1:2], None: node.items[1:]}[limited]
            stack.extend(kept)
            continue
        yield node
        if isinstance(node, tree.CallRef):
            call = facts.calls[node.index]
            stack.extend(item.value for item in call.keywords)
            stack.extend(call.args)
            if not isinstance(call.func, tree.Name):
                stack.append(call.func)
        else:
            stack.extend(tree.children(node))


def _tells(function: Function, expr: Expr, names: set[str]) -> bool:
    """Whether an expression contains text of an exception bound to one of the names."""
    for node in _visible(function, expr):
        match node:
            case tree.CallRef(index=index):
                if _call_tells(function, index, names):
                    return True
            case tree.Fmt(parts=parts):
                if any(tree.dotted(part) in names for part in parts if tree.dotted(part)):
                    return True
            case tree.Bin(op="Mod" | "Add", items=items):
                if any(_is_exception(item, names) for item in items):
                    return True
            case tree.Name(id=text):
                head, _, rest = text.partition(".")
                if head in names and rest and _foreign_attribute(rest):
                    return True
    return False


def _is_exception(expr: Expr, names: set[str]) -> bool:
    items = expr.items if isinstance(expr, tree.Seq) else (expr,)
    return any(isinstance(item, tree.Name) and item.id in names for item in items)


def _foreign_attribute(rest: str) -> bool:
    parts = rest.split(".")
    return parts[0] in FOREIGN and HARMLESS.isdisjoint(parts)


def _call_tells(function: Function, index: int, names: set[str]) -> bool:
    call = function.file.calls[index]
    if call.last in {"format_exc", "format_exception", "format_tb", "format_stack"}:
        return function.file.resolve(call.fact.func, function) in _TRACEBACKS
    args = call.fact.args
    if call.last in {"str", "repr", "format", "ascii"}:
        name = function.file.resolve(call.fact.func, function)
        if name in _TEXTS or call.last == "format":
            return any(_is_exception(arg, names) for arg in args)
    head, _, rest = tree.dotted(call.fact.func).partition(".")
    if head not in names or not rest:
        return False
    return _foreign_attribute(rest) or call.last in {"__str__", "__repr__"}


def _stored(clause: Except | None, names: set[str] | None = None) -> dict[int, str]:
    """Lines of a clause that store text of the exception, with the name it is stored under."""
    if clause is None or clause.function is None:
        return {}
    bound = names if names is not None else ({clause.bound} if clause.bound else set())
    assigns = clause.file.tables.assigns_inside(clause.index)
    return _stored_by(clause.function, assigns, clause.calls, bound)


def _stored_in(function: Function, names: set[str]) -> dict[int, str]:
    return _stored_by(function, function.assigns, function.calls, names)


def _stored_by(
    function: Function, assigns: Sequence[tree.Assign], calls: Sequence[Call], names: set[str]
) -> dict[int, str]:
    found: dict[int, str] = {}
    for fact in assigns:
        if fact.value is None or only_in_development(function.file, fact.block):
            continue
        if _tells(function, fact.value, names):
            for target in fact.targets:
                name = _head(target)
                if name and name not in {"self", "cls"}:
                    found[fact.line] = name
    for call in calls:
        if call.last in _STORES and any(_tells(function, arg, names) for arg in call.fact.args):
            name = tree.dotted(call.receiver).partition(".")[0]
            if name and name not in {"self", "cls"}:
                found[call.line] = name
    return found


def _head(target: Expr) -> str:
    while isinstance(target, (tree.Item, tree.Attr)):
        target = target.value
    return tree.dotted(target).partition(".")[0]
