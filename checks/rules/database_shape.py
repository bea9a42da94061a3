"""Checks of the shape of tables: normal form, and the database's own types and searches."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from checks.check import Answer, At, One, Sites, Skip, check
from checks.facts import tree
from checks.facts.text import Comment
from checks.facts.tree import Expr
from checks.project.models import Column
from checks.project.project import Project
from checks.project.sqltext import literal_text
from checks.project.statements import assigned
from checks.project.subjects import Call, Class, File
from checks.rules.applies import depends_on
from checks.rules.database_schema import column_at, has_models, is_string, snake

POSTGRES_DRIVERS = (
    "asyncpg", "psycopg", "psycopg2", "psycopg2-binary", "psycopg-binary", "psycopg2cffi",
    "pg8000", "aiopg",
)  # fmt: skip

# Normal form -------------------------------------------------------------------------------------

_NUMBERED = re.compile(r"^(?P<head>\D*?)_?(?P<number>\d+)(?P<tail>\D*)$")
_NO_GROUP = re.compile(
    r"(^|_)(address|address_?line|street|line|sha|md|ip|ipv|v|version|x|y|z|lat|lng|lon|utf|base"
    r"|crc|iso|h|oauth|mp|s|d|level_?of)$"
)
_MADE_TO_READ = ("_view", "_report", "_snapshot", "_cache")
_REASON = re.compile(
    r"denormali|redundan|snapshot|cach|cop(?:y|ies|ied)|duplicat|histor|legacy|performan|speed"
    r"|report|on purpose|deliberate|intention|because|so that|avoid|needed|kept|at the time",
    re.IGNORECASE,
)
_FROZEN = re.compile(r"price|amount|cost|rate|total|address|snapshot|currency|tax")
_RECORDS = frozenset("audit audits log logs history histories event events archive".split())
"""Words of tables that keep what was true when the row was written."""
_LISTS = re.compile(r"(?:[a-z]{2,}(?<!s)s|_list|ids)$")


@check("denormalized-columns", applies=has_models)
def denormalized_columns(cls: Class, *, max_columns: int = 30) -> One:
    """A table holds every fact once.

    Numbered columns, lists in a string and copies of another table's columns drift apart.

    Instead: move the repeated data to a table of its own, or say in a comment why it is there.

    Known problems: a comment or docstring justifies a column by what its words say; a copy of
    a price, an amount, a currency or an address is taken for a snapshot; a list in a string
    shows only where code splits or joins the attribute.
    """
    project = cls.file.project
    if project.classes.role(cls) != "orm":
        return Skip("no ORM model")
    fact = cls.attributes.get("__tablename__")
    table = (tree.text_of(fact.value) if fact is not None else None) or snake(cls.name)
    if table.endswith(_MADE_TO_READ) or snake(cls.name).endswith(_MADE_TO_READ):
        return None
    columns = project.models.columns(cls)
    faults = [*_groups(columns), *_held_lists(columns)]
    if _RECORDS.isdisjoint(f"{table}_{snake(cls.name)}".split("_")):
        faults += _repeated(columns)
    faults = [(column, text) for column, text in faults if not _is_justified(column)]
    if faults:
        column, text = min(faults, key=lambda each: each[0].line)
        return column_at(column, text)
    inherited = [c for base in project.models.bases(cls) for c in project.models.columns(base)]
    count = len({column.name for column in (*columns, *inherited)})
    if count <= max_columns or _says_why(cls):
        return None
    line = columns[max_columns].line if len(columns) > max_columns else cls.line
    return At(line, f"`{cls.name}` has {count} columns", measured=str(count),
              limit=str(max_columns), anchor="columns")  # fmt: skip


def _groups(columns: Sequence[Column]) -> Iterator[tuple[Column, str]]:
    """Columns that are numbered one after the other."""
    groups: dict[tuple[str, str], dict[int, Column]] = {}
    for column in columns:
        match = _NUMBERED.match(column.name)
        if match and match["head"] and not _NO_GROUP.search(match["head"].rstrip("_")):
            place = groups.setdefault((match["head"].rstrip("_"), match["tail"]), {})
            place[int(match["number"][:6])] = column
    for (head, tail), found in groups.items():
        if any(number + 1 in found for number in found):
            first = min(found.values(), key=lambda each: each.line)
            yield first, f"is one of {len(found)} numbered columns (`{head}{{n}}{tail}`)"


def _held_lists(columns: Sequence[Column]) -> Iterator[tuple[Column, str]]:
    for column in columns:
        if not _LISTS.search(column.name) or not is_string(column):
            continue
        memo = column.cls.file.project.models.memo
        if "joined" not in memo:
            memo["joined"] = frozenset(_joined(column.cls.file.project))
        if column.name in memo["joined"]:
            yield column, "holds a list in a string"


def _joined(project: Project) -> Iterator[str]:
    """Attributes that code splits, or that it fills by joining."""
    for file in project.production:
        for call in file.calls_named("split"):
            name = tree.dotted(call.receiver)
            if "." in name:
                yield name.rpartition(".")[2]
        joins = {call.index for call in file.calls_named("join")}
        if not joins:
            continue
        for row in file.facts.assigns:
            if isinstance(row.value, tree.CallRef) and row.value.index in joins:
                yield from (tree.dotted(t).rpartition(".")[2] for t in row.targets)
        for call in file.calls:
            for item in call.fact.keywords:
                if isinstance(item.value, tree.CallRef) and item.value.index in joins:
                    yield item.name


def _repeated(columns: Sequence[Column]) -> Iterator[tuple[Column, str]]:
    """``user_name`` beside ``user_id``, where users have a name."""
    keys = {column.name.removesuffix("_id"): column for column in columns}
    others = {head: other for head, key in keys.items() if (other := _referred(key)) is not None}
    owned: dict[str, set[str]] = {}
    for column in columns:
        words = column.name.split("_")
        for end in range(1, len(words)) if not column.foreign_key else ():
            head, copied = "_".join(words[:end]), "_".join(words[end:])
            other = others.get(head)
            if other is None or copied == "id" or _FROZEN.search(copied):
                continue
            if head not in owned:
                owned[head] = _column_names(other)
            if copied in owned[head]:
                yield column, f"repeats `{other.name}.{copied}`"


def _column_names(cls: Class) -> set[str]:
    models = cls.file.project.models
    return {c.name for each in (cls, *models.bases(cls)) for c in models.declared(each)}


def _referred(column: Column) -> Class | None:
    if not column.name.endswith("_id") or not column.foreign_key:
        return None
    other = column.cls.file.project.models.by_table.get(column.foreign_table)
    return other if other is not column.cls else None


def _is_justified(column: Column) -> bool:
    """A comment on the column or its class, or the comment of the column itself, gives a reason."""
    said = column.given("comment", "doc", "info")
    if said is not None and _REASON.search(tree.text_of(said[1]) or ""):
        return True
    return _explained(column) or _says_why(column.cls)


def _explained(column: Column) -> bool:
    return bool(_REASON.search(_comment(column)))


def _comment(column: Column) -> str:
    """Comments on the lines of a column, and in the line above."""
    file = column.cls.file
    known: dict[int, Comment] | None = file.memo.get("comments by line")
    if known is None:
        known = file.memo["comments by line"] = {each.line: each for each in file.facts.comments}
    above = known.get(column.line - 1)
    lines = range(column.line, max(column.fact.end_line, column.line) + 1)
    inside = [known[line].text for line in lines if line in known]
    return " ".join([*inside, above.text if above is not None and above.own else ""])


def _says_why(cls: Class) -> bool:
    first = min([cls.line, *(each.line for each in cls.fact.decorators)])
    rows = cls.file.facts.comments
    start = bisect_left(rows, first - 3, key=lambda each: each.line)
    end = bisect_right(rows, first, key=lambda each: each.line)
    above = [each.text for each in rows[start:end]]
    return bool(_REASON.search(" ".join([cls.fact.docstring or "", *above])))


# The database's own features ---------------------------------------------------------------------

_OTHER_DRIVERS = (
    "aiosqlite", "pymysql", "aiomysql", "asyncmy", "mysqlclient", "mysql-connector-python",
    "oracledb", "pyodbc", "aioodbc",
)  # fmt: skip
_LIKES = frozenset({"like", "ilike"})
_HOLDS = frozenset({"contains", "icontains"})


@check("postgres-features", applies=(depends_on(*POSTGRES_DRIVERS), has_models))
def postgres_features(file: File) -> Answer:
    """PostgreSQL's own types and searches are used where it is the database.

    A JSON column cannot be indexed, and a pattern with a wildcard in front reads every row.

    Instead: ``JSONB``, and ``to_tsvector``/``to_tsquery`` or a trigram index.

    Known problems: a type of one's own that stores JSON is believed; a pattern that reaches the
    query as an argument of a function is not seen; upserts and arrays that code emulates are
    judged by upsert-on-conflict and denormalized-columns.
    """
    project = file.project
    if _several_databases(project):
        return Skip("the project supports several databases")
    count, found = 0, []
    for cls in file.classes:
        for column in project.models.columns(cls):
            names = _json_types(column)
            if names:
                count += 1
                if "JSONB" not in names and not _has_comment(column):
                    found.append(column_at(column, "is JSON instead of JSONB", "json"))
    for call, name in _searches(file):
        count += 1
        if not _is_searchable(project, name):
            text = f"`{call.last}` searches `{name or '?'}` with a wildcard in front"
            found.append(At(call.line, text, column=call.fact.column, anchor=f"{call.last} {name}"))
    return Sites(count, found) if count else Skip("no JSON column and no search")


def _several_databases(project: Project) -> bool:
    memo = project.models.memo
    if "several" not in memo:
        memo["several"] = any(map(project.manifests.depends_on, _OTHER_DRIVERS)) or any(
            literal_text(node).startswith(("sqlite:", "sqlite+", "mysql:", "mysql+"))
            for file in project.production
            for node in _texts(file)
        )
    return bool(memo["several"])


def _texts(file: File) -> Iterator[Expr]:
    """Texts that are assigned, returned or passed."""
    values = [row.value for row in file.facts.assigns]
    values += [row.value for row in file.facts.statements if row.kind == "return"]
    values += [argument for call in file.facts.calls for argument in call.args]
    for value in values:
        if isinstance(value, tree.Const | tree.Fmt):
            yield value


def _json_types(column: Column) -> set[str]:
    """Which of JSON and JSONB the type of a column names, through names of types."""
    found: set[str] = set()
    roots = [(call.file, argument) for call in column.calls for argument in call.arguments]
    for _ in range(3):
        following: list[tuple[File, Expr]] = []
        for file, root in roots:
            for node in tree.walk(root, file.facts):
                if not isinstance(node, tree.Name):
                    continue
                name = file.resolve(node)
                if name.startswith("sqlalchemy.") and name.endswith((".JSON", ".JSONB")):
                    found.add(name.rpartition(".")[2])
                elif name and not name.startswith("sqlalchemy."):
                    constant = file.project.names.assignment_named(name)
                    if constant is not None and constant[1].value is not None:
                        following.append((constant[0], constant[1].value))
        roots = following
    return found


def _has_comment(column: Column) -> bool:
    return "json" in _comment(column).lower()


def _searches(file: File) -> Iterator[tuple[Call, str]]:
    """Calls that look for a text anywhere in a column, with the column's name."""
    for call in file.calls_named(*_LIKES, *_HOLDS):
        argument = call.arg(0, "other")
        if argument is None or call.receiver is None:
            continue
        column = _searched(call)
        if call.last in _LIKES:
            if _begins_open(call, argument):
                yield call, column.rpartition(".")[2]
        elif _is_text_column(file, column):
            yield call, column.rpartition(".")[2]


def _searched(call: Call) -> str:
    """Canonical name of the column that is searched, also inside ``func.lower(...)``."""
    for node in tree.walk(call.receiver, call.file.facts):
        if isinstance(node, tree.Name) and "." in node.id and not node.id.startswith("func."):
            name = call.file.resolve(node, call.function)
            if "func." not in name:
                return name
    return ""


def _is_text_column(file: File, name: str) -> bool:
    head, _, last = name.rpartition(".")
    cls = file.project.classes.by_key.get(head)
    if cls is None:
        return False
    models = file.project.models
    key = f"texts of {cls.key}"
    if key not in models.memo:
        models.memo[key] = {
            column.name
            for each in (cls, *models.bases(cls))
            for column in models.declared(each)
            if is_string(column)
        }
    return last in models.memo[key]


def _begins_open(call: Call, argument: Expr) -> bool:
    if isinstance(argument, tree.Name):
        return any(literal_text(value).startswith("%") for value in assigned(call, argument.id))
    return literal_text(argument).startswith("%")


def _is_searchable(project: Project, name: str) -> bool:
    """Whether an index for trigrams is made that names the column, or none by name."""
    memo = project.models.memo
    if "trigrams" not in memo:
        memo["trigrams"] = frozenset(_trigrams(project))
    known: frozenset[str] = memo["trigrams"]
    return "" in known or name in known


def _trigrams(project: Project) -> Iterator[str]:
    """Words of every call that makes a trigram index; "" for one written as SQL."""
    for file in (*project.migrations, *project.production):
        for call in file.calls_named("create_index", "Index", "execute", "text", "DDL"):
            words = [
                tree.text_of(node) or tree.dotted(node).rpartition(".")[2]
                for argument in call.arguments
                for node in tree.walk(argument, file.facts)
            ]
            if any("gin_trgm_ops" in word or "gist_trgm_ops" in word for word in words):
                yield from (word for word in words if word.isidentifier())
                yield from (w for word in words if " " in word for w in re.findall(r"\w+", word))
