"""Checks of writes that belong together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.project.layers import is_service_class
from checks.project.project import Project
from checks.project.statements import DATA, read_sql, statement_of
from checks.project.subjects import Call, File, Function

_ADDS = frozenset(
    "add add_all delete merge bulk_save_objects bulk_insert_mappings bulk_update_mappings".split()
)
_RUNS = frozenset({"execute", "exec", "scalar", "scalars"})
_REPOSITORY = re.compile(r"^(add|create|update|delete|save)(_|$)")
_NAMED_REPOSITORY = re.compile(r"(^|_)(repo|repository|crud|dao)$", re.IGNORECASE)
_ENDS = frozenset({"Return", "Raise"})
_NEXT = frozenset({"Continue", "Break"})
_LOOPS = frozenset({"for", "async for", "while"})
_WITH = frozenset({"with", "async with"})
_EXITS = frozenset({"__exit__", "__aexit__", "dispatch"})
_NAMES = frozenset({"update", "commit", "begin"}) | _ADDS | _RUNS
_LEVELS = 2
_MOST = 40


def _writes_in_services(project: Project) -> str | None:
    """Service modules, and production code that writes rows."""
    layers = project.layers
    served = any(
        layers.is_service_module(file) or any(is_service_class(cls) for cls in file.classes)
        for file in project.production
    )
    if not served:
        return "no service module"
    writes = any(
        _is_write(call) for file in project.production for call in file.calls_named(*_NAMES)
    )
    return None if writes else "no row is written"


@check("multi-write-transaction", applies=_writes_in_services)
def multi_write_transaction(file: File) -> Answer:
    """Writes that belong together are one transaction.

    A failure between two commits leaves half of the work behind, and nobody takes it back.

    Instead: ``async with session.begin():`` or one unit of work around them, one commit.

    Known problems: writes are those of the function's own body and of repositories that it
    calls; attributes of rows that are set are none; who commits when a function does not is
    looked for in its callers, in dependencies, units of work and middleware; of a function
    the first forty writes and commits are judged.
    """
    layers, handlers = file.project.layers, _handlers(file)
    count, found = 0, []
    if file.is_test or not (handlers or _may_serve(file)):
        return Skip("neither a service nor a handler")
    for function in file.functions:
        if function.index not in handlers and not layers.in_service(function, file):
            continue
        events = _events(function)
        pairs = _pairs(events)
        if not pairs:
            continue
        count += 1
        call, text = _broken(events) or _unfinished(function, events, pairs) or (None, "")
        if call is not None:
            found.append(At(call.line, text, column=call.fact.column, symbol=function.symbol,
                            anchor=call.last))  # fmt: skip
    return Sites(count, found) if count else Skip("no function with two writes")


def _handlers(file: File) -> set[int]:
    """Route handlers of a file."""
    memo = file.project.models.memo
    if "handlers" not in memo:
        places: dict[str, set[int]] = {}
        for route in file.project.routes.handlers:
            places.setdefault(route.function.path, set()).add(route.function.index)
        memo["handlers"] = places
    found: set[int] = memo["handlers"].get(file.path, set())
    return found


def _may_serve(file: File) -> bool:
    return file.project.layers.is_service_module(file) or any(map(is_service_class, file.classes))


# What a function does, in order ------------------------------------------------------------------


class _Event(msgspec.Struct, frozen=True):
    """A write, a commit, or a write that commits by itself; ``block`` is where it takes effect."""

    call: Call
    writes: bool
    commits: bool
    block: int
    line: int


def _events(function: Function) -> list[_Event]:
    found: list[_Event] = []
    ends: list[_Event] = []
    for call in function.calls:
        if call.last == "begin":
            block = _opened(call)
            if block is not None:
                row = call.file.facts.blocks[block]
                ends.append(_Event(call, False, True, row.parent, row.end_line))
        elif call.last == "commit":
            if _is_commit(call) and not _in_chunks(call):
                found.append(_Event(call, False, True, call.fact.block, call.line))
        elif call.last in _NAMES and _is_write(call):
            found.append(_Event(call, True, False, call.fact.block, call.line))
        elif _REPOSITORY.search(call.last):
            commits = _repository_commits(call)
            if commits is not None:
                found.append(_Event(call, True, commits, call.fact.block, call.line))
    return sorted([*found, *ends], key=lambda each: each.line)[:_MOST]


def _is_write(call: Call) -> bool:
    """Whether a call writes rows through a session."""
    database = call.file.project.database
    if call.last in _ADDS and database.operation(call):
        return database.is_session(call.file, call.receiver, call.function)
    if call.last in _RUNS:
        if not call.fact.args or not database.operation(call):
            return False
        argument = call.fact.args[0]
        made = statement_of(call, argument)
        rows = [made] if made is not None else read_sql(call, argument)
        return any(each.verb in DATA for each in rows)
    if call.last in {"update", "delete"} and isinstance(call.receiver, tree.CallRef):
        made = statement_of(call)
        return made is not None and made.queried
    return False


def _is_commit(call: Call) -> bool:
    """A commit of a session or of a unit of work."""
    if call.file.project.database.operation(call) == "commit":
        return True
    name = tree.dotted(call.receiver).rpartition(".")[2].lower()
    return name in {"uow", "unit_of_work", "_uow", "transaction", "tx"}


def _in_chunks(call: Call) -> bool:
    """Below an ``if`` within a loop: every n rows."""
    for _, block in call.file.blocks_around(call.fact.block):
        if block.kind in _LOOPS:
            return False
        if block.kind == "if":
            around = call.file.blocks_around(block.parent)
            return any(each.kind in _LOOPS for _, each in around)
    return False


def _opened(call: Call) -> int | None:
    """The ``with`` that a call of ``begin`` opens."""
    entered = call.file.tables.entered.get(call.index)
    return None if entered is None else entered[0]


def _repository_commits(call: Call) -> bool | None:
    """Whether a repository's write commits by itself; None when it is no such write."""
    project = call.file.project
    targets = [
        each
        for each in project.calls.resolve(call)
        if project.layers.in_repository(each, each.file)
    ]
    if targets:
        return any(
            each.last == "commit" and _is_commit(each)
            for target in targets
            for reached in project.calls.reachable(target, 1)
            for each in reached.calls
        )
    name = tree.dotted(call.receiver).rpartition(".")[2]
    return False if _NAMED_REPOSITORY.search(name) else None


# Which follow one another ------------------------------------------------------------------------


def _pairs(events: Sequence[_Event]) -> list[tuple[_Event, _Event]]:
    """Two writes of which the second may follow the first."""
    writes = [each for each in events if each.writes]
    return [
        (first, second)
        for place, first in enumerate(writes)
        for second in writes[place + 1 :]
        if _follows(first, second)
    ]


def _follows(first: _Event, second: _Event) -> bool:
    """Whether what comes first in the text may be followed by what comes second in one run."""
    file = first.call.file
    before = dict(file.blocks_around(first.block))
    after = dict(file.blocks_around(second.block))
    for index, block in before.items():
        if index in after:
            continue
        if block.last in _ENDS:
            return False
        if block.last in _NEXT and _share_loop(before, after):
            return False
    for block in after.values():
        if block.peer in before and block.peer not in after and block.kind in {"else", "except"}:
            return False
    peers = {block.peer for i, block in before.items() if block.kind in {"case", "except"}
             and i not in after}  # fmt: skip
    return not any(
        block.kind in {"case", "except"} and block.peer in peers and index not in before
        for index, block in after.items()
    )


def _share_loop(before: dict[int, tree.Block], after: dict[int, tree.Block]) -> bool:
    return any(block.kind in _LOOPS and index in after for index, block in before.items())


def _broken(events: Sequence[_Event]) -> tuple[Call, str] | None:
    """The first write that a commit separates from one before it."""
    for place, second in enumerate(events):
        if not second.writes:
            continue
        earlier = events[:place]
        for number, commit in enumerate(earlier):
            if not commit.commits or not _follows(commit, second):
                continue
            writes = [commit] if commit.writes else earlier[:number]
            if any((w.writes and _follows(w, commit) and _follows(w, second)) or w is commit
                   for w in writes):  # fmt: skip
                what = "commits by itself" if commit.writes else "is committed"
                name = second.call.last
                return second.call, f"`{name}` writes after what was written before {what}"
    return None


# Who commits at the end --------------------------------------------------------------------------


def _unfinished(
    function: Function, events: Sequence[_Event], pairs: Sequence[tuple[_Event, _Event]]
) -> tuple[Call, str] | None:
    """The second write where nothing at all commits what handlers write."""
    if any(each.commits for each in events) or _ends_elsewhere(function.file.project):
        return None
    second = pairs[0][1].call
    if function.index in _handlers(function.file):
        chain = [function]
    else:
        chain = list(_callers(function))
        if not any(each.index in _handlers(each.file) for each in chain):
            return None
    graph = function.file.project.calls
    reached = {each for start in chain for each in graph.reachable(start, _LEVELS)}
    if any(
        call.last in {"commit", "begin"} for each in (function, *reached) for call in each.calls
    ):
        return None
    return second, f"nothing commits what `{function.name}` writes"


def _callers(function: Function) -> Iterator[Function]:
    graph = function.file.project.calls
    front, seen = [function], {function}
    for _ in range(_LEVELS):
        reached = [
            call.function
            for each in front
            for call in graph.callers(each)
            if call.function is not None and call.function not in seen
        ]
        seen.update(reached)
        yield from reached
        front = reached


def _ends_elsewhere(project: Project) -> bool:
    """Whether a dependency, a unit of work, a decorator or a middleware ends transactions."""
    memo = project.models.memo
    if "ends" not in memo:
        memo["ends"] = any(
            _ends_for_others(call) for file in project.production for call in _endings(file)
        )
    return bool(memo["ends"])


def _endings(file: File) -> Iterator[Call]:
    for call in file.calls_named("commit", "begin", "sessionmaker", "async_sessionmaker"):
        if call.last in {"commit", "begin"} or call.fact.keyword("autocommit") is not None:
            yield call


def _ends_for_others(call: Call) -> bool:
    function = call.function
    if function is None or call.last not in {"commit", "begin"}:
        return True
    if function.fact.generator or function.name in _EXITS or function.parent is not None:
        return True
    return function.param("call_next") is not None or "middleware" in call.path
