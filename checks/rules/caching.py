"""Checks of caches: where they live, and what may live in the process alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.project.caches import Held, calls_spelled, words
from checks.project.project import Project
from checks.project.subjects import Call, File, Function

_CLIENTS = {
    "redis": ("redis.", "aioredis.", "valkey."),
    "memcached": ("pymemcache.", "aiomcache.", "bmemcached.", "pylibmc."),
}
_CLIENT_NAMES = (
    "Redis", "StrictRedis", "RedisCluster", "from_url", "Valkey", "Client", "PooledClient",
)  # fmt: skip
_LIBRARIES = ("aiocache.", "fastapi_cache.", "dogpile.cache.", "cashews.", "flask_caching.")
_LIBRARY_CALLS = (
    "Cache", "RedisCache", "SimpleMemoryCache", "MemcachedCache", "cached", "configure",
    "setup", "RedisBackend", "InMemoryBackend", "MemcachedBackend",
)  # fmt: skip
_HTTP = ("httpx.", "requests.", "aiohttp.", "urllib.request.", "urllib3.")
_LEVELS = 2
_AUTHORITATIVE = re.compile(
    r"(?:session|token|otp|code|lock|rate|counter|quota|job|nonce|blacklist|revoked)s?"
)
_CAN_BE_FETCHED = frozenset({"jwk", "jwks", "flag", "flags", "feature", "features"})
_UPSTREAM = frozenset("access oauth bearer upstream service client m2m machine app".split())
_STATUS = frozenset("country error status currency language postal zip lang http region".split())
_MONEY = frozenset("exchange fx currency conversion interest tax rates".split())


class _Cache(msgspec.Struct, frozen=True):
    """One cache with its backend and the place of its construction."""

    backend: str
    path: str
    line: int
    name: str


@check("cache-backend")
def cache_backend(
    project: Project,
    *,
    allowed: Sequence[str] = ("redis",),
    scope: str = "any",
    required: bool = True,
) -> Answer:
    """Data is cached in the agreed backend.

    A cache in the process is empty in every other worker, and stale where another one writes.

    Instead: use the agreed backend for the cache.

    Known problems: a client that is passed in counts once, where it is first used. Redis is a
    cache where a key is read or written that does not speak of a lock, session, token, counter
    or queue. With ``scope`` shared a cache in the process counts only by what its name says.
    """
    caches = [each for each in _caches(project) if scope == "any" or _is_shared(each)]
    if not caches:
        served = project.routes.handlers or project.layers.files("services")
        if required and served:
            return Sites(1, [At(0, "Nothing is cached", anchor="no cache")])
        return Skip("no cache")
    wanted = " or ".join(allowed)
    found = [
        At(each.line, f"`{each.name}` caches in {each.backend}, not in {wanted}", path=each.path,
           anchor=each.name, measured=each.backend, limit=wanted)
        for each in caches
        if each.backend not in allowed
    ]  # fmt: skip
    return Sites(len(caches), found)


def _is_shared(cache: _Cache) -> bool:
    return cache.backend in _CLIENTS or bool(_authoritative(words(cache.name)))


def _caches(project: Project) -> Iterator[_Cache]:
    """Every cache of production code."""
    for held in project.caches.held:
        path = held.file.path
        if held.function is None:
            if held.kind == "cachetools":
                yield _Cache("cachetools", path, held.line, held.name or "cachetools")
        elif _does_io(held.function):
            yield _Cache("memory", path, held.line, held.name)
    for backend, modules in _CLIENTS.items():
        used = [each for each in project.caches.operations if each.backend == backend]
        made = [call for file in project.production for call in _made(file, modules)]
        for call in made if used else ():
            yield _Cache(backend, call.path, call.line, call.last)
        if used and not made:
            yield _Cache(backend, used[0].file.path, used[0].line, backend)
    for file in project.production:
        for call in calls_spelled(file, _LIBRARY_CALLS):
            backend = _configured(call) if call.name.startswith(_LIBRARIES) else ""
            if backend:
                yield _Cache(backend, file.path, call.line, call.last)


def _made(file: File, modules: tuple[str, ...]) -> Iterator[Call]:
    for call in calls_spelled(file, _CLIENT_NAMES):
        if call.name.startswith(modules):
            yield call


def _configured(call: Call) -> str:
    """The backend that a cache library is told to use."""
    said = [call.name.rpartition(".")[2].lower()]
    for argument in call.arguments:
        for node in tree.walk(argument, call.file.facts):
            if isinstance(node, (tree.Name, tree.Const)):
                text = tree.text_of(node) or tree.dotted(node)
                said.append(text.lower())
    for backend, names in (("redis", ("redis",)), ("memcached", ("memcache",)),
                           ("memory", ("memory", "mem:"))):  # fmt: skip
        if any(name in text for name in names for text in said):
            return backend
    return "memory" if call.name.startswith("aiocache.") and call.last == "cached" else ""


def _does_io(function: Function) -> bool:
    """Whether a memoised function fetches what it returns: rows, files, answers of others."""
    project = function.file.project
    if "settings" in function.name or "config" in function.name:
        return False
    return any(
        project.database.reads_rows(call)
        or project.reach.reached(call) is not None
        or call.name.startswith(_HTTP)
        for each in project.calls.reachable(function, _LEVELS)
        for call in each.calls
    )


@check("local-cache-scope", each="rules")
def local_cache_scope(
    project: Project,
    rule: str,
    *,
    rules: Sequence[str] = ("authoritative",),
    core_modules: Sequence[str] = ("core/cache.py",),
) -> Answer:
    """A cache in one process holds nothing that others must know, and is used in one place.

    What one worker remembers of sessions, codes or limits the next worker does not know.

    Instead: keep such state in the database or a shared store; reach shared caches through the
    functions of the core cache module.

    Known problems: what a cache holds is told by its name. A run configuration with one worker
    is not seen. Memoised functions are judged by neither rule: they hold what can be computed.
    """
    held = [each for each in project.caches.held if each.function is None and each.name]
    if not held:
        return Skip("no cache in the process")
    if rule == "authoritative":
        found = [at for each in held if (at := _state(each)) is not None]
    else:
        users = _users(project, held)
        found = [at for each in held if (at := _misplaced(each, users, core_modules)) is not None]
    return Sites(len(held), found)


def _state(held: Held) -> At | None:
    said = _authoritative(words(held.name))
    if not said:
        return None
    message = f"`{held.name}` keeps {said} in one process: other workers do not know them"
    return At(held.line, message, path=held.file.path, anchor=held.name)


def _authoritative(parts: list[str]) -> str:
    """The word that says a cache holds state which workers must share."""
    given = set(parts)
    if given & _CAN_BE_FETCHED:
        return ""
    for word in parts:
        if not _AUTHORITATIVE.fullmatch(word):
            continue
        other = {"code": _STATUS, "rate": _MONEY - {word}, "token": _UPSTREAM}
        if not given & other.get(word.rstrip("s"), frozenset()):
            return word
    return ""


def _users(project: Project, held: list[Held]) -> dict[str, list[tuple[File, int, str]]]:
    """Imports of cache objects by other modules: file, line and name, by canonical name."""
    keys = {f"{each.file.key}.{each.name}" for each in held}
    names = {each.name for each in held}
    found: dict[str, list[tuple[File, int, str]]] = {}
    for file in project.production:
        for row in file.imports:
            if row.fact.name in names:
                key = project.names.canonical(row.target)
                if key in keys:
                    found.setdefault(key, []).append((file, row.line, row.fact.name))
    return found


def _misplaced(
    held: Held, users: dict[str, list[tuple[File, int, str]]], core: Sequence[str]
) -> At | None:
    used = users.get(f"{held.file.key}.{held.name}", [])
    reaching = [each for each in used if each[2].startswith("_")]
    if reaching:
        file, line, name = reaching[0]
        message = f"`{name}` of another module is imported instead of its functions"
        return At(line, message, path=file.path, anchor=held.name)
    central = any(f"/{held.file.path}".endswith(f"/{path}") for path in core)
    if central or not used:
        return None
    message = f"`{held.name}` is used by {len(used) + 1} modules and is not in {core[0]}"
    return At(held.line, message, path=held.file.path, anchor=held.name)
