"""Checks of how parameters are injected, and of what repositories hand out."""

from __future__ import annotations

from collections.abc import Iterator

from checks.check import Answer, At, One, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr, Param
from checks.project.given import Given
from checks.project.schemas import arguments
from checks.project.subjects import Call, File, Function
from checks.rules.applies import has_routes

_MARKERS = frozenset(
    f"fastapi.{name}" for name in "Depends Security Query Path Header Cookie Body Form File".split()
)
_NAMES = tuple(name.rpartition(".")[2] for name in sorted(_MARKERS))
_SCALARS = frozenset(
    f"builtins.{name}" for name in "int str bool float bytes None".split()
) | {"uuid.UUID", "datetime.datetime", "datetime.date", "decimal.Decimal"}  # fmt: skip
_ENTITIES = frozenset({"get", "get_one", "select", "query"})


@check("depends-annotated", applies=has_routes)
def depends_annotated(function: Function) -> Answer:
    """Parameters say in ``Annotated`` what fills them.

    The default stays a default: the function can be called, and type checkers see the truth.

    Instead: ``db: Annotated[Session, Depends(get_db)]``.

    Known problems: a marker that a function returns is not seen.
    """
    count, found = 0, []
    for param in function.fact.params:
        marker = _marker(function.file, param.default, function)
        if marker:
            text = f"`{param.name}` has {marker}() as its default"
            found.append(At(param.line, text, code="FAST002", anchor=param.name))
        if marker or _is_annotated(function, param):
            count += 1
    return Sites(count, found) if count else Skip("no parameter of FastAPI")


def _marker(file: File, expr: Expr | None, function: Function) -> str:
    """Name of the marker that an expression calls, "" for anything else."""
    if not isinstance(expr, tree.CallRef):
        return ""
    call = Call(file, expr.index)
    name = file.resolve(call.fact.func, function)
    return name.rpartition(".")[2] if name.replace("params.", "") in _MARKERS else ""


def _is_annotated(function: Function, param: Param) -> bool:
    file, expr = function.file, param.annotation
    if isinstance(expr, tree.Name):
        alias = file.project.names.assignment_named(file.resolve(expr, function))
        file, expr = (alias[0], alias[1].value) if alias is not None else (file, None)
    return any(_marker(file, node, function) for node in tree.walk(expr))


@check("repositories-return-domain-models")
def repositories_return_domain_models(function: Function) -> One:
    """Repositories return domain models.

    Who holds an ORM object can change rows by accident and load more of them unnoticed.

    Instead: build a domain model from the row and return that.

    Known problems: what a base for all models returns is judged where the model is named.
    """
    if not function.is_public or function.name.startswith("__") or _promises(function):
        return Skip("no public method that does something")
    if not function.file.project.layers.in_repository(function, function.file):
        return Skip("no repository")
    kind = _returns(function)
    if not kind:
        return Skip("returns no row")
    if kind == "domain":
        return None
    text = f"`{function.name}` returns the ORM model `{kind}`"
    return At(function.line, text, anchor=function.name)


def _promises(function: Function) -> bool:
    """A method of an interface, or a property that hands out another repository."""
    promised = function.fact.shape == "stub" or function.decorated_by("abc.abstractmethod")
    return promised or function.decorated_by("builtins.property", "functools.cached_property")


def _rows(given: Given) -> Iterator[Given]:
    """The types in an annotation that its value holds: containers and generics unwrapped."""
    project, stack = given.file.project, [given]
    for _ in range(50):
        if not stack:
            return
        for member in project.schemas.members(stack.pop()):
            cls = project.schemas.class_of(member)
            if cls is None or project.schemas.is_schema(cls):
                stack += arguments(member)
            yield member


def _returns(function: Function) -> str:
    """Name of the ORM model that is returned, ``domain`` for other objects, "" for neither."""
    project = function.file.project
    returns = function.fact.returns
    if returns is None:
        return next(filter(None, (_entity(function, each) for each in function.returned)), "")
    inner = list(_rows(Given(function.file, returns, function)))
    for given in inner:
        cls = project.schemas.class_of(given)
        if cls is not None and project.classes.is_model(cls):
            return cls.name
    reads = any(project.database.reads_rows(c) for c in project.database.of_function(function))
    named = {given.file.resolve(given.expr, given.function) for given in inner}
    return "domain" if reads and named - _SCALARS - {""} else ""


def _entity(function: Function, expr: Expr) -> str:
    """The model that a returned expression loads, through variables of the function."""
    file, classes = function.file, function.file.project.classes
    for call in _calls_behind(function, expr):
        first = call.fact.args[0] if call.fact.args else None
        if call.last in _ENTITIES and isinstance(first, tree.Name):
            cls = classes.by_key.get(file.resolve(first, function))
            if cls is not None and classes.is_model(cls):
                return cls.name
    return ""


def _calls_behind(function: Function, expr: Expr) -> Iterator[Call]:
    """Calls whose value an expression is: its chain, and those of the variables in it."""
    file, seen = function.file, set[str]()
    stack: list[Expr | None] = [expr]
    for _ in range(100):
        if not stack:
            return
        current = stack.pop()
        if isinstance(current, tree.Op) and current.kind == "Await":
            stack.append(current.items[0])
        elif isinstance(current, tree.CallRef):
            call = Call(file, current.index)
            yield call
            stack.append(call.receiver)
            if call.last in {"execute", "scalars", "scalar", "exec", "list"}:
                stack += call.fact.args[:1]
        elif isinstance(current, tree.Name) and current.id not in seen:
            seen.add(current.id)
            stack += [
                row.value
                for row in file.facts.assigns
                if row.function == function.index and current in row.targets
            ]
