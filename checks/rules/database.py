"""Checks of database code: query style, models, dates."""

from __future__ import annotations

from collections.abc import Iterator

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.subjects import Call, Class, File, Function
from checks.rules.applies import depends_on

_NEW_STYLE = frozenset({"execute", "scalars", "scalar", "stream", "stream_scalars", "exec"})


@check("sqlalchemy-2-query-style", applies=depends_on("sqlalchemy", "sqlmodel", "flask-sqlalchemy"))
def sqlalchemy_2_query_style(file: File) -> Answer:
    """Queries are written in the style of SQLAlchemy 2.

    ``Query`` is legacy: it has no asynchronous form and no precise types.

    Instead: ``session.execute(select(...))`` or ``session.scalars(select(...))``.

    Known problems: a ``Query`` that is handed to another function is judged where it is made.
    """
    count, found = 0, []
    for call in file.calls_named("query", *sorted(_NEW_STYLE)):
        if call.file.project.database.operation(call) in {"query", *_NEW_STYLE}:
            count += 1
            if call.last == "query":
                found.append(_legacy(call, "session.query()"))
    for call in _model_queries(file):
        count += 1
        found.append(_legacy(call, "Model.query"))
    return Sites(count, found) if count else Skip("no ORM query")


def _legacy(call: Call, what: str) -> At:
    return At(call.line, f"`{what}` is the legacy style", column=call.fact.column, anchor=what)


def _model_queries(file: File) -> Iterator[Call]:
    """Innermost calls on ``Model.query`` of an ORM model."""
    classes = file.project.classes
    for call in file.calls:
        parts = tree.dotted(call.fact.func).split(".")
        if "query" in parts[1:-1]:
            owner = file.resolve(".".join(parts[: parts.index("query")]), call.function)
            cls = classes.by_key.get(owner)
            if cls is not None and classes.role(cls) in {"orm", "orm-base"}:
                yield call


@check("mapped-column-models")
def mapped_column_models(cls: Class) -> Answer:
    """Model attributes are annotated with ``Mapped[...]``.

    The annotation gives type checkers the type of the attribute and SQLAlchemy its nullability.

    Instead: ``name: Mapped[type] = mapped_column(...)``.

    Known problems: columns that a decorator adds are not seen.
    """
    file = cls.file
    if file.project.classes.role(cls) not in {"orm", "orm-base"} or _is_sqlmodel(cls):
        return Skip("not an ORM model")
    old_base = "sqlalchemy.orm.declarative_base" in cls.ancestors
    count, found = 0, []
    for name, fact in sorted(cls.attributes.items(), key=lambda item: item[1].line):
        if not file.project.classes.is_column(cls, fact) or _is_other(file, fact):
            continue
        count += 1
        if file.resolve(fact.annotation) != "sqlalchemy.orm.Mapped":
            text = f"`{cls.name}.{name}` has no Mapped[...] annotation"
            found.append(At(fact.line, text, symbol=f"{cls.symbol}.{name}", anchor=name))
        elif old_base:
            text = f"`{cls.name}.{name}` stands on a declarative_base() class"
            found.append(At(fact.line, text, symbol=f"{cls.symbol}.{name}", anchor=name))
    return Sites(count, found) if count else Skip("no column")


def _is_other(file: File, fact: tree.Assign) -> bool:
    """``Mapped[...]`` with a relationship, a proxy or a computed property: no column."""
    made = file.resolve(fact.value).rpartition(".")[2]
    return bool(made) and made not in {"Column", "mapped_column"}


def _is_sqlmodel(cls: Class) -> bool:
    return "sqlmodel.SQLModel" in cls.ancestors


DATETIME_CODES = {
    "datetime.datetime": "DTZ001",
    "datetime.datetime.today": "DTZ002",
    "datetime.datetime.utcnow": "DTZ003",
    "datetime.datetime.utcfromtimestamp": "DTZ004",
    "datetime.datetime.now": "DTZ005",
    "datetime.datetime.fromtimestamp": "DTZ006",
    "datetime.datetime.strptime": "DTZ007",
    "datetime.date.today": "DTZ011",
    "datetime.date.fromtimestamp": "DTZ012",
}
"""What creates a datetime or a date, with the code of ruff that judges it."""
_ZONE_AT = {
    "datetime.datetime.now": 0,
    "datetime.datetime.fromtimestamp": 1,
    "datetime.datetime.astimezone": 0,
}
_MAKERS = frozenset(name.rpartition(".")[2] for name in (*DATETIME_CODES, "astimezone"))
_NAIVE = DATETIME_CODES.keys() - {"datetime.datetime", "datetime.datetime.strptime"}
_UTC = frozenset({"datetime.UTC", "datetime.timezone.utc", "pytz.utc", "pytz.UTC", "pendulum.UTC"})


@check("timezone-aware-datetimes")
def timezone_aware_datetimes(file: File, *, require_utc: bool = False) -> Answer:
    """Points in time know their time zone.

    A naive datetime means another moment on another machine, and twice a year on the same one.

    Instead: ``datetime.now(UTC)``.

    Known problems: a naive datetime made by another library is not seen.
    """
    reported = {
        (each.line, each.column, each.code): each for each in file.lint(*DATETIME_CODES.values())
    }
    placed = set(_localized(file))
    count, found = 0, []
    for call in file.calls_named(*_MAKERS, *(_aliases(file) - _MAKERS)):
        name = _created(call, require_utc=require_utc)
        if not name:
            continue
        count += 1
        each = reported.get((call.line, call.fact.column, DATETIME_CODES.get(name, "")))
        each = None if call.index in placed else each
        short = name.removeprefix("datetime.")
        if each is not None:
            text = f"`{short}()` gives a naive value"
            at = At(call.line, text, column=each.column, code=each.code,
                    noqa_line=each.noqa_line, anchor=short)  # fmt: skip
            found.append(at)
        elif require_utc and not _is_utc(file, call, name):
            text = f"`{short}()` gives a time in another zone than UTC"
            found.append(At(call.line, text, column=call.fact.column, anchor=short))
    for line, short in _references(file):
        count += 1
        text = f"`{short}`, passed as a function, gives a naive value"
        found.append(At(line, text, anchor=short))
    return Sites(count, found) if count else Skip("no datetime is created")


def _localized(file: File) -> Iterator[int]:
    """Calls whose naive value is given its zone where it is made: ``zone.localize(...)``."""
    for call in file.calls_named("localize"):
        yield from (arg.index for arg in call.fact.args if isinstance(arg, tree.CallRef))


def _aliases(file: File) -> set[str]:
    """Names under which ``datetime`` was imported."""
    return {row.fact.alias for row in file.imports if row.target == "datetime.datetime"}


def _created(call: Call, *, require_utc: bool) -> str:
    """What makes the datetime; ``astimezone`` makes one in the zone that it is given."""
    name = call.file.resolve(call.fact.func, call.function)
    if name in DATETIME_CODES:
        return name
    moves = require_utc and call.last == "astimezone" and bool(call.fact.args)
    return "datetime.datetime.astimezone" if moves else ""


def _is_utc(file: File, call: Call, name: str) -> bool:
    position = _ZONE_AT.get(name)
    if position is None:
        return True
    zone = call.arg(position, "tz")
    return zone is None or _zone_is_utc(file, zone, call.function, 0)


def _zone_is_utc(file: File, zone: Expr, function: Function | None, depth: int) -> bool:
    """Whether a zone is UTC; one that cannot be known is taken for it."""
    if depth > 3:
        return True
    if isinstance(zone, tree.CallRef):
        made = Call(file, zone.index)
        text = tree.text_of(made.arg(0, "key"))
        if made.last in {"ZoneInfo", "timezone", "gettz"} and text is not None:
            return text.upper() in {"UTC", "ETC/UTC", "GMT", "ETC/GMT"}
        return True
    name = file.resolve(zone, function)
    if name in _UTC:
        return True
    constant = file.project.names.assignment_named(name)
    if constant is None or constant[1].value is None:
        return True
    return _zone_is_utc(constant[0], constant[1].value, None, depth + 1)


def _references(file: File) -> Iterator[tuple[int, str]]:
    """Naive constructors handed over as functions: ``default=datetime.utcnow``."""
    if not any(row.target.partition(".")[0] == "datetime" for row in file.imports):
        return
    for call in file.calls:
        given = [(call.fact.line, value) for value in call.fact.args]
        given += [(item.line or call.line, item.value) for item in call.fact.keywords]
        for line, value in given:
            if isinstance(value, tree.Name) and value.id.rpartition(".")[2] in _MAKERS:
                name = file.resolve(value, call.function)
                if name in _NAIVE:
                    yield line, name.removeprefix("datetime.")
