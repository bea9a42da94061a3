"""Checks on the shape of the HTTP interface."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from checks.check import At, Skip, check
from checks.facts import tree
from checks.project.conditions import words
from checks.project.given import Given
from checks.project.project import Project
from checks.project.responses import annotated_kind, number
from checks.project.routes import Route, segments
from checks.project.subjects import Call, Function

CREATING = frozenset(
    "create add new insert save store upload submit register signup post make place book".split()
)
ACTIONS = frozenset(
    "accept acknowledge activate analyze analyse answer apply approve archive ask assign "
    "attach authenticate authorize ban batch block bulk bump calculate call callback cancel "
    "change chat check claim classify clean clear clone close commit compare complete compute "
    "confirm connect convert copy count deactivate decline decode decrypt delete deliver demote "
    "deny deploy detach detect disable discard disconnect dismiss dispatch download duplicate edit "
    "embed enable encode encrypt end enqueue estimate evaluate execute expire exchange explain "
    "export extract favorite favourite fetch filter find finish fix flush follow forgot forget "
    "format freeze generate get grant handle hide ignore import impersonate index ingest "
    "initialize invalidate invite invoke join kick kill leave like link list load lock log login "
    "logout logoff mark match merge migrate move mute notify open optimize parse patch pause pay "
    "ping pin poll predict preview process promote prune publish pull purge push put query react "
    "read reactivate rebuild recalculate recover redeem refresh regenerate reindex reject release "
    "reload remove rename renew reopen reorder replace replay reply reprocess request resend reset "
    "resolve restart restore resume retrieve retry revert review revoke rollback rotate run scan "
    "schedule search select send set share shutdown sign signin signout simulate skip sort split "
    "star start stop stream subscribe suggest suspend swap switch sync synchronize test toggle "
    "token track train transcribe transfer transform transition translate trigger unarchive unban "
    "unblock undo unfollow unlike unlink unlock unmute unpin unpublish unsubscribe update upgrade "
    "upsert use validate verify vote webhook withdraw".split()
)
"""Verbs (and words that stand for one) with which the last literal of a path names an action."""
ACTION_ENDS = frozenset("token tokens webhook webhooks callback callbacks".split())
"""Words that make an action of a path's last literal when they end it (``access-token``)."""
NOT_CREATING = frozenset(
    "get list read fetch find search query count filter lookup retrieve check validate verify "
    "preview calculate compute compare estimate predict set update edit patch toggle mark assign "
    "delete remove force trigger resend sync refresh export login logout authenticate enable "
    "disable activate deactivate archive restore revoke reset approve reject cancel "
    "download".split()
)
"""Verbs at the start of a handler's name that say that it creates nothing."""
_STORES = frozenset(
    "repo repos repository repositories service services crud dao manager objects model".split()
)
_ONCE = re.compile(
    r"upsert|(get|find|create|add|insert|save|store|update)_or_"
    r"(create|add|insert|save|store|update|get|merge|replace|ignore)"
)
_CONDITIONS = frozenset({"if", "else", "case", "except", "for", "while"})
_EXPECTED: Mapping[str, Sequence[int]] = {"POST": [201, 202], "DELETE": [204]}


def _has_expected(project: Project) -> str | None:
    handlers = project.routes.handlers
    if any(route.methods & {"POST", "DELETE", "PUT", "PATCH", "GET"} for route in handlers):
        return None
    return "no FastAPI route handler"


@check("success-status-code", applies=_has_expected)
def success_status_code(
    route: Route, *, expected: Mapping[str, Sequence[int]] = _EXPECTED
) -> At | Skip | None:
    """Answer success with the right status.

    A client, a cache and a monitor read the status before the body: 201 says that something
    was created, 204 that nothing follows.

    Instead: give the decorator the fitting ``status_code``.

    Known problems: what a handler creates is read from its path, its name and the names of the
    functions it calls; an action behind a noun is taken for a creation. Redirects are no success
    statuses and are left alone.
    """
    methods = sorted(route.methods & expected.keys())
    if not methods:
        return Skip("no expected method")
    status = success_status(route)
    if status is None:
        return Skip("no fixed status")
    for method in methods:
        if method == "POST" and is_action(route):
            continue
        if status in expected[method]:
            return None
        wanted = " or ".join(str(each) for each in expected[method])
        message = f"`{route.name}` answers {method} with {status} instead of {wanted}"
        return At(route.line, message, measured=str(status), limit=wanted, anchor=method)
    return Skip("an action, not a creation")


def success_status(route: Route) -> int | None:
    """The one status with which a handler succeeds, None when it has none."""
    declared = route.status_code
    in_body, sometimes = _statuses_set(route.function)
    if in_body is not None:
        if sometimes and in_body != declared:
            return None
        declared = in_body
    found: set[int | None] = set()
    for answer in route.answers:
        if answer.is_stream:
            return None
        status = number(answer.status) if answer.kind else declared
        if status is None or status < 400:
            found.add(status)
    if not route.answers:
        if annotated_kind(route.function):
            return None
        found.add(declared)
    if len(found) != 1:
        return None
    status = found.pop()
    return None if status is None or 300 <= status < 400 else status


def _statuses_set(function: Function) -> tuple[int | None, bool]:
    """The last success status that the body assigns, and whether only under a condition."""
    found, sometimes = None, False
    for assign in function.assigns:
        if assign.value is None:
            continue
        if any(tree.dotted(target).endswith(".status_code") for target in assign.targets):
            value = number(Given(function.file, assign.value, function).value)
            if value is not None and value < 300:
                around = function.file.blocks_around(assign.block)
                found = value
                sometimes = any(block.kind in _CONDITIONS for _, block in around)
    return found, sometimes


def is_action(route: Route) -> bool:
    """Whether a POST handler acts on something, or reads, instead of creating something."""
    literals = [part for part in segments(route.paths[0] if route.paths else "") if "{" not in part]
    last = words(literals[-1]) if literals else []
    if last and last[0] in CREATING:
        return False
    if last and (last[0] in ACTIONS or last[-1] in ACTION_ENDS):
        return True
    if _only_once(route):
        return True
    name = words(route.name)
    while name[:1] and name[0] in {"bulk", "batch", "admin", "api"}:
        name = name[1:]
    if not CREATING.isdisjoint(name[:1]) or "create" in name:
        return False
    if not NOT_CREATING.isdisjoint(name[:1]):
        return True
    return not _makes_rows(route, {*name, *(word for part in literals for word in words(part))})


def _makes_rows(route: Route, about: set[str]) -> bool:
    """Whether the handler, two levels deep, makes something new that is named like the route."""
    project = route.file.project
    stems = {word.rstrip("s") for word in about}
    for function in project.calls.reachable(route.function, 2):
        for call in function.calls:
            cls = project.classes.by_key.get(call.name)
            if cls is not None and project.classes.is_model(cls):
                return True
            called = words(call.last)
            if called[:1] in (["create"], ["insert"], ["register"], ["add"]):
                rest = {word.rstrip("s") for word in called[1:]}
                if rest & stems or (called in (["create"], ["insert"]) and _stores(call)):
                    return True
    return False


def _stores(call: Call) -> bool:
    """Whether ``.create(...)`` is called on something of ours, or named like a store of rows."""
    if call.file.project.calls.resolve(call):
        return True
    return not _STORES.isdisjoint(words(tree.dotted(call.receiver)))


def _only_once(route: Route) -> bool:
    """Whether what is created may be there already: upsert and get-or-create."""
    called = [call.last for call in route.function.calls]
    if any(_ONCE.search(name) for name in (route.name, *called)):
        return True
    reached = route.file.project.calls.reachable(route.function, 2)
    return any(call.last == "on_conflict_do_update" for f in reached for call in f.calls)
