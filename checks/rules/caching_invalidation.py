"""Checks of caches: that what is changed does not live on in them."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.project.caches import Caches, words
from checks.project.project import Project
from checks.project.subjects import Call, Function

_CHANGES = frozenset(
    "update delete remove edit set change patch rename replace deactivate activate disable enable "
    "archive restore publish unpublish approve reject cancel toggle save upsert modify move".split()
)
_ADDS = frozenset("create add insert register import".split())
_WRITES = _CHANGES | _ADDS | frozenset("execute commit flush merge exec bulk".split())
_READS = frozenset("get read fetch load find list search query count cached all by for".split())
_CLEARS = frozenset(
    "invalidate clear evict purge bust reset refresh expire drop flush delete remove forget".split()
)
_CACHE_WORDS = frozenset({"cache", "caches", "cached"})
_SKIPPED = frozenset(
    "cache cached key id ids data info detail details the prefix v1 v2 app api all list".split()
)
_ENDS = frozenset("by for with in from of to if".split())
_OWNERS = frozenset(
    "service services repository repositories repo crud dao use case usecase".split()
)
_LAYERS = frozenset({"services", "repositories"})
_LEVELS = 2
_LONGEST = 3

type _Phrase = tuple[str, ...]
"""Stems of the words that name an entity: ``("order", "item")``."""


@check("cache-invalidation")
def cache_invalidation(project: Project, *, function_pattern: str = "") -> Answer:
    """What is changed is removed from the cache, or written to it anew.

    Otherwise readers see the old value until the entry expires, if it does.

    Instead: delete the key, or call the invalidating function, after the write.

    Known problems: what is cached and what is changed are matched by the words of keys and
    function names; a repository's entry may be removed by the service that calls it. Adding an
    entity stales only caches of lists. Event listeners that remove the
    key count for all changes of the entity.
    """
    cached = _cached(project.caches)
    if not cached:
        return Skip("nothing is cached")
    models = _models(project)
    listeners = _invalidated_by_listeners(project)
    sites, found = 0, []
    for function in _changing(project):
        entity = _entity(function, cached, models)
        if not entity:
            continue
        sites += 1
        if listeners & set(entity.split()) or _invalidates(
            project, function, entity, function_pattern
        ):
            continue
        message = f"`{function.name}` changes `{entity}`, which is cached, and removes no entry"
        found.append(At(function.line, message, path=function.path, symbol=function.symbol,
                        anchor=entity))  # fmt: skip
    return Sites(sites, found) if sites else Skip("nothing that is cached is changed")


# What is cached -----------------------------------------------------------------------------------


def _cached(caches: Caches) -> dict[_Phrase, bool]:
    """Entities that are cached, and whether lists of them are."""
    found: dict[_Phrase, bool] = {}
    for operation in caches.operations:
        if operation.kind == "write" and not operation.holder.startswith("self."):
            parts = caches.key_words(operation)
            if operation.function is not None and not _names(parts):
                parts = words(operation.function.name) + words(operation.holder)
            _enter(found, parts)
    for held in caches.held:
        if held.function is not None and held.function.fact.params and not _is_config(held.name):
            _enter(found, words(held.name))
    return found


def _is_config(name: str) -> bool:
    return bool({"settings", "config", "logger", "client", "engine"} & set(words(name)))


def _names(parts: list[str]) -> list[str]:
    return [part for part in parts if part not in _SKIPPED | _READS | _WRITES and len(part) > 2]


def _enter(found: dict[_Phrase, bool], parts: list[str]) -> None:
    """All phrases of up to three words of a key."""
    named = _names(parts)
    stems = tuple(_stem(part) for part in named)
    many = bool({"all", "list", "search"} & set(parts))
    for start in range(len(stems)):
        for end in range(start + 1, min(start + _LONGEST, len(stems)) + 1):
            plural = many or named[end - 1] != stems[end - 1]
            phrase = stems[start:end]
            found[phrase] = found.get(phrase, False) or plural


def _stem(word: str) -> str:
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


# Who changes it -----------------------------------------------------------------------------------


def _changing(project: Project) -> Iterator[Function]:
    """Functions of services and repositories that write something."""
    for file in project.production:
        if file.layer not in _LAYERS:
            continue
        for function in file.functions:
            verb = _verb(function)
            if verb in _CHANGES | _ADDS and _writes(function):
                yield function


def _verb(function: Function) -> str:
    return next(iter(words(function.name)), "")


def _writes(function: Function) -> bool:
    """Whether a function changes rows, or calls something that says so."""
    database = function.file.project.database
    return any(
        database.operation(call) in {"add", "delete", "commit", "flush", "merge", "execute"}
        or next(iter(words(call.last)), "") in _WRITES
        for call in function.calls
        if function.file.project.reach.reached(call) is None or database.operation(call)
    )


def _entity(function: Function, cached: dict[_Phrase, bool], models: set[_Phrase]) -> str:
    """The cached entity that a function changes, by its name or by that of its class."""
    own: list[str] = []
    for part in words(function.name)[1:]:
        if part in _ENDS:
            break
        if part not in _SKIPPED:
            own.append(_stem(part))
    cls = function.cls
    around = words(function.file.stem if cls is None else cls.name)
    owner = tuple(_stem(part) for part in around if part not in _OWNERS)
    candidates = [tuple(own)] if own else []
    if tuple(own) not in models and owner in models:
        candidates.append(owner)
    for phrase in candidates:
        if phrase in cached and (_verb(function) in _CHANGES or cached[phrase]):
            return " ".join(phrase)
    return ""


def _models(project: Project) -> set[_Phrase]:
    """Names of all ORM models."""
    models = project.classes.with_role("orm", "document")
    return {tuple(_stem(part) for part in words(cls.name)) for cls in models}


# Who removes it -----------------------------------------------------------------------------------


def _invalidates(project: Project, function: Function, entity: str, pattern: str) -> bool:
    """Whether the function, what it calls, or a caller below the routes removes the entry."""
    if _removes(project, function, entity, pattern):
        return True
    callers = [call.function for call in project.calls.callers(function)]
    return any(
        _removes(project, each, entity, pattern)
        for each in callers
        if each is not None and each.file.layer in _LAYERS
    )


def _removes(project: Project, function: Function, entity: str, pattern: str) -> bool:
    for each in project.calls.reachable(function, _LEVELS):
        if any(_is_invalidation(call, entity, pattern) for call in each.calls):
            return True
        if pattern:
            continue
        for operation in project.caches.by_function.get(each, ()):
            if operation.kind in {"delete", "write", "expire"} and _is_about(
                project.caches.key_words(operation), operation.key, entity
            ):
                return True
    decorators = (function.file.resolve(each.value) for each in function.fact.decorators)
    return any(_CLEARS & set(words(name)[-3:]) and "cache" in name.lower() for name in decorators)


def _is_about(parts: list[str], key: tree.Expr | None, entity: str) -> bool:
    """Whether a key is of an entity; one whose words are not known may be."""
    return _says(parts, entity) or not _names(parts) or key is None


def _says(parts: list[str], entity: str) -> bool:
    """Whether words name all of an entity."""
    return set(entity.split()) <= {_stem(part) for part in parts}


def _is_invalidation(call: Call, entity: str, pattern: str) -> bool:
    """A call that says it: ``invalidate_user_cache()``, ``get_user.cache_clear()``."""
    if pattern:
        return fnmatchcase(call.last, pattern)
    parts = words(call.last)
    if not _CLEARS & set(parts):
        return False
    if call.last == "cache_clear":
        return _says(words(tree.dotted(call.receiver)), entity)
    named = bool(_CACHE_WORDS & set(parts) | _CACHE_WORDS & set(words(tree.dotted(call.receiver))))
    others = [part for part in _names(parts) if part not in _CLEARS]
    return (named and (_says(parts, entity) or not others)) or (
        "invalidate" in parts and (_says(parts, entity) or not others)
    )


def _invalidated_by_listeners(project: Project) -> set[str]:
    """Entities whose entries event listeners remove."""
    found: set[str] = set()
    for function, operations in project.caches.by_function.items():
        listens = any(
            function.file.resolve(each.value).rpartition(".")[2] in {"listens_for", "receiver"}
            for each in function.fact.decorators
        )
        for operation in operations if listens else ():
            if operation.kind == "delete":
                parts = _names(project.caches.key_words(operation))
                found |= {_stem(part) for part in parts}
    return found
