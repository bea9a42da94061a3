"""Checks of domain exceptions: that services raise them, and that they form a hierarchy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.given import Given
from checks.project.layers import is_named_service, is_service_class
from checks.project.project import Project
from checks.project.subjects import Class, Function, Raise

_CONTROL = frozenset(
    "StopIteration StopAsyncIteration CancelledError KeyboardInterrupt SystemExit GeneratorExit "
    "Retry Ignore Reject SoftTimeLimitExceeded".split()
)
_VALIDATORS = frozenset(
    "field_validator validator root_validator model_validator field_serializer model_serializer "
    "validates BeforeValidator AfterValidator WrapValidator PlainValidator".split()
)
_DATA_METHODS = frozenset({"__post_init__", "__attrs_post_init__", "model_post_init"})


def has_services(project: Project) -> str | None:
    """Any service module or service class."""
    layers = project.layers
    for file in project.production:
        if layers.is_service_module(file) or any(is_service_class(cls) for cls in file.classes):
            return None
    return "no service module"


# What services raise ------------------------------------------------------------------------------


@check("services-raise-domain-exceptions", applies=has_services)
def services_raise_domain_exceptions(
    raised: Raise,
    *,
    allowed: Sequence[str] = ("NotImplementedError", "AssertionError", "TypeError"),
) -> Answer:
    """A service raises exceptions of the project's own.

    A built-in or a library's exception says what failed inside, not what it means; who calls the
    service cannot tell one case from another.

    Instead: raise an exception of the project's own hierarchy.

    Known problems: a built-in exception that the same function catches again counts as well.
    """
    file, function = raised.file, raised.function
    if function is None or raised.fact.exc is None:
        return Skip("raises no class")
    if not file.project.layers.in_service(function, file):
        return Skip("not in a service")
    name = file.project.exceptions.raised(raised)
    last = name.rpartition(".")[2]
    if not name or last in _CONTROL or _validates(function):
        return Skip("an exception that was caught, that steers, or of a validator")
    kind = _kind(file.project, name)
    if not kind or last in allowed:
        return None
    return At(raised.line, f"The service raises {kind} `{last}`", anchor=last)


def _kind(project: Project, name: str) -> str:
    """What a class is when it is no exception of our own, "" for one of ours."""
    cls = project.classes.by_key.get(name)
    if project.sending.is_http_error(name):
        return "the HTTP exception"
    if cls is not None or project.exceptions.is_first_party(name):
        return ""
    return "the built-in" if name.startswith("builtins.") else "the third-party exception"


def _validates(function: Function) -> bool:
    """A validator of a schema or dataclass, or a helper that only validators call."""
    if _is_validator(function):
        return True
    if function.cls is not None:
        return False
    callers = [call.function for call in function.file.project.calls.callers(function)]
    return bool(callers) and all(each is not None and _is_validator(each) for each in callers)


def _is_validator(function: Function) -> bool:
    if function.name in _DATA_METHODS:
        return True
    file = function.file
    names = (file.resolve(each.value, function.parent) for each in function.fact.decorators)
    if any(name.rpartition(".")[2] in _VALIDATORS for name in names):
        return True
    cls = function.cls
    return cls is not None and file.project.classes.role(cls) in {"schema", "settings"}


# Their hierarchy ----------------------------------------------------------------------------------

_KINDS: dict[str, tuple[str, int]] = {
    "not-found": (r"No\w*Found|Does_?Not_?Exist|No_?Such", 404),
    "conflict": (r"Conflict|Already_?Exist|Already_?Registered|Duplicate", 409),
    "unauthorized": (
        r"Unauthori[sz]ed|Unauthenticated|Not_?Authenticated|Authentication|Invalid_?Credential",
        401,
    ),
    "forbidden": (r"Forbidden|Permission|Access_?Denied|Not_?Allowed", 403),
    "bad-request": (r"Bad_?Request|Invalid", 400),
    "validation": (r"Validation", 422),
    "rate-limited": (r"Rate_?Limit|Too_?Many", 429),
    "external-service": (r"External|Upstream|Gateway", 502),
}
"""Names that cover a kind, and the status that does."""
_BASE_NAME = re.compile(
    r"_?(\w*Base\w*|(App|Application|Domain|Service|Project|API|Api)?(Error|Exception))"
)
_CODES = frozenset({"code", "error_code"})
_MESSAGES = frozenset({"message", "detail", "msg", "default_message", "default_detail"})


def _has_application_or_services(project: Project) -> str | None:
    if any(application.file.is_production for application in project.routes.applications):
        return None
    if any(is_named_service(file) for file in project.production):
        return None
    return None if has_services(project) is None else "no FastAPI application, no service module"


@check("exception-hierarchy", applies=_has_application_or_services)
def exception_hierarchy(
    project: Project,
    *,
    kinds: Sequence[str] = ("not-found",),
    require: Sequence[str] = (),
    max_count: int = 0,
) -> Sites:
    """The project defines its own exceptions, as a hierarchy.

    One base can be caught in one place; a class per meaning gives each its status.

    Instead: add the exception class, derive it from the project's base exception and give it
    code and message.

    Known problems: a class counts as private to its module when it is raised and caught there
    and no other module imports it. A class that others inherit from, or whose name says base or
    is that of the whole application, needs no base of its own.
    """
    own = [cls for cls in project.exceptions.domain if cls.is_public]
    found = [
        At(0, f"No domain exception covers {kind}", symbol="", anchor=kind)
        for kind in kinds
        if not _is_covered(project, kind)
    ]
    count = len(kinds)
    judged = [cls for cls in own if not _is_private(cls)] if require else []
    parents = {name for cls in project.exceptions.domain for name in cls.ancestors}
    for cls in judged:
        for entry in require:
            count += 1
            message = _lacks(cls, entry, parents)
            if message:
                found.append(At(cls.line, message, path=cls.path, anchor=entry))
    if max_count > 0:
        count += 1
        if len(own) > max_count:
            text = "There are more exception classes than anybody can tell apart"
            found.append(At(0, text, measured=str(len(own)), limit=str(max_count), anchor="count"))
    return Sites(count, found)


def _is_covered(project: Project, kind: str) -> bool:
    pattern, status = _KINDS[kind]
    wanted = re.compile(pattern, re.IGNORECASE)
    for cls in project.exceptions.domain:
        if wanted.search(cls.name) or status in _statuses(cls):
            return True
    return any(wanted.search(member) for member in _code_members(project))


def _statuses(cls: Class) -> Iterator[object]:
    """Status codes that a class sets for itself."""
    names = {"status_code", "status", "http_status", "code"}
    for name in names & cls.attributes.keys():
        fact = cls.attributes[name]
        if fact.value is not None:
            yield Given(cls.file, fact.value).value
    init = cls.methods.get("__init__")
    for param in init.fact.params if init is not None else ():
        if param.name in names and param.default is not None:
            yield Given(cls.file, param.default).value
    for name in sorted(names):
        for method, assign in cls.own_assigns.get(name, ()):
            if assign.value is not None:
                yield Given(cls.file, assign.value, method).value
    for call in init.calls if init is not None else ():
        if call.last == "__init__":
            for value in call.arguments:
                yield Given(cls.file, value, init).value


def _code_members(project: Project) -> set[str]:
    """Members of the enums that our exceptions are given as their code."""
    found: set[str] = set()
    for cls in project.exceptions.domain:
        init = cls.methods.get("__init__")
        for param in init.fact.params if init is not None else ():
            name = project.values.of_annotation(cls.file, param.annotation, init)
            enum = project.classes.by_key.get(name)
            if enum is not None and project.classes.role(enum) == "enum":
                found |= set(enum.attributes)
    return found


def _is_private(cls: Class) -> bool:
    """Raised and caught in its own module, and imported by no other."""
    project = cls.file.project
    if cls.name in project.exceptions.imported:
        return False
    file = cls.file
    known: frozenset[str] | None = file.memo.get("raised and caught")
    if known is None:
        caught = {name for clause in file.excepts for name in clause.types}
        known = frozenset(caught & {each.name for each in file.raises})
        file.memo["raised and caught"] = known
    return cls.key in known


def _lacks(cls: Class, entry: str, parents: set[str]) -> str:
    """What a class lacks, as a sentence; "" when it has it."""
    lineage = list(_lineage(cls))
    match entry:
        case "base":
            exceptions = cls.file.project.exceptions
            based = any(exceptions.is_domain(name) for name in cls.ancestors)
            if based or cls.key in parents or _BASE_NAME.fullmatch(cls.name):
                return ""
            return f"`{cls.name}` does not inherit from a base exception of the project"
        case "code":
            has = any(_has_attribute(each, _CODES) for each in lineage)
            return "" if has else f"`{cls.name}` carries no error code"
        case _:
            has = any(_has_attribute(each, _MESSAGES) or _passes_text(each) for each in lineage)
            return "" if has else f"`{cls.name}` carries no message"


def _lineage(cls: Class) -> Iterator[Class]:
    by_key = cls.file.project.classes.by_key
    yield cls
    for name in cls.ancestors:
        if name in by_key:
            yield by_key[name]


def _has_attribute(cls: Class, names: frozenset[str]) -> bool:
    return not names.isdisjoint({*cls.attributes, *cls.own_assigns, *cls.methods})


def _passes_text(cls: Class) -> bool:
    """Whether its ``__init__`` passes a text to that of its base."""
    init = cls.methods.get("__init__")
    for call in init.calls if init is not None else ():
        if call.last == "__init__":
            own = init.fact.params[0].name if init is not None and init.fact.params else "self"
            if any(not _is_bare(value, own) for value in call.arguments):
                return True
    return False


def _is_bare(value: Expr, own: str) -> bool:
    """The object itself (``Base.__init__(self)``), or nothing that could be a text."""
    if isinstance(value, tree.Const):
        return value.kind != "str"
    return tree.dotted(value) == own
