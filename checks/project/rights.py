"""Who may do what: where roles, permissions, scopes and ownership are checked before a handler."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.conditions import words
from checks.project.given import Given, bound

if TYPE_CHECKING:
    from checks.project.dependencies import Dependency
    from checks.project.project import Project
    from checks.project.routes import Route
    from checks.project.subjects import Call, Function

_RIGHTS = frozenset(
    "role roles permission permissions permitted scope scopes admin admins superuser superadmin "
    "staff rbac acl owner ownership privilege privileges policy moderator casbin oso cerbos "
    "opa".split()
)
_ATTRIBUTES = frozenset(
    "role roles role_id is_admin is_superuser is_staff is_superadmin permissions scopes is_owner "
    "admin superuser privileges user_type access_level user_role rights is_moderator".split()
)
_OWNERS = frozenset(
    "user_id owner_id author_id created_by creator_id created_by_id owner author creator "
    "organizer_id customer_id uid member_id account_id user_uid owner_uid user author_uid "
    "tenant_id organization_id group_id household_id company_id workspace_id".split()
)
_SUBJECTS = frozenset("user current principal subject caller actor me account member".split())
_VERBS = frozenset(
    "check require requires has verify ensure assert authorize can enforce is validate allow "
    "allowed get must restrict".split()
)
_ASKING = frozenset(
    "authorize enforce is_allowed has_perm has_permission is_admin is_superuser is_authorized "
    "can_access check_access ensure_access verify_access require_access check_object_access".split()
)
_NOUNS = frozenset("role roles permission permissions scope scopes privilege privileges".split())
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "API_ROUTE", "ROUTE", "HEAD"})
_SESSION = frozenset({"delete", "refresh", "add", "merge", "flush", "commit", "remove"})
_READING = frozenset(
    "find get filter first one fetch load query where exists require check ensure select read "
    "lookup belongs verify".split()
)
_LEVELS = 2


class Rights:
    """Judges dependencies, bodies, decorators and middleware of a project; remembers answers."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._known: dict[str, bool] = {}

    @cached_property
    def exist(self) -> bool:
        """Whether the code speaks of roles, permissions or scopes."""
        for file in self.project.production:
            if any(not _NOUNS.isdisjoint(words(cls.name)) for cls in file.classes):
                return True
            if not _ATTRIBUTES.isdisjoint(file.facts.attributes):
                return True
            if any(is_about_rights(function.name) for function in file.functions):
                return True
        return any(
            not _ATTRIBUTES.isdisjoint(cls.attributes)
            for cls in self.project.classes.with_role("orm", "schema", "document")
        )

    def enforced(self, route: Route) -> bool:
        """Whether something on the way to a handler, or in it, checks a right."""
        if self._in_middleware or any(self._in_dependency(dep) for dep in route.dependencies):
            return True
        if any(self._in_decorator(route, each.value) for each in route.function.fact.decorators):
            return True
        return self._reached(route.function) or self._hands_user_on(route)

    def _in_dependency(self, dep: Dependency) -> bool:
        names = [dep.name, dep.type]
        if dep.maker is not None:
            names.append(dep.maker.name)
            for arg in dep.maker.arguments:
                names += [tree.text_of(node) or tree.dotted(node) for node in tree.walk(arg)]
        if dep.function is not None:
            names.append(dep.function.key.removesuffix(".__call__"))
        if any(is_about_rights(name.rpartition(".")[2]) for name in names if name):
            return True
        if dep.is_security and dep.function is not None and self._takes_scopes(dep.function):
            return True
        return dep.function is not None and self._reached(dep.function)

    def _takes_scopes(self, function: Function) -> bool:
        kinds = (
            function.file.resolve(param.annotation, function.parent)
            for param in function.fact.params
            if param.annotation is not None
        )
        return any(kind.endswith(".SecurityScopes") for kind in kinds)

    def _in_decorator(self, route: Route, value: Expr) -> bool:
        file = route.file
        if isinstance(value, tree.CallRef) and file.calls[value.index].last.upper() in _METHODS:
            return False
        name = file.resolve(value, route.function.parent)
        if is_about_rights(name.rpartition(".")[2]):
            return True
        decorator = self.project.names.function_named(name) if name else None
        if decorator is None:
            return False
        own = decorator.file
        inner = [own.functions[i] for i in own.tables.inner_functions.get(decorator.index, ())]
        return any(self._reached(each) for each in (decorator, *inner))

    @cached_property
    def _in_middleware(self) -> bool:
        functions = [each.function for each in self.project.routes.middleware if each.function]
        denies = self.project.authentication.denies
        for function in functions:
            reached = self.project.calls.reachable(function, _LEVELS)
            if any(denies(each) for each in reached) and any(map(self.checks, reached)):
                return True
        return False

    def _reached(self, function: Function) -> bool:
        return any(self.checks(each) for each in self.project.calls.reachable(function, _LEVELS))

    # Bodies ---------------------------------------------------------------------------------------

    def checks(self, function: Function) -> bool:
        """Whether a body asks for a role, a permission or the owner."""
        known = self._known.get(function.key)
        if known is None:
            known = self._known[function.key] = self._judge(function)
        return known

    def _judge(self, function: Function) -> bool:
        if any(_asks(call) for call in function.calls):
            return True
        facts = function.file.facts
        for _, block in function.blocks:
            if block.kind in {"if", "match"} and any(map(_asks_right, block.exprs)):
                return True
        for place in function.file.tables.expressions.get(function.index, ()):
            for node in tree.walk(place.expr, facts):
                if isinstance(node, tree.Op) and _compares(node):
                    return True
        return any(_filters_by_owner(call) for call in function.calls)

    def _hands_user_on(self, route: Route) -> bool:
        """Whether a handler gives the caller to something that cannot be followed."""
        function = route.function
        filled = {dep.parameter for dep in route.dependencies if dep.parameter}
        names = {name for name in filled if _is_subject(name)} | {"self"}
        for call, targets in self._passing(function, names):
            if not targets:
                return True
            for target in targets:
                known = bound(target, call, function)
                taken = {name for name, given in known.items() if _is_of(given, names)}
                if any(not inner for _, inner in self._passing(target, taken)):
                    return True
        return False

    def _passing(
        self, function: Function, names: set[str]
    ) -> Iterator[tuple[Call, list[Function]]]:
        """Calls that are given one of some parameters that stand for the caller."""
        logged = self.project.logs.calls(function.file)
        for call in function.calls if names else ():
            if call.index in logged or call.name.startswith(("builtins.", "fastapi.")):
                continue
            texts = [tree.dotted(arg) for arg in call.arguments]
            given = any(t.partition(".")[0] in names and _is_subject(t) for t in texts)
            if given and call.last not in _SESSION:
                yield call, self.project.calls.resolve(call)


def _is_of(given: Given, names: set[str]) -> bool:
    text = tree.dotted(given.expr)
    return text.partition(".")[0] in names and _is_subject(text)


def is_about_rights(name: str) -> bool:
    """Whether a provider, decorator or function of this name checks a right."""
    return not _RIGHTS.isdisjoint(words(name))


def _asks(call: Call) -> bool:
    """``user.has_permission(...)``, ``require_role(...)``, ``enforcer.enforce(...)``."""
    if call.last in _ASKING:
        return True
    found = words(call.last)
    return bool(found) and found[0] in _VERBS - {"get"} and not _RIGHTS.isdisjoint(found[1:])


def _asks_right(expr: Expr) -> bool:
    """Whether a condition is about a right; ``if not role`` asks only whether a row was found."""
    inner = expr
    while isinstance(inner, tree.Op) and inner.kind in {"Not", "Compare:Is", "Compare:IsNot"}:
        inner = inner.items[0]
    if isinstance(inner, tree.Name) and inner.id in _NOUNS:
        return False
    return any(
        isinstance(node, tree.Name) and node.id.rpartition(".")[2] in _ATTRIBUTES
        for node in tree.walk(expr)
    )


def _compares(node: tree.Op) -> bool:
    """``user.role == Role.ADMIN``, ``item.owner_id != current_user.id``."""
    if not node.kind.startswith("Compare:"):
        return False
    texts = [_written(item) for item in node.items]
    if node.kind in {"Compare:Is", "Compare:IsNot"} and texts[0] in _NOUNS:
        return False  # ``role is None``: no row was found
    lasts = [text.rpartition(".")[2] for text in texts]
    if any(last in _ATTRIBUTES for last in lasts):
        return True
    if len(texts) == 2 and lasts[0] == lasts[1] and all(map(_is_subject, texts)):
        return True  # ``item.user.email == current_user.email``
    if len(texts) == 2 and lasts[0] == lasts[1] and any(map(_is_callers, texts)):
        return True  # ``username == current_user.username``
    if len(texts) < 2 or not node.kind.endswith(("Eq", "In", "NotIn")):
        return False
    owned = any(last in _OWNERS for last in lasts)
    return (owned and any(map(_is_subject, texts)) and all(texts)) or _own_account(texts)


def _written(expr: Expr) -> str:
    """A chain of names and literal keys; of what a call gives only the attributes."""
    tail, base = "", expr
    while True:
        if isinstance(base, tree.Attr):
            tail = f".{base.attr}{tail}"
        elif isinstance(base, tree.Item) and (key := tree.text_of(base.index)):
            tail = f".{key}{tail}"  # a row that is a mapping: ``current_user["id"]``
        else:
            return f"{tree.dotted(base)}{tail}"
        base = base.value


def _own_account(texts: list[str]) -> bool:
    """``current_user.id == user_id``."""
    return any(
        text.endswith((".id", ".uid")) and _is_subject(text.rpartition(".")[0]) for text in texts
    ) and any("user" in text and not text.endswith(".id") for text in texts)


def _is_subject(text: str) -> bool:
    """Whether a name is that of who asks, or of an attribute of them."""
    parts = text.split(".")
    return bool(text) and any(not _SUBJECTS.isdisjoint(words(part)) for part in parts)


def _is_callers(text: str) -> bool:
    """Whether a name is an attribute of who asks: ``current_user.username``."""
    base, _, _ = text.rpartition(".")
    return not {"current", "principal", "caller"}.isdisjoint(words(base)) and _is_subject(base)


def _is_own_id(text: str) -> bool:
    base, _, last = text.rpartition(".")
    return last in {"id", "uid", "user_id"} and _is_subject(base)


def _filters_by_owner(call: Call) -> bool:
    """``filter_by(owner_id=current_user.id)``, ``repository.find_or_raise(user_id=user.id)``."""
    if not _READING.isdisjoint(words(call.last)[:1]) and any(
        item.name in _OWNERS and _is_own_id(tree.dotted(item.value)) for item in call.fact.keywords
    ):
        return True
    if call.last not in {"filter_by", "filter", "get", "find_one", "get_or_none", "find"}:
        return False
    return any(item.name in _OWNERS for item in call.fact.keywords)
