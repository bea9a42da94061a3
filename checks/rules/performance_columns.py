"""Checks of what a query loads: only the columns that somebody uses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.logs import LogCall
from checks.project.once import once
from checks.project.queries import Query
from checks.project.sqltext import is_sql, literal_text
from checks.project.subjects import File

_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.S)
_TOKEN = re.compile(r"'(?:[^']|'')*'|[(),*]|[\w.\"`\[\]?$:]+|\S")
_CTE = re.compile(r"([\w\"`]+)\s*(?:\([^()]*\)\s*)?\bAS\s+(?:NOT\s+)?(?:MATERIALIZED\s+)?\(", re.I)
_ENDS = frozenset({"WHERE", "GROUP", "ORDER", "LIMIT", "UNION", "EXCEPT", "INTERSECT", ";", ")"})


_LEAVES = (tree.Name, tree.CallRef, type(None))
"""What holds no text itself."""
_COLUMN_OPTIONS = frozenset({"load_only", "defer", "defer_only", "undefer"})


@check("select-needed-columns", each="rules")
def select_needed_columns(
    file: File,
    entry: str,
    *,
    rules: Sequence[str] = ("sql-star",),
    min_columns: int = 8,
    max_used_share: float = 0.3,
) -> Answer:
    """A query names the columns that are used.

    What nobody reads is fetched, sent and held all the same, and more of it with every migration.

    Instead: ``SELECT id, name``, ``select(Model.a, Model.b)`` or ``load_only``.

    Known problems: a star in text that is put together from several variables is not seen; of
    entities only those are judged whose way to a list endpoint can be followed to the end.
    """
    if entry == "sql-star":
        texts = sql_texts(file)
        stars = [
            At(line, "The statement selects all columns", anchor="*", symbol=file.symbol_at(line))
            for line, text in texts
            if selects_star(text)
        ]
        return Sites(len(texts), stars) if texts else Skip("no SQL text")
    listed = [query for query in file.project.queries.of_file(file) if _is_listed(query)]
    wide = [query for query in listed if len(_columns(query)) >= min_columns]
    found = [at for query in wide if (at := _wasteful(query, max_used_share)) is not None]
    return Sites(len(wide), found) if wide else Skip("no wide entity in a list endpoint")


def _is_listed(query: Query) -> bool:
    lists = query.call.file.project.lists
    return query.many and any(lists.is_list(route) for route in query.routes)


def _columns(query: Query) -> set[str]:
    models = query.call.file.project.models
    owners = (query.cls, *models.bases(query.cls))
    return {column.name for owner in owners for column in models.columns(owner)}


def _wasteful(query: Query, limit: float) -> At | None:
    columns = _columns(query)
    used = columns & query.used
    narrowed = any(
        isinstance(node, tree.CallRef) and call.file.calls[node.index].last in _COLUMN_OPTIONS
        for call in query.options.values()
        for arg in call.fact.args
        for node in tree.walk(arg, call.file.facts)
    )
    share = len(used) / len(columns)
    if narrowed or not used or query.written or query.escapes or share > limit:
        return None
    return At(
        query.call.line,
        f"`{query.cls.name}` is loaded whole and {len(used)} of its columns are used",
        measured=f"{len(used)}/{len(columns)}",
        limit=f"{limit:g}",
        anchor=query.cls.name,
    )


@once
def sql_texts(file: File) -> tuple[tuple[int, str], ...]:
    """Every SQL text that a file writes, with the line of the call or statement that holds it.

    Docstrings and the messages of log calls hold words, no SQL.
    """
    return tuple(_sql_texts(file))


def _sql_texts(file: File) -> Iterator[tuple[int, str]]:
    facts = file.facts
    held: list[tuple[int, Expr | None]] = [(row.line, row.value) for row in facts.assigns]
    held += [(row.line, row.value) for row in facts.statements if row.kind in {"return", "yield"}]
    for line, expr in held:
        if not isinstance(expr, _LEAVES):
            yield from ((line, text) for text in _within(expr))
    logged: dict[int, LogCall] | None = None
    for index, call in enumerate(facts.calls):
        for expr in (*call.args, *(item.value for item in call.keywords)):
            found = () if isinstance(expr, _LEAVES) else tuple(_within(expr))
            if found:
                logged = file.project.logs.calls(file) if logged is None else logged
                if index not in logged:
                    yield from ((call.line, text) for text in found)


def _within(expr: Expr | None) -> Iterator[str]:
    """The SQL texts in an expression, without those in calls."""
    stack = [] if expr is None else [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, _LEAVES):
            continue
        text = literal_text(node)
        if text:
            if is_sql(text):
                yield text
            continue
        stack.extend(reversed(tree.children(node)))


def selects_star(text: str) -> bool:
    """Whether a SQL text selects all columns of a table.

    Not of a subquery or a common table expression that names them, nor below EXISTS.
    """
    text = _COMMENT.sub(" ", text)
    if "*" not in text:
        return False
    named = {found.strip('"`').lower() for found in _CTE.findall(text)}
    tokens = _TOKEN.findall(text)
    return any(
        word.upper() == "SELECT" and _is_star(tokens, place, named)
        for place, word in enumerate(tokens)
    )


def _is_star(tokens: list[str], place: int, named: set[str]) -> bool:
    """Whether the SELECT at a place has ``*`` or ``t.*`` of a table."""
    if place > 1 and tokens[place - 1] == "(" and tokens[place - 2].upper() == "EXISTS":
        return False
    stars: list[str] = []
    depth, at = 0, place + 1
    while at < len(tokens):
        word = tokens[at]
        depth += (word == "(") - (word == ")")
        if depth < 0 or (depth == 0 and word.upper() == "FROM"):
            break
        if depth == 0 and word == "*" and _begins(tokens, at):
            before = tokens[at - 1]
            stars.append(before.rstrip(".") if before.endswith(".") else "")
        at += 1
    if not stars or depth < 0 or at >= len(tokens):
        return False
    sources = _sources(tokens, at)
    return any(_is_table(star, sources, named) for star in stars)


def _begins(tokens: list[str], at: int) -> bool:
    """Whether a ``*`` is an item of the list, and no multiplication."""
    before = tokens[at - 1]
    after = tokens[at + 1] if at + 1 < len(tokens) else ""
    plain = before == "," or before.upper() in {"SELECT", "DISTINCT", "ALL"}
    return plain or (before.endswith(".") and (after in {",", ""} or after.upper() == "FROM"))


def _sources(tokens: list[str], at: int) -> dict[str, str]:
    """What a query reads, by name and alias, from the place of its FROM; "(" for a subquery."""
    found: dict[str, str] = {}
    depth, expects, last = 0, True, ""
    for word in tokens[at + 1 :]:
        upper = word.upper()
        if depth == 0 and upper in _ENDS:
            break
        if word == "(":
            if depth == 0 and expects:
                last, expects = "(", False
                found.setdefault("", "(")
            depth += 1
        elif word == ")":
            depth -= 1
        elif depth == 0:
            if upper == "JOIN" or word == ",":
                expects = True
            elif expects:
                last, expects = word.strip('"`').lower(), False
                found.setdefault("", last)
                found[last] = last
            elif upper != "AS" and last:
                found.setdefault(word.strip('"`').lower(), last)
    return found


def _is_table(star: str, sources: dict[str, str], named: set[str]) -> bool:
    """Whether what a star stands for is a table: neither a subquery nor a named expression."""
    read = sources.get(star.strip('"`').lower(), star.lower())
    if not star:
        tables = {each for each in sources.values() if each != "("}
        return bool(tables - named)
    return read != "(" and read not in named
