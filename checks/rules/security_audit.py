"""Check of records about sensitive operations: who did what, and when."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.project.conditions import words
from checks.project.project import Project
from checks.project.subjects import Call, Function

_LEVELS = 2
_OPERATIONS = (
    "login", "logout", "change_password", "reset_password", "change_role", "grant", "revoke",
    "delete_user", "export", "pay", "refund", "impersonate", "create_api_key",
)  # fmt: skip
_ALIKE = {
    "login": ("log_in", "sign_in", "signin"),
    "logout": ("log_out", "sign_out", "signout"),
    "change_password": ("update_password", "set_password", "change_user_password",
                        "update_user_password"),
    "reset_password": ("reset_user_password", "recover_and_reset_password"),
    "change_role": ("set_role", "assign_role", "change_user_role", "update_user_role",
                    "set_user_role", "assign_roles", "update_user_roles"),
    "delete_user": ("remove_user", "delete_account", "delete_users"),
    "pay": ("process_payment", "make_payment", "capture_payment"),
    "create_api_key": ("create_apikey", "generate_api_key", "issue_api_key"),
}  # fmt: skip
_BEFORE = frozenset("handle do process perform user admin execute async post api route".split())
_OTHER = frozenset(
    "page form url uri link rate limiter limit limits attempts attempt history required view "
    "template button count config settings group groups role roles permission permissions token "
    "changed time date link failure success failed error request email mail schema type format "
    "load loads status tag tags".split()
)
_JOBS = frozenset({"task", "tasks", "job", "jobs"})
_ANY_OBJECT = frozenset({"grant", "revoke", "export", "refund", "pay", "impersonate"})
_LOOKING = frozenset("get list is has can check validate verify fetch find read build".split())
_AUDIT = re.compile(r"audit", re.IGNORECASE)
_STORE = re.compile(r"event_?store\.(?:append|add|record|publish)", re.IGNORECASE)
_VERSIONED = re.compile(r"sqlalchemy_continuum|pgaudit|audit", re.IGNORECASE)
_ACTS = frozenset({"login", "logout", "export", "impersonate"})
"""Operations that change no row which a trigger could record."""


@check("audit-logging")
def audit_logging(project: Project, *, operations: Sequence[str] = _OPERATIONS) -> Answer:
    """Sensitive operations leave an audit record.

    After an incident it is the only answer to who did what.

    Instead: write a record with actor, action, object and time.

    Known problems: operations and records are told by their names; a record without the word
    audit in the name of its model, function or logger is not known as one. A handler counts where
    it calls no service.
    """
    sites = list(_sites(project, operations))
    if not sites:
        return Skip("no sensitive operation")
    around, by_database = _around(project), _by_database(project)
    found = [
        At(each.line, f"`{each.name}` leaves no audit record", path=each.path, anchor=each.name)
        for each, operation in sites
        if not _records(each)
        and not (each.key in project.routes.by_function and around)
        and not (by_database and operation not in _ACTS)
    ]
    return Sites(len(sites), found)


def _sites(project: Project, operations: Sequence[str]) -> Iterator[tuple[Function, str]]:
    for file in project.production:
        for function in file.functions:
            operation = _operation(function.name, operations)
            if not operation or function.fact.shape == "stub" or function.parent is not None:
                continue
            route = project.routes.by_function.get(function.key)
            if route is not None:
                if not any(_is_service(call) for call in function.calls):
                    yield function, operation
            elif _is_open(function) and project.layers.in_service(function, file):
                yield function, operation


def _is_open(function: Function) -> bool:
    """Whether a function is public, and neither a promise nor a property."""
    return function.is_public and not function.decorated_by(
        "abc.abstractmethod", "builtins.property", "functools.cached_property"
    )


def _is_service(call: Call) -> bool:
    """Whether a call goes to a service, by what it reaches or by the name of its receiver."""
    project = call.file.project
    targets = project.calls.resolve(call)
    if any(project.layers.in_service(each, each.file) for each in targets):
        return True
    receiver = set(words(tree.dotted(call.receiver).rpartition(".")[2]))
    return not targets and not receiver.isdisjoint({"service", "usecase", "services"})


def _operation(name: str, operations: Iterable[str]) -> str:
    """The sensitive operation that a function of this name is, "" for none."""
    said = words(name)
    while len(said) > 1 and said[0] in _BEFORE:
        said = said[1:]
    if not said or said[0] in _LOOKING:
        return ""
    for operation, wanted in _spelled(tuple(operations)).get(said[0], ()):
        if said[: len(wanted)] == wanted:
            rest = said[len(wanted) :]
            others = _JOBS if operation in _ANY_OBJECT else _OTHER
            if not rest or rest[0] not in others:
                return operation
    return ""


@cache
def _spelled(operations: tuple[str, ...]) -> dict[str, list[tuple[str, list[str]]]]:
    """The operations, each with the words of one of its spellings, by the first of the words."""
    found: dict[str, list[tuple[str, list[str]]]] = {}
    for operation in operations:
        for spelling in (operation, *_ALIKE.get(operation, ())):
            wanted = spelling.split("_")
            found.setdefault(wanted[0], []).append((operation, wanted))
    return found


# Records ------------------------------------------------------------------------------------------


def _records(function: Function) -> bool:
    """Whether a function, a decorator of it or what it calls writes an audit record."""
    names = [function.file.resolve(each.value, function.parent)
             for each in function.fact.decorators]  # fmt: skip
    if any(_AUDIT.search(name.rpartition(".")[2]) for name in names):
        return True
    reached = function.file.project.calls.reachable(function, _LEVELS)
    return any(_writes(each) for each in reached)


def _writes(function: Function) -> bool:
    if _AUDIT.search(function.name):
        return True
    for call in function.calls:
        said = f"{tree.dotted(call.receiver)}.{call.last}"
        if _AUDIT.search(said) or _STORE.search(said):
            return True
        owner = call.name.rpartition(".")[0].rpartition(".")[2]
        if _AUDIT.search(owner):
            return True
        if any(_AUDIT.search(tree.dotted(arg)) for arg in call.fact.args):
            return True
    logs = function.file.project.logs.of_function(function)
    return any(
        (tree.text_of(value) or "").lower().startswith("audit")
        for each in logs
        for value in each.call.arguments
    )


def _around(project: Project) -> bool:
    """Whether a middleware or dependency of all handlers writes audit records."""
    return any(_writes(each) for each in project.surroundings.reached)


def _by_database(project: Project) -> bool:
    """Whether the database, or a listener of the mapper, records each change of rows."""
    if any(project.manifests.depends_on(name) for name in ("sqlalchemy-continuum", "pgaudit")):
        return True
    for file in project.migrations:
        for call in file.calls_named("execute"):
            texts = (tree.text_of(n) for a in call.fact.args for n in tree.walk(a, file.facts))
            joined = " ".join(text for text in texts if text).lower()
            if "trigger" in joined and _VERSIONED.search(joined):
                return True
    for file in project.production:
        for function in file.functions if "listens_for" in file.calls_by_name else ():
            if function.decorated_by("sqlalchemy.event.listens_for") and _records(function):
                return True
    return False
