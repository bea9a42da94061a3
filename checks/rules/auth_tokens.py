"""Checks of the tokens that a service issues: how long they live, and how they are renewed."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.conditions import words
from checks.project.given import Given
from checks.project.project import Project
from checks.project.routes import Route, segments
from checks.project.subjects import Call, Class, File, Function
from checks.project.tokens import claims, payload, signatures

_UNITS = {
    "weeks": 10080.0, "days": 1440.0, "hours": 60.0, "minutes": 1.0, "seconds": 1 / 60,
}  # fmt: skip
_ONE_TIME = frozenset(
    "invite invitation reset verify verification confirm confirmation activate activation email "
    "mail password file download state magic otp unsubscribe csrf preview share upload oauth "
    "challenge mfa temp temporary service link api".split()
)
_LOGIN = frozenset("login signin authenticate auth token tokens jwt session sessions".split())
_NOT_LOGIN = frozenset(
    "refresh logout verify revoke validate test check callback reset forgot invite".split()
)
_MAKING = frozenset("create generate make issue sign new encode build get".split())
_LEVELS = 4


def signs_tokens(project: Project) -> str | None:
    """A production file signs JWTs."""
    signed = any(True for file in project.production for _ in signatures(file))
    return None if signed else "no JWT is signed"


# token-lifetime -----------------------------------------------------------------------------------


class _Lifetime(msgspec.Struct, frozen=True):
    """How long a token lives, and where that is said."""

    kind: str
    minutes: float
    file: File
    line: int


@check("token-lifetime", applies=signs_tokens)
def token_lifetime(project: Project, *, access_minutes: int = 0, refresh_days: int = 0) -> Answer:
    """Every token that is signed expires, and in the agreed time.

    A token without an end is a password that nobody can change.

    Instead: put ``exp`` into the payload and take the lifetimes from settings.

    Known problems: a payload that cannot be followed to where it is made is taken to expire.
    Lifetimes are read from ``timedelta``; which token they are for is told by names.
    """
    count, found = 0, []
    for file in project.production:
        for call in signatures(file):
            count += 1
            given = payload(call)
            held = None if given is None else claims(given)
            if held is not None and held.complete and "exp" not in held.names:
                text = "The token is signed without `exp`: it never expires"
                found.append(At(call.line, text, path=file.path, anchor="exp"))
    limits = {"access": access_minutes, "refresh": refresh_days * 1440}
    for each in _lifetimes(project) if access_minutes or refresh_days else ():
        limit = limits[each.kind]
        count += bool(limit)
        if limit and abs(each.minutes - limit) > 0.01:
            found.append(_differs(each, limit))
    return Sites(count, found)


def _differs(each: _Lifetime, limit: int) -> At:
    unit, size = ("days", 1440) if each.kind == "refresh" else ("minutes", 1)
    measured, wanted = f"{each.minutes / size:g} {unit}", f"{limit / size:g} {unit}"
    text = f"The {each.kind} token lives {measured}, not {wanted}"
    return At(each.line, text, path=each.file.path, measured=measured, limit=wanted,
              anchor=each.kind)  # fmt: skip


def _lifetimes(project: Project) -> list[_Lifetime]:
    """Lifetimes of access and refresh tokens, each place once."""
    signing = {
        call.function for file in project.production for call in signatures(file) if call.function
    }
    users: dict[Function, str] = {function: function.name for function in signing}
    front = list(signing)
    for _ in range(2):
        calls = [(call, callee) for callee in front for call in project.calls.callers(callee)]
        front = []
        for call, callee in calls:
            above = call.function
            if above is not None and above not in users and above.file.is_production:
                users[above] = callee.name
                front.append(above)
    found: dict[tuple[str, int], _Lifetime] = {}
    for function, signing_name in users.items():
        for call in function.calls:
            if call.last == "timedelta":
                each = _lifetime(call, signing_name)
                if each is not None:
                    found.setdefault((each.file.path, each.line), each)
    named = [each for each in found.values() if each.kind in {"access", "refresh"}]
    generic = [each for each in found.values() if not each.kind]
    if not any(each.kind == "access" for each in named):
        named += [msgspec.structs.replace(each, kind="access") for each in generic]
    return sorted(named, key=lambda each: (each.file.path, each.line))


def _lifetime(call: Call, callee: str) -> _Lifetime | None:
    """The lifetime that a ``timedelta(...)`` is, None for what is no token's or not known."""
    function = call.function
    parts = [(item.name, item.value) for item in call.fact.keywords]
    parts += list(zip(("days", "seconds"), call.fact.args, strict=False))
    if function is None or len(parts) != 1 or parts[0][0] not in _UNITS:
        return None
    unit, expr = parts[0]
    value = _number(Given(call.file, expr, function))
    kind = _kind(call, expr, callee)
    if value is None or kind is None:
        return None
    file, line = _defined(Given(call.file, expr, function)) or (call.file, call.line)
    return _Lifetime(kind, value * _UNITS[unit], file, line)


def _kind(call: Call, expr: Expr, callee: str) -> str | None:
    """Which token a lifetime is for: "" when no name tells, None for one-time tokens."""
    function = call.function
    row = call.file.tables.assign_of_call.get(call.index)
    targets = " ".join(tree.dotted(target) for target in row.targets) if row is not None else ""
    said = [tree.dotted(expr), targets, function.name if function is not None else "", callee]
    for text in said:
        found = set(words(text.replace(".", " ")))
        for kind in ("refresh", "access"):
            if kind in found:
                return kind
        if not _ONE_TIME.isdisjoint(found):
            return None
    return "" if "token" in words(" ".join(said)) or "jwt" in words(" ".join(said)) else None


def _number(given: Given) -> float | None:
    value = given.value
    if isinstance(value, str):
        value = int(value) if value.strip().isdecimal() and len(value) < 12 else None
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _defined(given: Given) -> tuple[File, int] | None:
    """The line of the constant or of the settings field that a name stands for."""
    text = tree.dotted(given.expr)
    if not text:
        return None
    project = given.file.project
    found = project.names.assignment_named(given.file.resolve(given.expr, given.function))
    if found is not None:
        return found[0], found[1].line
    head, _, last = text.rpartition(".")
    owner = given.file.type_of(tree.Name(head), given.function) if head else ""
    cls = project.classes.by_key.get(owner)
    field = None if cls is None else project.schemas.fields(cls).get(last)
    if field is not None:
        return field.cls.file, field.line
    fact = None if cls is None else cls.attributes.get(last)
    return None if cls is None or fact is None else (cls.file, fact.line)


# refresh-token ------------------------------------------------------------------------------------


def issues_tokens(project: Project) -> str | None:
    """A login or token endpoint that issues access tokens of its own."""
    return None if _logins(project) else "no endpoint issues access tokens"


@check("refresh-token", each="aspects", applies=issues_tokens)
def refresh_token(
    project: Project, aspect: str, *, aspects: Sequence[str] = ("endpoint",)
) -> At | Skip | None:
    """Access tokens are renewed by refresh tokens, which the service keeps and can withdraw.

    Without them an access token lives for weeks, or people log in every half hour.

    Instead: add a refresh endpoint and store (hashed) opaque refresh tokens in the database.

    Known problems: libraries that issue tokens themselves are not opened. A token endpoint is one
    whose path or name says so and that signs a JWT within four levels of calls.
    """
    login = _logins(project)[0]
    if aspect == "endpoint":
        if any(_is_refresh(route) for route in project.routes.handlers):
            return None
        text = f"`{login.name}` issues access tokens, and no endpoint refreshes them"
        return At(login.line, text, path=login.path, anchor=aspect)
    created = _created(project)
    if created is None:
        return Skip("no refresh token is signed")
    if any(_keeps_tokens(cls) for cls in project.classes.with_role("orm", "document")):
        return None
    text = "The refresh token is a JWT that no table keeps: nobody can withdraw it"
    return At(created.line, text, path=created.path, anchor=aspect)


def _logins(project: Project) -> list[Route]:
    """Handlers that log somebody in and answer a token which is signed here."""
    return [
        route
        for route in project.routes.handlers
        if route.file.is_production and _is_login(route) and _signs(route)
    ]


def _is_login(route: Route) -> bool:
    said = set(words(route.name))
    for path in route.paths:
        own = [part for part in segments(path.lower()) if "{" not in part]
        said |= {word for part in own[-2:] for word in words(part)}
    if {"sign", "in"} <= said or {"log", "in"} <= said:
        said.add("login")
    return "POST" in route.methods and bool(said & _LOGIN) and not said & _NOT_LOGIN


def _signs(route: Route) -> bool:
    reached = route.file.project.calls.reachable(route.function, _LEVELS)
    if any(f == call.function for f in reached for call in signatures(f.file)):
        return True
    properties = _signing_properties(route.file.project)
    return bool(properties) and any(
        _reads_property(route.function, node, properties)
        for place in route.file.tables.expressions.get(route.function.index, ())
        for node in tree.walk(place.expr, route.file.facts)
    )


def _signing_properties(project: Project) -> frozenset[str]:
    """Canonical names of the properties that sign a token when they are read."""
    return frozenset(
        call.function.key
        for file in project.production
        for call in signatures(file)
        if call.function is not None and call.function.decorated_by("builtins.property")
    )


def _reads_property(function: Function, node: Expr, properties: frozenset[str]) -> bool:
    if not isinstance(node, tree.Name):
        return False
    head, dot, last = node.id.rpartition(".")
    owners = {name.rpartition(".")[0] for name in properties if name.endswith(f".{last}")}
    return bool(dot and owners) and function.file.type_of(tree.Name(head), function) in owners


def _is_refresh(route: Route) -> bool:
    return "refresh" in route.name.lower() or any("refresh" in p.lower() for p in route.paths)


def _created(project: Project) -> Call | None:
    """The call that signs a refresh token."""
    for file in project.production:
        for call in signatures(file):
            function = call.function
            if function is None:
                continue
            if "refresh" in words(function.name):
                return call
            for caller in project.calls.callers(function):
                if _makes_refresh(caller, function):
                    return caller
    return None


def _makes_refresh(call: Call, signing: Function) -> bool:
    """Whether a call of what signs tokens signs a refresh token, by its names."""
    above = call.function
    row = call.file.tables.assign_of_call.get(call.index)
    said = [tree.dotted(target) for target in row.targets] if row is not None else []
    said += [item.name for item in call.fact.keywords]
    said += [tree.dotted(value) for value in call.arguments]
    if above is not None and "access" not in words(signing.name):
        said += [above.name] if _MAKING.intersection(words(above.name)) else []
    return any("refresh" in words(text) for text in said)


def _keeps_tokens(cls: Class) -> bool:
    """Whether a table keeps refresh tokens or sessions."""
    named = set(words(cls.name))
    if "token" in named or "tokens" in named:
        return named.isdisjoint({"reset", "verification", "verify", "api", "invite", "device"})
    if named & {"session", "sessions"} and named & {"user", "auth", "login", "refresh", "account"}:
        return True
    return any({"refresh", "token"} <= set(words(name)) for name in cls.attributes)
