"""The check of tests that give another result another day, or take their time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.assertions import assertions
from checks.project.subjects import Call, File, Function
from checks.rules.applies import has_tests

_CLOCK = frozenset(
    """datetime.datetime.now datetime.datetime.utcnow datetime.datetime.today datetime.date.today
    time.time time.time_ns django.utils.timezone.now pendulum.now arrow.now arrow.utcnow""".split()
)
_CLOCK_NAMES = ("now", "utcnow", "today", "time", "time_ns")
_CHANCE = ("random.", "numpy.random.", "secrets.")
_CHANCE_NAMES = frozenset({"uuid.uuid4", "uuid.uuid1", "os.urandom"})
_SEEDING = frozenset({"seed", "seed_instance", "Random", "default_rng", "RandomState"})
_FREEZING = re.compile(
    r"freez|time_?machine|travel|clock|frozen|mock_(?:now|time|date)|fixed_", re.I
)
_WAITING = frozenset({"time.sleep", "asyncio.sleep", "anyio.sleep", "trio.sleep"})
_ENDLESS = 60
"""A stub of a test that waits so long, in seconds, hangs: it is cancelled, not waited for."""
_SLOW = frozenset({"slow", "load", "performance", "benchmark"})
_ORDERED = ("Lt", "LtE", "Gt", "GtE")
_TOLERANT = frozenset({"approx", "isclose", "total_seconds", "timedelta", "assertAlmostEqual"})
_PUTS = frozenset("append add update insert extend clear pop remove setdefault".split())


@check("test-determinism", scope="test", each="aspects", applies=has_tests)
def determinism(
    file: File,
    entry: str,
    *,
    aspects: Sequence[str] = ("time", "random", "sleep", "order"),
    max_sleep_seconds: float = 0,
) -> Answer:
    """A test gives the same result each time, and at once.

    A test that fails some days is run again instead of read.

    Instead: freeze the clock, seed what is random, wait for an event.

    Known problems: a value is followed within its test and into the function of the project
    that it calls. Bounds and tolerances are no assertion on the exact value. A time that the test
    hands over itself is an injected one, and so is a value of chance that it sends and expects
    back; it is judged where it is compared with a literal. A nested stub that hangs for a minute
    or more is taken to be cancelled. ``order`` sees globals of the module that one test changes
    and another one reads.
    """
    tests = file.project.suite.collected(file)
    if not tests:
        return Skip("no test function")
    match entry:
        case "sleep":
            calls = _sleep_calls(file)
            waits = [_sleeps(test, calls.get(test.index, ()), max_sleep_seconds) for test in tests]
            found = [at for at in waits if at is not None]
        case "order":
            found = list(_ordered(file, tests))
        case _:
            found = [at for test in tests if (at := _varies(test, entry))]
    return Sites(len(tests), found)


def _sleep_calls(file: File) -> dict[int, list[Call]]:
    """Calls that wait, by each function around them."""
    found: dict[int, list[Call]] = {}
    for call in file.calls_named(*_sleep_names(file)):
        if not call.fact.args or file.resolve(call.fact.func, call.function) not in _WAITING:
            continue
        around = call.function
        while around is not None:
            found.setdefault(around.index, []).append(call)
            around = around.parent
    return found


def _sleeps(test: Function, calls: Sequence[Call], most: float) -> At | None:
    for call in calls:
        value = call.fact.args[0]
        seconds = value.value if isinstance(value, tree.Const) else None
        if isinstance(seconds, int | float) and seconds > most:
            if call.fact.function != test.index and (
                seconds >= _ENDLESS or test.file.project.suite.marks(test) & _SLOW
            ):
                continue
            text = f"`{test.name}` sleeps for {seconds} s"
            return At(call.line, text, symbol=test.symbol, measured=str(seconds), limit=str(most),
                      anchor="sleep")  # fmt: skip
    return None


def _sleep_names(file: File) -> list[str]:
    renamed = {row.alias for row in file.facts.imports if row.name == "sleep" and row.alias}
    return ["sleep", *sorted(renamed - {"sleep"})]


# The clock and chance -----------------------------------------------------------------------------


def _varies(test: Function, entry: str) -> At | None:
    """An assertion on a value of the clock, or of chance, that nothing holds fast."""
    file = test.file
    rows = [row for row in assertions(test) if row.kind != "context"]
    sources = list(_sources(test, entry)) if rows else []
    if not sources or _held(test, entry):
        return None
    names = _tainted(test, {call.index for call in sources})
    by_index = {call.index: call for call in sources}
    for row in rows:
        for expr in row.exprs if row.call < 0 else _arguments(file, row.call):
            origin = _exact(test, expr, names, by_index)
            if origin is not None:
                word = "the clock" if entry == "time" else "chance"
                text = f"`{test.name}` asserts on a value of {word}"
                return At(origin.line, text, symbol=test.symbol, anchor=entry)
    return None


def _arguments(file: File, index: int) -> tuple[Expr, ...]:
    call = file.facts.calls[index]
    return (tree.Op("Compare:Eq", call.args),) if len(call.args) > 1 else ()


def _sources(test: Function, entry: str) -> Iterator[Call]:
    """Calls in a test that ask the clock or chance, in the called function too."""
    for call in test.calls:
        if _asks(call, entry):
            yield call
            continue
        if call.last.startswith("assert"):
            continue
        for function in test.file.project.calls.resolve(call)[:2]:
            if function.file.is_test or function.name == "__init__":
                continue
            if any(_asks(inner, entry) and _is_returned(function, inner)
                   for inner in function.calls):  # fmt: skip
                yield call
                break


def _is_returned(function: Function, call: Call) -> bool:
    """The value goes straight to the caller: ``return datetime.now()``."""
    return any(
        isinstance(value, tree.CallRef) and value.index == call.index for value in function.returned
    )


def _asks(call: Call, entry: str) -> bool:
    last = call.last
    if entry == "time":
        if last not in _CLOCK_NAMES:
            return False
        return call.file.resolve(call.fact.func, call.function) in _CLOCK
    name = call.file.resolve(call.fact.func, call.function)
    if name in _CHANCE_NAMES:
        return True
    if name.startswith(_CHANCE):
        return last not in _SEEDING and last not in {"compare_digest", "shuffle"}
    head = tree.dotted(call.receiver).partition(".")[0]
    return bool(head) and head in {"faker", "fake"}


def _held(test: Function, entry: str) -> bool:
    """Whether the clock is frozen, or chance seeded, for a test."""
    fixtures = test.file.project.suite.around(test)
    functions = [test, *fixtures]
    owner = test.cls
    if entry == "random":
        return any(call.last in _SEEDING for f in functions for call in f.calls) or any(
            test.file.calls[index].last in _SEEDING for index in test.file.scope.calls.get(-1, ())
        )
    decorators = [*test.fact.decorators, *(owner.fact.decorators if owner else ())]
    texts = [test.file.resolve(each.value) for each in decorators]
    texts += [param.name for param in test.fact.params]
    texts += [fixture.name for fixture in fixtures]
    texts += [tree.dotted(call.fact.func) for f in functions for call in f.calls]
    if any(_FREEZING.search(text) for text in texts):
        return True
    patched = (call for f in functions for call in f.calls if call.last in _PATCHING)
    in_decorators = (
        test.file.calls[each.value.index]
        for each in decorators
        if isinstance(each.value, tree.CallRef)
    )
    return any(_patches_clock(call) for call in (*patched, *in_decorators))


_PATCHING = frozenset({"patch", "object", "setattr", "patch_object"})


def _patches_clock(call: Call) -> bool:
    texts = [tree.text_of(arg) or tree.dotted(arg) for arg in call.fact.args]
    return any(re.search(r"(?:^|[._])(?:datetime|time|date|now|utcnow|today)$", t) for t in texts)


def _tainted(test: Function, sources: set[int]) -> dict[str, int]:
    """Local names that hold such a value, with the call it came from; in order of lines."""
    found: dict[str, int] = {}
    for row in sorted(test.assigns, key=lambda each: each.line):
        origin = _direct(test, row.value, found, sources)
        for target in row.targets:
            name = tree.dotted(target)
            if name and origin is not None:
                found.setdefault(name, origin)
    return found


def _direct(
    test: Function, value: Expr | None, names: dict[str, int], sources: set[int]
) -> int | None:
    """The call that a value comes from, where it is that value or a part or sum of it."""
    stack = [] if value is None else [value]
    while stack:
        node = stack.pop()
        if isinstance(node, tree.CallRef):
            if node.index in sources:
                return node.index
            call = test.file.calls[node.index]
            if call.receiver is not None and not call.last[:1].isupper():
                stack.append(call.receiver)
            if call.file.resolve(call.fact.func, test).startswith("builtins."):
                stack.extend(call.fact.args)
        elif isinstance(node, tree.Name):
            origin = names.get(node.id) or names.get(node.id.partition(".")[0])
            if origin is not None:
                return origin
        elif isinstance(node, tree.Bin | tree.Attr | tree.Item | tree.Fmt):
            stack.extend(tree.children(node))
        elif isinstance(node, tree.Op) and node.kind == "Await":
            stack.extend(node.items)
    return None


def _exact(
    test: Function, expr: Expr, names: dict[str, int], sources: dict[int, Call]
) -> Call | None:
    """The call behind an operand that an assertion compares for equality."""
    if not isinstance(expr, tree.Op) or not expr.kind.startswith("Compare:"):
        return None
    if any(kind in _ORDERED for kind in expr.kind.partition(":")[2].split(",")):
        return None
    if expr.kind not in {"Compare:Eq", "Compare:NotEq"} or len(expr.items) < 2:
        return None
    facts = test.file.facts
    for node in tree.walk(expr, facts):
        if isinstance(node, tree.CallRef) and facts.calls[node.index].last in _TOLERANT:
            return None
    origins = [_direct(test, item, names, set(sources)) for item in expr.items]
    given = [origin for origin in origins if origin is not None]
    if not given or (len(given) > 1 and len(set(given)) == 1):
        return None
    expected = [item for item, each in zip(expr.items, origins, strict=True) if each is None]
    is_literal = len(expr.items) == 2 and any(isinstance(item, tree.Const) for item in expected)
    if not is_literal and _is_injected(test, given[0], names):
        return None
    return sources[given[0]]


def _is_injected(test: Function, origin: int, names: dict[str, int]) -> bool:
    """Whether the value is handed to what is tested, and so is no surprise to it."""
    held = {name for name, source in names.items() if source == origin}
    given = [
        argument
        for call in test.calls
        if call.index != origin and not _only_looks(test.file, call)
        for argument in call.arguments
    ]
    given += [
        row.value
        for row in test.assigns
        if row.value is not None
        and (
            isinstance(row.value, tree.Map | tree.Seq)
            or any(not isinstance(target, tree.Name) or "." in target.id for target in row.targets)
        )
    ]
    given += [each for _, block in test.blocks if block.kind == "for" for each in block.exprs]
    return any(
        isinstance(node, tree.Name) and not held.isdisjoint({node.id, node.id.partition(".")[0]})
        for value in given
        for node in tree.walk(value, test.file.facts)
    )


def _only_looks(file: File, call: Call) -> bool:
    if call.last.startswith("assert"):
        return True
    return file.resolve(call.fact.func, call.function).startswith("builtins.")


# Order --------------------------------------------------------------------------------------------


def _ordered(file: File, tests: list[Function]) -> Iterator[At]:
    """Tests that read a global which another test of the module changes."""
    module = {
        tree.dotted(target)
        for row in file.tables.assigns.get(-1, ())
        for target in row.targets
        if row.cls < 0 and isinstance(row.value, tree.Seq | tree.Map | tree.Const | tree.CallRef)
    }
    changed: dict[str, Function] = {}
    for test in tests:
        for name in _globals_changed(test) & module:
            changed.setdefault(name, test)
    if not changed:
        return
    for test in tests:
        for row in assertions(test):
            read = {n.id.partition(".")[0] for expr in row.exprs
                    for n in tree.walk(expr, file.facts) if isinstance(n, tree.Name)}  # fmt: skip
            shared = sorted(name for name in read & changed.keys() if changed[name] != test)
            shared = [name for name in shared if name not in _globals_changed(test)]
            if shared:
                text = f"`{test.name}` reads `{shared[0]}`, which another test changes"
                yield At(row.line, text, symbol=test.symbol, anchor=shared[0])
                break


def _globals_changed(test: Function) -> set[str]:
    """Globals that a test assigns after ``global``."""
    named = {name for row in test.statements if row.kind == "global" for name in row.names}
    found = {tree.dotted(t) for row in test.assigns for t in row.targets} & named
    local = test.file.scope.local.get(test.index, {})
    for row in test.assigns:
        for target in row.targets:
            if isinstance(target, tree.Item) and isinstance(target.value, tree.Name):
                found |= {target.value.id} - local.keys()
    for call in test.calls:
        head = tree.dotted(call.receiver)
        if call.last in _PUTS and head and head not in local and test.param(head) is None:
            found.add(head)
    return found
