"""Checks of external calls: that somebody expects them to fail."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence

from checks.check import At, Sites, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.exceptions import nested
from checks.project.externals import External
from checks.project.given import Given, source
from checks.project.project import Project
from checks.project.subjects import Call, Except, Function

_BROAD = frozenset({"builtins.Exception", "builtins.BaseException"})
_SYSTEM = frozenset(
    "OSError IOError ConnectionError ConnectionRefusedError ConnectionResetError TimeoutError "
    "FileNotFoundError PermissionError FileExistsError EnvironmentError IsADirectoryError".split()
)
_CATCHING: dict[str, tuple[str, ...]] = {
    "httpx": ("httpx.", "httpcore."),
    "requests": ("requests.", "urllib3."),
    "aiohttp": ("aiohttp.",),
    "urllib": ("urllib.error.", "http.client."),
    "urllib3": ("urllib3.",),
    "boto3": ("botocore.", "boto3."),
    "smtplib": ("smtplib.", "socket."),
    "aiosmtplib": ("aiosmtplib.",),
    "redis": ("redis.", "aioredis.", "valkey."),
    "kafka": ("kafka.", "aiokafka."),
    "pika": ("pika.", "aio_pika.", "aiormq."),
    "grpc": ("grpc.",),
    "database": ("sqlalchemy.", "psycopg", "asyncpg.", "sqlite3.", "tortoise.", "pymongo."),
    "files": ("shutil.", "aiofiles."),
}
_DOCUMENT_WRITES = frozenset(
    "create bulk_create update_or_create insert insert_one insert_many save replace".split()
)
_FILES = frozenset(
    "builtins.open aiofiles.open os.remove os.rename os.replace os.makedirs os.mkdir os.unlink "
    "os.rmdir os.listdir shutil.copy shutil.copy2 shutil.copyfile shutil.copyfileobj shutil.move "
    "shutil.rmtree shutil.copytree".split()
)
_PATH_METHODS = frozenset(
    "read_text read_bytes write_text write_bytes open unlink mkdir rename rmdir touch".split()
)


def _makes_external_calls(project: Project) -> str | None:
    if project.externals.all or any(True for _ in _service_operations(project)):
        return None
    return "no external call"


@check("external-call-policy", applies=_makes_external_calls)
def external_call_policy(project: Project, *, require: Sequence[str] = ("try-except",)) -> Sites:
    """Who calls another process expects it to fail.

    Networks and other services fail every day; without a guard their failure is ours.

    Instead: catch its specific exceptions, log it, set a timeout, retry with backoff, put it
    behind a breaker.

    Known problems: a guard is looked for in the function, its decorators and its first-party
    callers one level up. Comments that explain a missing retry are not read. Clients that wait
    for a limited time by themselves need no timeout; boto3 retries by itself. Rows count as
    written where a transaction is flushed or committed or a statement that changes them is run.
    """
    count, found = 0, list[At]()
    for entry in require:
        sites: Iterable[External] = project.externals.all
        if entry == "try-except":
            sites = [*sites, *_service_operations(project)]
        for each in sites:
            count += 1
            if not _KINDS[entry](each):
                call = each.call
                text = f"`{call.last}` of {each.library} {_FAULTS[entry]}"
                found.append(At(call.line, text, path=call.path, column=call.fact.column,
                                anchor=f"{entry} {call.last}"))  # fmt: skip
    return Sites(count, found)


def _service_operations(project: Project) -> Iterator[External]:
    """Writes to the database and operations on files in services."""
    database = project.database
    for function in project.externals.service_functions():
        own = database.operations(function.file)
        for call in function.calls:
            operation = own.get(call.index, "")
            writes = operation in {"commit", "flush"} or operation.startswith("bulk_")
            writes = writes or (operation in _DOCUMENT_WRITES and operation == call.last)
            if writes or (operation in {"execute", "exec"} and database.changes_rows(call)):
                yield External(call, "database", "")
            elif not operation and _is_file_operation(call):
                yield External(call, "files", "")


def _is_file_operation(call: Call) -> bool:
    if call.file.resolve(call.fact.func, call.function) in _FILES:
        return True
    if call.last not in _PATH_METHODS or call.receiver is None:
        return False
    return call.file.type_of(call.receiver, call.function) in {"pathlib.Path", "anyio.Path"}


def _here_or_above(call: Call, holds: Callable[[Call], bool]) -> bool:
    """Whether something holds for a call, or for all calls of the function it stands in."""
    if holds(call):
        return True
    function = call.function
    if function is None:
        return False
    project = function.file.project
    callers = [*project.calls.callers(function), *_handed_on(project, function)]
    return bool(callers) and all(holds(each) for each in callers)


def _handed_on(project: Project, function: Function) -> Iterator[Call]:
    """Calls that are given a function to run it: ``to_thread(send, message)``."""
    for call in project.lifetimes.handed.get(function.name, ()):
        if any(call.file.resolve(arg, call.function) == function.key for arg in call.arguments):
            yield call


def _decorators(call: Call) -> Iterator[tuple[Given, str]]:
    """The decorators of the function around a call and of its class, with their names."""
    function = call.function
    while function is not None:
        rows = list(function.fact.decorators)
        rows += function.cls.fact.decorators if function.cls is not None else ()
        for row in rows:
            given = Given(call.file, row.value, function.parent)
            yield given, call.file.resolve(row.value, function.parent)
        function = function.parent


# Caught -------------------------------------------------------------------------------------------


def _is_tried(each: External) -> bool:
    def guarded(call: Call) -> bool:
        exceptions, function = call.file.project.exceptions, call.function
        if exceptions.suppressed(call.file, call.fact.block, function):
            return True
        around = exceptions.around(call.file, call.fact.block, function)
        if any(_matches(clause, each.library) for clauses in around for clause in clauses):
            return True
        decorated = () if function is None else exceptions.decorated(function)
        return any(_matches(clause, each.library) for clause in decorated)

    return _here_or_above(each.call, guarded)


def _matches(clause: Except, library: str) -> bool:
    """Whether a clause catches failures of a library; what cannot be told may do so."""
    types = clause.types
    if not types or "" in types or not _BROAD.isdisjoint(types):
        return True
    for name in types:
        lineage = clause.file.project.classes.by_key.get(name)
        names = [name, *(lineage.ancestors if lineage is not None else ())]
        if any(one.startswith(_CATCHING[library]) for one in names):
            return True
        if name.rpartition(".")[2] in _SYSTEM and name.startswith(("builtins.", "asyncio.")):
            return True
    return False


# Logged -------------------------------------------------------------------------------------------


def _is_logged(each: External) -> bool:
    project, function = each.call.file.project, each.call.function
    if function is not None and project.externals.remembered(
        f"logged in {function.key}:{function.line}", lambda: _logs(project, function, each.call)
    ):
        return True
    if _instrumented(project, each.library):
        return True
    return _constructed(each, "hooks", lambda made: made.fact.keyword("event_hooks") is not None)


def _logs(project: Project, function: Function, call: Call) -> bool:
    """Whether a function, one that it is nested in or a decorator of it makes log calls."""
    current: Function | None = function
    while current is not None:
        if project.logs.of_function(current):
            return True
        current = current.parent
    for _, name in _decorators(call):
        made = project.names.function_named(name)
        if made is not None and any(project.logs.of_function(inner) for inner in nested(made)):
            return True
    return False


def _constructed(each: External, key: str, holds: Callable[[Call], bool]) -> bool:
    """Whether something holds for a construction that the client of a call may come from."""
    externals = each.call.file.project.externals
    made = externals.constructions(each) if each.client else []
    if len(made) < 2:
        return any(map(holds, made))
    return externals.remembered(f"{key} of {each.client}", lambda: any(map(holds, made)))


def _instrumented(project: Project, library: str) -> bool:
    """Whether a tracer watches all calls of a library."""
    wanted = library.replace("boto3", "boto").lower()
    names = project.externals.remembered("instrumentors", lambda: _instrumentors(project))
    return any(wanted in name for name in names)


def _instrumentors(project: Project) -> frozenset[str]:
    found = set()
    for file in project.production:
        for call in file.calls_by_name.get("instrument", ()):
            named = call.receiver if call.receiver is not None else call.fact.func
            name = file.resolve(named, call.function).rpartition(".")[2].lower()
            if "instrumentor" in name:
                found.add(name)
    return frozenset(found)


# Limited in time ----------------------------------------------------------------------------------

_LIMITS = frozenset("timeout timeout_at fail_after move_on_after wait_for".split())
_UNLIMITED = frozenset({"requests", "aiohttp"})


def _has_timeout(each: External) -> bool:
    call = each.call
    given = call.fact.keyword("timeout")
    if given is not None:
        return not _is_none(given)
    if each.library not in {*_UNLIMITED, "httpx"} or call.spreads or _is_limited(call):
        return True
    if each.library == "httpx":  # limits by itself, unless every client is told not to
        return (
            not each.client
            or not _constructed(each, "unlimited", _is_unlimited)
            or (_constructed(each, "limited", lambda made: not _is_unlimited(made)))
        )
    if each.library == "requests" and _is_mounted(each, "timeout"):
        return True
    return _constructed(each, "timeout", _is_limiting)


def _is_unlimited(made: Call) -> bool:
    given = made.fact.keyword("timeout")
    return given is not None and _is_none(given)


def _is_limiting(made: Call) -> bool:
    given = made.fact.keyword("timeout")
    return made.spreads if given is None else not _is_none(given)


def _is_none(expr: Expr) -> bool:
    return isinstance(expr, tree.Const) and expr.kind == "NoneType"


def _is_limited(call: Call) -> bool:
    """Inside ``async with timeout(...)`` or ``wait_for(...)``, or under such a decorator."""
    file = call.file
    for _, block in file.blocks_around(call.fact.block):
        if block.kind in {"with", "async with"}:
            for expr in block.exprs:
                if isinstance(expr, tree.CallRef) and file.calls[expr.index].last in _LIMITS:
                    return True
    if call.index in _waited_for(call):
        return True
    return any("timeout" in name.rpartition(".")[2] for _, name in _decorators(call))


def _waited_for(call: Call) -> frozenset[int]:
    """The calls of a file that ``wait_for(...)`` is given."""
    file = call.file
    return file.project.externals.remembered(
        f"waited for in {file.path}",
        lambda: frozenset(
            node.index
            for other in file.calls_named("wait_for")
            for arg in other.fact.args
            for node in tree.walk(arg, file.facts)
            if isinstance(node, tree.CallRef)
        ),
    )


def _is_mounted(each: External, word: str) -> bool:
    """Whether a session of requests is given an adapter that says so."""
    project = each.call.file.project
    return project.externals.remembered(f"mounted {word}", lambda: _mounts(project, word))


def _mounts(project: Project, word: str) -> bool:
    for file in project.production:
        for call in file.calls_by_name.get("mount", ()):
            for arg in call.fact.args[1:]:
                adapter = source(Given(file, arg, call.function))
                for node in tree.walk(adapter.expr, adapter.file.facts):
                    if isinstance(node, tree.CallRef):
                        made = adapter.file.calls[node.index]
                        keywords = {item.name for item in made.fact.keywords}
                        if word in made.last.lower() or any(word in name for name in keywords):
                            return True
    return False


# Retried ------------------------------------------------------------------------------------------

_GROWING = frozenset(
    "wait_exponential wait_random_exponential wait_exponential_jitter wait_incrementing wait_chain "
    "expo fibo ExponentialBackoff ExponentialWithJitterBackoff FullJitterBackoff".split()
)
_FLAT = frozenset("wait_fixed wait_none wait_random constant".split())
_GROWING_OPTIONS = frozenset(
    "retry_backoff backoff backoff_factor wait_exponential_multiplier wait_exp_base".split()
)


def _is_retried(each: External) -> bool:
    if each.library == "boto3" or _has_idempotency_key(each.call):
        return True
    if _here_or_above(each.call, _is_retried_here):
        return True
    if _constructed(each, "retries", _retries_itself):
        return True
    return each.library == "requests" and _is_mounted(each, "backoff")


def _is_retried_here(call: Call) -> bool:
    for given, name in _decorators(call):
        last = name.rpartition(".")[2]
        if (_says_retry(name) or last in {"task", "shared_task"}) and _grows(given, name):
            return True
    for _, block in call.file.blocks_around(call.fact.block):
        if block.kind in {"for", "async for", "while"} and _loops_with_growing_waits(call, block):
            return True
    return False


def _says_retry(name: str) -> bool:
    module, _, last = name.rpartition(".")
    return "retry" in last.lower() or module.partition(".")[0] in {"backoff", "stamina", "tenacity"}


def _grows(given: Given, name: str) -> bool:
    """Whether a retry waits longer each time, as far as its options tell."""
    if name.startswith("stamina."):
        return True
    given = source(given)
    words, options = set[str](), set[str]()
    for node in tree.walk(given.expr, given.file.facts):
        if isinstance(node, tree.Name):
            words.add(node.id.rpartition(".")[2])
            constant = source(given.at(node))
            if isinstance(constant.expr, tree.CallRef):
                words.add(constant.file.calls[constant.expr.index].last)
        elif isinstance(node, tree.CallRef):
            options |= {item.name for item in given.file.calls[node.index].fact.keywords}
    if words & _GROWING or options & _GROWING_OPTIONS:
        return True
    # a decorator of our own that says retry is believed
    ours = given.file.project.names.function_named(name) is not None
    return ours and not words & _FLAT


def _loops_with_growing_waits(call: Call, block: tree.Block) -> bool:
    file = call.file
    for expr in block.exprs:
        if isinstance(expr, tree.CallRef):
            name = file.resolve(expr, call.function)
            if _says_retry(name) or name.rpartition(".")[2] in {"Retrying", "AsyncRetrying"}:
                return _grows(Given(file, expr, call.function), name)
    sleeps = _growing_sleeps(call)
    place = bisect_left(sleeps, block.line)
    return place < len(sleeps) and sleeps[place] <= block.end_line


def _growing_sleeps(call: Call) -> list[int]:
    """Lines of a file that sleep for a time that is computed, in order."""
    file = call.file
    return file.project.externals.remembered(
        f"sleeps in {file.path}",
        lambda: sorted(
            other.line
            for other in file.calls_named("sleep")
            if any(not isinstance(arg, tree.Const) for arg in other.fact.args)
        ),
    )


def _retries_itself(construction: Call) -> bool:
    """A client with ``transport=HTTPTransport(retries=3)`` or ``retry=Retry(...)``."""
    facts = construction.file.facts
    for item in construction.fact.keywords:
        if item.name in {"transport", "retry", "retries", "mounts"}:
            given = source(Given(construction.file, item.value, construction.function))
            for node in tree.walk(given.expr, given.file.facts):
                if isinstance(node, tree.CallRef):
                    made = given.file.calls[node.index]
                    keywords = {each.name for each in made.fact.keywords}
                    if "retries" in keywords or "retry" in made.last.lower():
                        return True
    return "retry" in facts.calls[construction.index].last.lower()


def _has_idempotency_key(call: Call) -> bool:
    texts = (
        tree.text_of(node) or ""
        for argument in call.arguments
        for node in tree.walk(argument, call.file.facts)
    )
    return any("idempotency" in text.lower() for text in texts)


# Behind a breaker ---------------------------------------------------------------------------------

_BREAKERS = ("circuitbreaker.", "pybreaker.", "aiobreaker.", "purgatory.")
_RUNS = ("call", "call_async", "acall", "execute", "run", "__call__")


def _is_behind_breaker(each: External) -> bool:
    return _here_or_above(each.call, _is_broken_here)


def _is_broken_here(call: Call) -> bool:
    file, function = call.file, call.function
    if any(_is_breaker(given, name) for given, name in _decorators(call)):
        return True
    for _, block in file.blocks_around(call.fact.block):
        if block.kind in {"with", "async with"}:
            for expr in block.exprs:
                given = Given(file, expr, function)
                if _is_breaker(given, file.resolve(expr, function)):
                    return True
    return function is not None and function.key in _run_by_breakers(file.project)


def _is_breaker(given: Given, name: str) -> bool:
    """A breaker of a library, or a first-party one by its name."""
    kind = given.file.type_of(given.expr, given.function)
    if isinstance(given.expr, tree.CallRef):
        made = given.file.calls[given.expr.index]
        kind = kind or given.file.type_of(made.receiver, given.function)
    return any(
        each.startswith(_BREAKERS) or "breaker" in each.rpartition(".")[2].lower()
        for each in (name, kind, name.rpartition(".")[0])
        if each
    )


def _run_by_breakers(project: Project) -> frozenset[str]:
    """Keys of the functions that are passed to a breaker to be run."""
    return project.externals.remembered(
        "run by breakers",
        lambda: frozenset(
            project.values.callee_of(file, arg, call.function)
            for file in project.production
            for call in file.calls_named(*_RUNS)
            if call.receiver is not None
            and _is_breaker(
                Given(file, call.receiver, call.function),
                file.resolve(call.receiver, call.function),
            )
            for arg in call.fact.args
        ),
    )


_KINDS: dict[str, Callable[[External], bool]] = {
    "try-except": _is_tried,
    "log": _is_logged,
    "timeout": _has_timeout,
    "retry": _is_retried,
    "circuit-breaker": _is_behind_breaker,
}
_FAULTS = {
    "try-except": "is in no try that catches its failure",
    "log": "is not logged",
    "timeout": "has no timeout",
    "retry": "is not retried with growing waits",
    "circuit-breaker": "is behind no circuit breaker",
}
