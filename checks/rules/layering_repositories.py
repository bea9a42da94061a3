"""Checks of repositories: they load and keep, and decide nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.check import At, One, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.conditions import words
from checks.project.given import Given
from checks.project.layers import is_interface
from checks.project.subjects import Call, Function
from checks.rules.applies import has_repositories

_ABSENCE = re.compile(
    r"\w*(NotFound|NotExist|DoesNotExist|Missing|NoResult|Unknown|Duplicate|Already(Exist|Regist|Used|InUse|Taken|Present|Created|Added|Stored|In)"
    r"|Exists"
    r"|Conflict|Unique|Taken|Integrity|Database|Repository|Storage|Persistence)\w*",
    re.I,
)
_BUILDS = frozenset(
    "where filter filter_by order_by limit offset join outerjoin options having group_by append "
    "extend add_columns select_from distinct".split()
)
_EXPRESSIONS = frozenset(
    "select where filter filter_by values order_by having update insert set_ and_ or_ case cast "
    "between coalesce sum label over join".split()
)
_MAILS = frozenset("mail mails email emails mailer sms smtp notification notify".split())
_SERVICES = frozenset({"services", "service", "use_cases", "usecases"})
_QUERY_WORDS = frozenset("filter filters condition conditions where criteria query stmt".split())
_SENDS = frozenset("send notify deliver".split())
_ARITHMETIC = frozenset({"Add", "Sub", "Mult", "Div", "FloorDiv", "Mod", "Pow"})


@check("repositories-crud-only", applies=has_repositories)
def repositories_crud_only(function: Function, *, max_branches: int = 4) -> One:
    """Repositories load and keep rows; services decide.

    A rule in a repository is found by nobody who looks for it, and cannot be tested without a
    database.

    Instead: move the rule to the service that calls the repository.

    Known problems: a branch that only adds to a query is none; a client that is all a repository
    reaches (a redis, a search index) is its database; errors of absence and duplication are told
    by their names.
    """
    if not function.is_public or function.name.startswith("__"):
        return Skip("not public")
    if not function.file.project.layers.in_repository(function, function.file):
        return Skip("not in a repository")
    if function.cls is not None and (is_interface(function.cls) or _is_value(function)):
        return Skip("not a repository's method")
    faults = [*_calls_out(function), *_raised(function), *_sums(function)]
    branches = sorted(_branches(function))
    if len(branches) > max_branches:
        text = f"decides {len(branches)} times"
        faults.append((branches[max_branches], text, str(len(branches))))
    if not faults:
        return None
    line, what, measured = min(faults)
    limit = str(max_branches) if measured else ""
    return At(line, f"`{function.name}` {what}", measured=measured, limit=limit, anchor=what)


type _Faults = Iterator[tuple[int, str, str]]


def _is_value(function: Function) -> bool:
    """A method of a schema, a model or an exception that stands in the same module."""
    cls = function.cls
    return cls is not None and function.file.project.classes.role(cls) not in {"", "protocol"}


def _calls_out(function: Function) -> _Faults:
    """Calls of services, of clients of others, of mailers."""
    project = function.file.project
    for call in function.calls:
        targets = project.calls.resolve(call)
        if any(_serves(target) for target in targets) or (not targets and _named_service(call)):
            yield call.line, f"calls the service `{call.last}`", ""
        elif any(_mails(target) for target in targets):
            yield call.line, f"sends with `{call.last}`", ""
        elif project.outgoing.is_external(call) and _has_database(function):
            yield call.line, f"calls the client `{call.last}`", ""


def _serves(target: Function) -> bool:
    layers = target.file.project.layers
    in_service = layers.in_service(target, target.file)
    return in_service and not layers.in_repository(target, target.file)


def _named_service(call: Call) -> bool:
    """A function that is imported from a service module of ours which is not here."""
    if call.receiver is None and "." in call.name:
        package, *rest = call.name.split(".")[:-1]
        known = call.file.project.layout.split(call.name) is not None
        served = any(part in _SERVICES or part.endswith("_service") for part in rest)
        return served and not known and package == call.file.key.partition(".")[0]
    return False


def _mails(target: Function) -> bool:
    said = words(target.name)
    if not _SENDS.isdisjoint(said[:1]) and target.cls is None:
        return not _MAILS.isdisjoint({*said, *words(target.file.stem)})
    owner = words(target.cls.name) if target.cls is not None else []
    return not _SENDS.isdisjoint(said[:1]) and not _MAILS.isdisjoint(owner)


def _has_database(function: Function) -> bool:
    """Whether a repository has a database beside the client: then the client is another party."""
    database = function.file.project.database
    own = function.cls
    return any(
        database.of_function(each)
        for each in (function.file.functions if own is None else own.methods.values())
    )


def _raised(function: Function) -> _Faults:
    """Domain exceptions other than of absence and duplication."""
    classes = function.file.project.classes
    for each in function.raises:
        cls = classes.by_key.get(each.name)
        if cls is None or classes.role(cls) != "exception" or _ABSENCE.fullmatch(cls.name):
            continue
        if each.handler is None:  # in one, an error of the database is translated
            yield each.line, f"raises `{cls.name}`", ""


def _branches(function: Function) -> Iterator[int]:
    """Lines of the branches that do more than add to a query."""
    for index, block in function.blocks:
        if block.kind == "case" or (block.kind == "if" and not _adds_to_query(function, index)):
            yield block.line


def _adds_to_query(function: Function, block: int) -> bool:
    """``if name: query = query.where(...)``: every statement of the block builds the query."""
    tables = function.file.tables
    assigns = tables.assigns_inside(block)
    others = [row for row in tables.statements_inside(block) if row.kind != "pass"]
    if tables.raises_inside(block) or not (assigns or others):
        return False
    if any(row.kind not in {"expr", "return", "yield"} for row in others):
        return False
    return all(_is_built(function, row.value) for row in others) and all(
        _is_built(function, row.value) or any(_is_query(target) for target in row.targets)
        for row in assigns
    )


def _is_query(target: Expr) -> bool:
    """``filters["name"] = name``, ``conditions = ...``."""
    text = tree.dotted(target.value if isinstance(target, tree.Item) else target)
    return not _QUERY_WORDS.isdisjoint(words(text))


def _is_built(function: Function, value: Expr | None) -> bool:
    """A chain of calls that makes a query, a column, or a list of conditions that grows."""
    project, file = function.file.project, function.file
    if isinstance(value, tree.Name):
        if "model" in value.id.split(".")[1:-1]:  # self.model.name
            return True
        owner = file.resolve(value, function).rpartition(".")[0]
        cls = project.classes.by_key.get(owner)
        return cls is not None and project.classes.role(cls) == "orm"
    if not isinstance(value, tree.CallRef):
        return False
    call = file.calls[value.index]
    if call.last in _BUILDS or project.database.builds_statement(call) or _is_sql(call):
        return True
    return call.receiver is not None and _is_built(function, call.receiver)


def _sums(function: Function) -> _Faults:
    """Arithmetic of two attributes of a row, outside of what is sent to the database."""
    held: list[tuple[int, Expr | None]] = [(row.line, row.value) for row in function.assigns]
    held += [(row.line, row.value) for row in function.statements]
    held += [
        (call.line, arg)
        for call in function.calls
        if call.last not in _EXPRESSIONS and not _is_sql(call)
        for arg in call.arguments
    ]
    for line, expr in held:
        for node in tree.walk(expr):
            if isinstance(node, tree.Bin) and node.op in _ARITHMETIC:
                rows = [item for item in node.items if _is_attribute(function, item)]
                if len(rows) > 1:
                    yield line, f"computes `{tree.dotted(rows[0])}`", ""


def _is_sql(call: Call) -> bool:
    return call.name.startswith("sqlalchemy.")


def _is_attribute(function: Function, expr: Expr) -> bool:
    """``order.price`` where ``order`` is a row."""
    head, dot, _ = tree.dotted(expr).partition(".")
    if not dot or head in {"self", "cls"}:
        return False
    project = function.file.project
    if function.file.resolve(head, function) in project.classes.by_key:
        return False
    return project.entities.of(Given(function.file, tree.Name(head), function)) is not None
