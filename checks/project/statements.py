"""Statements that code executes: what they do, on which table, and whether they are restricted.

Written as SQL (texts, f-strings, ``text(...)``, constants) or built from tables and models
(``users.update().where(...)``, ``update(User)``, ``session.query(User).delete()``).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

import msgspec

from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.sqltext import SqlText, literal_text
from checks.project.subjects import Call

DATA = frozenset({"insert", "update", "delete"})
_RESTRICTS = frozenset({"where", "filter", "filter_by", "limit"})
_DEPTH = 20
_COMMENTS = re.compile(r"--[^\n]*|/\*.*?\*/", re.S)
_BODY = re.compile(r"\$(\w*)\$.*?\$\1\$", re.S)
_DDL = re.compile(
    r"(CREATE|ALTER|DROP|COMMENT|TRUNCATE|GRANT|REVOKE|RENAME|REINDEX)\s+(?:OR\s+REPLACE\s+)?"
    r"(?:TEMP(?:ORARY)?\s+|UNLOGGED\s+)?(\w+)(?:\s+IF\s+(?:NOT\s+)?EXISTS)?\s+([\w.\"`?]+)?",
    re.I,
)
_DML = re.compile(
    r"\b(?:(INSERT)\s+(?:OR\s+\w+\s+)?INTO\s+([\w.\"`?]+)"
    r"|(UPDATE)\s+(?:ONLY\s+)?([\w.\"`?]+)(?:\s+(?:AS\s+)?(?!SET\b)\w+)?\s+SET\b"
    r"|(DELETE)\s+FROM\s+(?:ONLY\s+)?([\w.\"`?]+))",
    re.I,
)
_NESTED = re.compile(r"\([^()]*\)")
_WHERE = re.compile(r"\b(WHERE|LIMIT)\b\s*(.*)", re.I | re.S)
_ALWAYS = re.compile(r"^(TRUE|1\s*=\s*1|1)\s*(RETURNING\b.*)?$", re.I | re.S)


class Statement(msgspec.Struct, frozen=True):
    """One statement.

    Attributes:
        kind: ``schema``, ``data`` or ``commit``.
        verb: ``insert``, ``update``, ``delete``, or of the schema ``create table`` and the like.
        table: The table, "" when it is unknown.
        limited: A WHERE or a LIMIT restricts it.
        queried: It was made by a query of a session.
    """

    kind: str
    verb: str
    table: str
    limited: bool
    queried: bool = False


def read_sql(call: Call, argument: Expr) -> list[Statement]:
    """The statements on schema and data in a text that a call receives."""
    return list(split_sql(sql_text(call, argument)))


def sql_text(call: Call, argument: Expr) -> str:
    """The SQL that an argument holds: through names, ``text(...)`` and ``bindparams``."""
    for _ in range(_DEPTH):
        if isinstance(argument, tree.CallRef):
            made = Call(call.file, argument.index)
            if made.last == "format" and literal_text(made.receiver):
                return literal_text(made.receiver)
            inner = next(iter(made.fact.args), None) if _is_text(made) else made.receiver
            if inner is None:
                return ""
            argument = inner
        elif isinstance(argument, tree.Name):
            rows = assigned(call, argument.id)
            if not rows or rows[-1] == argument:
                break
            if isinstance(rows[-1], tree.Fmt | tree.Const | tree.Bin):
                return literal_text(rows[-1])
            argument = rows[-1]
        else:
            break
    return literal_text(argument) or SqlText(call, argument).text


def _is_text(call: Call) -> bool:
    return call.last in {"text", "dedent", "cleandoc", "DDL", "SQL"}


def assigned(call: Call, name: str) -> list[Expr]:
    """What a variable may hold at a call: in its function up to there, else in the module.

    Of many assignments the last ones count.
    """
    known: dict[tuple[int, str], list[tree.Assign]] | None = call.file.memo.get("assigned")
    if known is None:
        known = call.file.memo["assigned"] = {}
        for name_of, rows in call.file.tables.assigns_to.items():
            for row in rows:
                if row.cls < 0 and row.value is not None and not row.op:
                    known.setdefault((row.function, name_of), []).append(row)
        for found_rows in known.values():
            found_rows.sort(key=lambda row: row.line)
    own = known.get((call.fact.function, name), [])
    end = bisect_right(own, call.line, key=lambda row: row.line)
    found = own[max(end - _DEPTH, 0) : end] or known.get((-1, name), [])[-_DEPTH:]
    return [row.value for row in found if row.value is not None]


def split_sql(text: str) -> Iterator[Statement]:
    """The statements of a text that change schema or data."""
    text = _COMMENTS.sub(" ", text)
    if re.match(r"\s*DO\b", text, re.I):
        found = _DML.search(text)
        if found is not None:
            yield _data(found, text[found.end() :])
        return
    for part in _BODY.sub("''", text).split(";"):
        part = part.strip()
        ddl = _DDL.match(part)
        dml = None if ddl else _DML.search(part)
        if ddl:
            verb, what, name = ddl.groups()
            table = _plain(name or "") if what.upper() == "TABLE" else ""
            yield Statement("schema", f"{verb} {what}".lower(), table, limited=True)
        elif dml and (dml.start() == 0 or part[:4].upper() == "WITH"):
            yield _data(dml, part[dml.end() :])
        elif part.upper() == "COMMIT":
            yield Statement("commit", "commit", "", limited=True)


def _data(found: re.Match[str], rest: str) -> Statement:
    verb = next(filter(None, (found[1], found[3], found[5]))).lower()
    table = _plain(next(filter(None, (found[2], found[4], found[6])), ""))
    where = _WHERE.search(_flat(rest))
    limited = where is not None and not _ALWAYS.match(where[2].strip())
    return Statement("data", verb, table, limited=limited)


def _flat(text: str) -> str:
    """A text without what stands in parentheses: the WHERE of a subquery is not its own."""
    for _ in range(_DEPTH):
        flat = _NESTED.sub("?", text)
        if flat == text:
            break
        text = flat
    return text


def _plain(name: str) -> str:
    """A table's own name, without its schema and quotes; "" when it is put in."""
    last = name.rpartition(".")[2].strip('"`')
    return "" if "?" in last else last


# Built statements -------------------------------------------------------------------------------


def statement_of(call: Call, argument: Expr | None = None) -> Statement | None:
    """The INSERT, UPDATE or DELETE that an argument (or a call itself) was built as."""
    links = _chain(call, tree.CallRef(call.index) if argument is None else argument)
    names = {each.last for each in links}
    for each in links:
        if each.last not in DATA:
            continue
        queried = "query" in names
        receiver = each.receiver
        target = _target(each, queried=queried, links=links)
        if not queried and target is None:
            continue
        if isinstance(receiver, tree.Name) and each.fact.args and not queried:
            target = each.fact.args[0] if _is_builder(each) else receiver
        limited = not _RESTRICTS.isdisjoint(names) or _grows(call, argument)
        table = table_name(each, target)
        return Statement("data", each.last, table, limited=limited, queried=queried)
    return None


def _target(call: Call, *, queried: bool, links: list[Call]) -> Expr | None:
    """What an ``update``, ``insert`` or ``delete`` in a chain works on."""
    if queried:
        query = next(each for each in links if each.last == "query")
        return next(iter(query.fact.args), None)
    if _is_builder(call):
        return next(iter(call.arguments), None)
    return call.receiver


def _is_builder(call: Call) -> bool:
    """``sa.update(table)``, as against ``table.update()``."""
    head = tree.dotted(call.receiver).rpartition(".")[2] if call.receiver is not None else ""
    if call.receiver is None:
        return True
    return head in {"sa", "sqlalchemy", "sqlmodel", "postgresql", "sql", "expression", "pg"}


def _chain(call: Call, expr: Expr) -> list[Call]:
    """The calls of a chain, outermost first, through names that are assigned once or more."""
    found: list[Call] = []
    current: Expr | None = expr
    for _ in range(_DEPTH):
        if isinstance(current, tree.Name) and "." not in current.id:
            rows = assigned(call, current.id)
            if not rows or not isinstance(rows[-1], tree.CallRef):
                break
            if any(each.index == rows[-1].index for each in found):
                rows = rows[:-1]
            current = rows[-1] if rows else None
        elif isinstance(current, tree.CallRef):
            made = Call(call.file, current.index)
            if any(each.index == made.index for each in found):
                break
            found.append(made)
            current = made.receiver
        elif isinstance(current, tree.Attr):
            current = current.value
        else:
            break
    return found


def _grows(call: Call, argument: Expr | None) -> bool:
    """``statement = statement.where(...)`` after it was begun."""
    if not isinstance(argument, tree.Name):
        return False
    rows = (row for row in assigned(call, argument.id) if isinstance(row, tree.CallRef))
    return any(call.file.facts.calls[row.index].last in _RESTRICTS for row in rows)


def table_name(call: Call, target: Expr | None) -> str:
    """The table behind ``table("users")``, ``Table("users", ...)``, a name of one, or a model."""
    for _ in range(_DEPTH):
        if isinstance(target, tree.Name):
            name = target.id.removesuffix(".__table__")
            rows = assigned(call, name)
            if rows and isinstance(rows[-1], tree.CallRef):
                target = rows[-1]
                continue
            return _of_model(call, name)
        if isinstance(target, tree.CallRef):
            made = Call(call.file, target.index)
            if made.last in {"table", "Table", "create_table"}:
                return tree.text_of(made.arg(0, "name")) or ""
        break
    return ""


def _of_model(call: Call, name: str) -> str:
    key = call.file.resolve(name, call.function)
    cls = call.file.project.classes.by_key.get(key)
    fact = cls.attributes.get("__tablename__") if cls is not None else None
    return (tree.text_of(fact.value) or "") if fact is not None else ""
