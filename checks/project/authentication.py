"""Which dependencies turn away a request without valid credentials."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.conditions import words
from checks.project.given import Given, argument, source
from checks.project.responses import number
from checks.project.rights import Rights

if TYPE_CHECKING:
    from checks.project.dependencies import Dependency
    from checks.project.project import Project
    from checks.project.routes import Route
    from checks.project.subjects import Call, Function, Raise

SECURITY_CLASSES = frozenset(
    f"fastapi.security.{name}"
    for name in "OAuth2 OAuth2PasswordBearer OAuth2AuthorizationCodeBearer OpenIdConnect HTTPBasic "
    "HTTPBearer HTTPDigest APIKeyHeader APIKeyQuery APIKeyCookie".split()
)
_AUTH_WORDS = frozenset(
    "auth authn authz authed authenticated authenticate authenticator authorize authorized "
    "authorizer authorization authentication authorise authorised rbac jwt bearer apikey "
    "superuser superadmin oauth2 loggedin".split()
)
_RIGHTS = frozenset(
    "permission permissions permitted role roles credentials principal guard acl iam identity "
    "login oauth privilege privileges".split()
)
"""Words that say so unless the name begins with a verb of loading: ``get_role``."""
_LOADING = frozenset(
    "get list load fetch find create read valid retrieve delete update add remove init".split()
)
_VERIFYING = frozenset("verify check validate assert has is".split())
_ENFORCING = _VERIFYING | frozenset(
    "require requires ensure enforce authenticate authorize authorise protect jwt login".split()
)
_PERSONS = frozenset(
    "user users account admin member customer superuser client actor principal identity employee "
    "staff owner session".split()
)
_SECRETS = frozenset(
    "token tokens apikey signature credentials access auth jwt hmac admin owner ownership".split()
)
_TOOLS = frozenset(
    "service services repository repo client settings config configuration manager dao crud "
    "factory form uow store usecase case db database schema generator encoder gateway adapter "
    "controller logger storage cache helper backend strategy registry rate limiter limit".split()
)
_OPTIONAL = frozenset("optional maybe soft anonymous try possibly optionally guest".split())
_DENIALS = frozenset(
    "unauthorized unauthorised forbidden credential credentials authentication unauthenticated "
    "authorization permission denied auth jwt 401 403 notauthenticated".split()
)
_STATUSES = frozenset({401, 403})
_SWITCHES = {
    "auto_error": False,
    "required": False,
    "optional": True,
    "raise_exception": False,
    "raise_error": False,
    "is_optional": True,
}


class Authentication:
    """Judges dependencies, bodies, decorators and middleware of a project."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._rejects: dict[Dependency, bool] = {}
        self._denies: dict[str, bool] = {}

    @cached_property
    def rights(self) -> Rights:
        """Where roles, permissions and ownership are checked."""
        return Rights(self.project)

    # Dependencies ---------------------------------------------------------------------------------

    def protects(self, route: Route) -> bool:
        """Whether a dependency of a handler, at any depth, turns strangers away."""
        return any(self.rejects(dep) for dep in route.dependencies)

    def rejects(self, dep: Dependency) -> bool:
        """Whether a dependency by itself turns a request without credentials away."""
        known = self._rejects.get(dep)
        if known is None:
            known = self._rejects[dep] = self._judge(dep)
        return known

    def concerns(self, dep: Dependency) -> bool:
        """Whether a dependency is about authentication at all, rejecting or not."""
        return dep.is_security or self.is_scheme(dep) or self._is_named(dep)

    def is_scheme(self, dep: Dependency) -> bool:
        """Whether it is an instance of one of FastAPI's security classes, or of a subclass."""
        return self._scheme_class(dep.type or dep.name) != ""

    def _scheme_class(self, name: str) -> str:
        if name in SECURITY_CLASSES:
            return name
        cls = self.project.classes.by_key.get(name)
        ancestors = () if cls is None else cls.ancestors
        return next((each for each in ancestors if each in SECURITY_CLASSES), "")

    def _judge(self, dep: Dependency) -> bool:
        if self._is_switched_off(dep.maker):
            return False
        if self._swallows(dep):
            return False
        if dep.function is not None and self._denies_reached(dep.function):
            return True
        if self.is_scheme(dep):
            return not self._is_lenient(dep)
        if not (dep.is_security or self._is_named(dep)):
            return False
        return not self._is_optional(dep)

    def _is_switched_off(self, maker: Call | None) -> bool:
        """Whether the provider is made with ``auto_error=False``, ``optional=True`` or the like."""
        if maker is None:
            return False
        for name, value in _SWITCHES.items():
            given = argument(maker, (name,))
            if given is not None and given.value is value:
                return True
        return False

    def _is_lenient(self, dep: Dependency) -> bool:
        """Whether a subclass of a security class passes ``auto_error=False`` on by itself."""
        cls = self.project.classes.by_key.get(dep.type)
        init = None if cls is None else self.project.classes.method(cls, "__init__")
        if init is None:
            return False
        for call in init.calls:
            if call.last == "__init__":
                given = argument(call, ("auto_error",))
                if given is not None and given.value is False:
                    return True
        param = init.param("auto_error")
        default = param.default if param is not None else None
        given_here = dep.maker is not None and argument(dep.maker, ("auto_error",)) is not None
        return isinstance(default, tree.Const) and default.value is False and not given_here

    def _is_named(self, dep: Dependency) -> bool:
        """Whether the provider, or what makes it, is named like an authentication dependency."""
        names = [dep.name, dep.type]
        if dep.maker is not None:
            names.append(dep.maker.name)
        if dep.function is not None and dep.function.name != "__call__":
            names.append(dep.function.key)
        if dep.name.startswith("fastapi.security."):
            return False  # request forms and credentials, which are data
        return any(is_auth_name(name.rpartition(".")[2]) for name in names if name)

    def _swallows(self, dep: Dependency) -> bool:
        """Whether an optional one raises nothing itself: what it calls raises, it catches."""
        if dep.function is None or self.denies(dep.function):
            return False
        return not _OPTIONAL.isdisjoint(words(dep.function.name))

    def _is_optional(self, dep: Dependency) -> bool:
        if not _OPTIONAL.isdisjoint(words(dep.name.rpartition(".")[2])):
            return True
        function = dep.function
        if function is None or function.raises:
            return False
        if _is_optional_type(function.fact.returns):
            return True
        return any(
            isinstance(value, tree.Const) and value.kind == "NoneType"
            for value in function.returned
        )

    # Denials --------------------------------------------------------------------------------------

    def _denies_reached(self, function: Function) -> bool:
        return any(self.denies(each) for each in self.project.calls.reachable(function, 2))

    def denies(self, function: Function) -> bool:
        """Whether a body raises, or answers with, 401 or 403."""
        known = self._denies.get(function.key)
        if known is None:
            known = any(self._is_denial(each) for each in function.raises)
            if not known:
                answers = self.project.routes.responses.answers(function)
                known = any(number(answer.status) in _STATUSES for answer in answers)
            self._denies[function.key] = known
        return known

    def _is_denial(self, each: Raise) -> bool:
        if each.fact.exc is None:
            return False
        given = source(Given(each.file, each.fact.exc, each.function))
        name = given.name
        last = name.rpartition(".")[2]
        if not _DENIALS.isdisjoint(words(last)):
            return True
        if not isinstance(given.expr, tree.CallRef):
            return False
        call = given.file.calls[given.expr.index]
        value = call.fact.keyword("status_code") or (call.fact.args[0] if call.fact.args else None)
        if value is None:
            return False
        return number(given.at(value).value) in _STATUSES

    # Beside dependencies --------------------------------------------------------------------------

    def checks_itself(self, route: Route) -> bool:
        """Whether the body or a decorator of a handler checks the credential."""
        function = route.function
        if self.denies(function) or self.is_decorated(route):
            return True
        return any(self._enforces(call, function) for call in function.calls)

    def is_decorated(self, route: Route) -> bool:
        """Whether a decorator of a handler checks the credential, by its name."""
        for decorator in route.function.fact.decorators:
            name = route.file.resolve(decorator.value, route.function.parent)
            last = name.rpartition(".")[2]
            if is_auth_name(last) or last in {"requires", "protected", "authenticated_only"}:
                return True
        return False

    def _enforces(self, call: Call, function: Function) -> bool:
        """Whether a call in a handler checks the caller: by its name, or with the request."""
        if is_auth_call(call.last):
            return True
        values = (*call.fact.args, *(item.value for item in call.fact.keywords))
        if not any(self._is_credential(function, tree.dotted(value)) for value in values):
            return False
        return any(self._denies_reached(each) for each in self.project.calls.resolve(call))

    def _is_credential(self, function: Function, name: str) -> bool:
        param = function.param(name.partition(".")[0]) if name else None
        if param is None:
            return False
        kind = self.project.values.of_annotation(function.file, param.annotation, function)
        return kind == "fastapi.Request" or _mentions_credentials(name)

    @cached_property
    def rejecting_middleware(self) -> bool:
        """Whether a middleware turns strangers away."""
        for each in self.project.routes.middleware:
            if each.function is not None:
                reached = self.project.calls.reachable(each.function, 2)
                if any(self.denies(f) for f in reached) and self._about_credentials(reached):
                    return True
            elif self.project.layout.split(each.name) is None:
                last = words(each.name.rpartition(".")[2])
                if not {"auth", "jwt", "oauth2"}.isdisjoint(last):
                    return True
        return False

    def _about_credentials(self, functions: Iterable[Function]) -> bool:
        for function in functions:
            facts = function.file.facts
            for call in function.calls:
                texts = [tree.text_of(arg) or "" for arg in call.fact.args]
                if any(_mentions_credentials(text) for text in (call.last, *texts)):
                    return True
            for fact in facts.assigns:
                if fact.function != function.index:
                    continue
                if any(_mentions_credentials(tree.dotted(t)) for t in fact.targets):
                    return True
        return False

    @cached_property
    def exists(self) -> bool:
        """Whether the project has an authentication dependency."""
        for route in self.project.routes.handlers:
            if any(self.concerns(dep) for dep in route.dependencies):
                return True
        if any(
            not SECURITY_CLASSES.isdisjoint(cls.ancestors)
            for file in self.project.production
            for cls in file.classes
        ):
            return True
        names = {name.rpartition(".")[2] for name in SECURITY_CLASSES}
        return any(
            file.resolve(call.fact.func, call.function) in SECURITY_CLASSES
            for file in self.project.production
            for call in file.calls_named(*names)
        )


def _mentions_credentials(text: str) -> bool:
    found = set(words(text))
    return (
        not found.isdisjoint(
            {"authorization", "token", "jwt", "bearer", "credentials", "auth", "authenticate"}
        )
        or {"api", "key"} <= found
    )


def _is_optional_type(expr: Expr | None) -> bool:
    if isinstance(expr, tree.Bin) and expr.op == "BitOr":
        return any(isinstance(i, tree.Const) and i.kind == "NoneType" for i in expr.items)
    return isinstance(expr, tree.Item) and tree.dotted(expr.value).endswith("Optional")


def is_auth_name(name: str) -> bool:
    """Whether a name says that it authenticates: ``get_current_user``, ``require_admin``."""
    found = words(name)
    if not found or not _TOOLS.isdisjoint(found):
        return False
    present = set(found)
    if found[0] in {"require", "requires", "required", "ensure", "enforce"}:
        return len(found) > 1
    if "current" in present or "active" in present:
        return not _PERSONS.isdisjoint(present)
    if {"api", "key"} <= present or {"logged", "in"} <= present:
        return True
    if found[0] in _VERIFYING:
        return not (_SECRETS | _RIGHTS | _AUTH_WORDS).isdisjoint(present)
    if not present.isdisjoint({"request", "response", "url", "callback", "redirect"}):
        return False
    if not _RIGHTS.isdisjoint(present):
        return found[0] not in _LOADING
    return not _AUTH_WORDS.isdisjoint(present)


def is_auth_call(name: str) -> bool:
    """Whether a function of this name, called in a body, checks a credential."""
    found = words(name)
    if not found or not is_auth_name(name):
        return False
    if found[0] == "get":
        return "current" in found or "authenticated" in found
    return found[0] in _ENFORCING or found[-1] in {"required", "permitted"}
