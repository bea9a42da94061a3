"""Checks of relationships: loaded with the rows instead of one by one."""

from __future__ import annotations

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Assign, Expr
from checks.project.queries import Query
from checks.project.subjects import Class, File

_RELATIONSHIPS = frozenset({"relationship", "Relationship"})
_EAGER = frozenset({"selectin", "joined", "subquery", "immediate"})
_RAISES = frozenset({"raise", "raise_on_sql"})
_CHAIN = 20
_LOADS = frozenset(
    "selectinload joinedload subqueryload contains_eager immediateload defaultload Load".split()
)
_NOT_EAGER = frozenset("load_only defer undefer noload raiseload lazyload with_expression".split())


@check("relationship-eager-loading")
def relationship_eager_loading(file: File) -> Answer:
    """Relationships that are used are loaded with their rows.

    Otherwise every row that a loop or an answer touches costs another query, and async sessions
    fail.

    Instead: add ``.options(selectinload(Model.attribute))`` to the query.

    Known problems: rows are followed through variables, loops, returns of functions and the
    schema of the answer; relationships of relationships are not judged, nor are options that a
    function or a variable holds.
    """
    count, found = 0, []
    for query in file.project.queries.of_file(file):
        if not query.many:
            continue
        touched = sorted(query.used & _lazy(query.cls).keys() | query.used & _eager(query.cls))
        if not touched:
            continue
        count += 1
        at = _missing(query)
        if at is not None:
            found.append(at)
    return Sites(count, found) if count else Skip("no relationship of several rows is used")


def _missing(query: Query) -> At | None:
    lazy = _lazy(query.cls)
    for name in sorted(query.used & lazy.keys()):
        if not _is_asked_for(query, name):
            text = f"`{query.cls.name}.{name}` is loaded for each row"
            weight = 0.5 if lazy[name] in _RAISES else 1.0
            return At(
                query.call.line, text, weight=weight, anchor=name,
                symbol=query.call.file.symbol_at(query.call.line),
            )  # fmt: skip
    return None


def _is_asked_for(query: Query, name: str) -> bool:
    """Whether an option of the query loads a relationship, or may do so."""
    for call in query.options.values():
        for arg in call.fact.args:
            if not isinstance(arg, tree.CallRef):
                return True
            for node in tree.walk(arg, call.file.facts):
                text = node.id if isinstance(node, tree.Name) else tree.text_of(node)
                last = (text or "").rpartition(".")[2]
                if last in {name, "*"} and not _only_narrows(call.file, arg):
                    return True
            made = call.file.calls[arg.index]
            if made.last not in _LOADS | _NOT_EAGER and made.receiver is None:
                return True
    return False


def _only_narrows(file: File, expr: tree.CallRef) -> bool:
    """Whether no option of a chain loads anything: ``load_only``, ``noload`` by themselves."""
    link: Expr | None = expr
    for _ in range(_CHAIN):
        if not isinstance(link, tree.CallRef):
            break
        call = file.calls[link.index]
        if call.last not in _NOT_EAGER:
            return False
        link = call.receiver
    return True


def _relationships(cls: Class) -> dict[str, str]:
    """How a model's relationships are loaded, by attribute; "select" is the default."""
    known: dict[str, str] | None = cls.file.memo.setdefault("relationships", {}).get(cls.key)
    if known is not None:
        return known
    found: dict[str, str] = {}
    for owner in (*reversed(cls.file.project.models.bases(cls)), cls):
        for name, fact in owner.attributes.items():
            if isinstance(fact.value, tree.CallRef):
                call = owner.file.calls[fact.value.index]
                if owner.file.resolve(call.fact.func).rpartition(".")[2] in _RELATIONSHIPS:
                    found[name] = _loading(owner, fact, fact.value)
    cls.file.memo["relationships"][cls.key] = found
    return found


def _loading(owner: Class, fact: Assign, value: tree.CallRef) -> str:
    hint = owner.file.resolve(fact.annotation).rpartition(".")[2]
    if hint in {"WriteOnlyMapped", "DynamicMapped"}:
        return "dynamic"
    call = owner.file.calls[value.index]
    given: Expr | None = call.fact.keyword("lazy")
    spread = call.fact.keyword("sa_relationship_kwargs")
    if isinstance(spread, tree.Map):
        for key, each in zip(spread.keys, spread.values, strict=True):
            if key is not None and tree.text_of(key) == "lazy":
                given = each
    if isinstance(given, tree.Const) and given.kind == "bool":
        return "select" if given.value else "joined"
    return "select" if given is None else tree.text_of(given) or "?"


def _lazy(cls: Class) -> dict[str, str]:
    """Relationships that load when they are touched, or refuse to."""
    found = _relationships(cls)
    wanted = {"select"} | _RAISES
    return {name: how for name, how in found.items() if how in wanted}


def _eager(cls: Class) -> set[str]:
    return {name for name, how in _relationships(cls).items() if how in _EAGER}
