"""Checks on the fields of schemas."""

from __future__ import annotations

from collections.abc import Iterator

from checks.check import At, Sites, check
from checks.facts import tree
from checks.project.conditions import words
from checks.project.project import Project
from checks.project.schemas import CONTAINERS, Field, arguments
from checks.project.subjects import Class

_PLAIN = frozenset({"builtins.str", "builtins.int", "builtins.float"})
_ENDS = frozenset({"at", "date", "until", "timestamp", "birthday", "expires"})
_DURATIONS = frozenset(
    "response run processing execution elapsed lead wait prep cook total reading travel retry "
    "up real life half delivery preparation average avg mean max min cpu wall build load full "
    "perform part over down screen play watch in of per any each every some first idle ttl".split()
)
_MOMENTS = frozenset(
    "created updated modified deleted published started finished ended scheduled paid sent "
    "received due start end begin opened closed issued expired last next event".split()
)
_CLAIMS = frozenset({"exp", "iat", "nbf", "jti", "sub"})
_MIRRORS = frozenset(
    "clients client integrations integration external third_party thirdparty providers provider "
    "adapters adapter gateways gateway vendors connectors webhooks".split()
)


def _has_dates(project: Project) -> str | None:
    return None if any(True for _ in _fields(project)) else "no schema with a date-like field"


@check("typed-datetime-fields", applies=_has_dates)
def typed_datetime_fields(project: Project) -> Sites:
    """Type dates as datetime in schemas.

    Pydantic then checks the format, keeps the time zone, and OpenAPI says ``date-time``.

    Instead: annotate the field ``datetime`` (or ``date``, ``time``).

    Known problems: whether a name means a date is read from its last word; schemas below a
    folder of clients or integrations mirror somebody else's payload and are left out.
    """
    found, count = [], 0
    for cls, field in _fields(project):
        count += 1
        if _is_plain(project, field):
            message = f"`{cls.name}.{field.name}` is a date without a date's type"
        elif _is_formatted(cls, field.name):
            message = f"`{cls.name}.{field.name}` is formatted by hand"
        else:
            continue
        symbol = f"{cls.symbol}.{field.name}"
        found.append(At(field.line, message, path=cls.path, symbol=symbol, anchor=field.name))
    return Sites(count, found)


def _fields(project: Project) -> Iterator[tuple[Class, Field]]:
    """Date-like fields of the schemas that handlers use; of all where there is no handler."""
    used = _used_with_bases(project) if project.routes.handlers else None
    for cls in project.schemas.all:
        if used is not None and cls.key not in used:
            continue
        if not _MIRRORS.isdisjoint(cls.file.segments):
            continue
        own = project.schemas.own_fields(cls)
        if any(field.name in _CLAIMS for field in own):
            continue
        yield from ((cls, field) for field in own if _is_date_like(field.name))


def _used_with_bases(project: Project) -> set[str]:
    """Canonical names of the schemas that handlers use, and of their bases."""
    classes = [project.classes.by_key[key] for key in project.schemas.used]
    return {name for cls in classes for name in (cls.key, *cls.ancestors)}


def _is_date_like(name: str) -> bool:
    parts = words(name)
    if not parts or (len(parts) == 1 and parts[0] in {"at", "until"}):
        return False
    last = parts[-1]
    if last == "time":
        return len(parts) > 1 and _DURATIONS.isdisjoint(parts[:-1])
    if last == "on":
        return len(parts) > 1 and (parts[-2] in _MOMENTS)
    return last in _ENDS


def _is_plain(project: Project, field: Field) -> bool:
    """Whether the type is text or a number, container and None aside."""
    if field.type is None:
        return False
    numeric_time = words(field.name)[-1] == "time" and words(field.name)[0] not in _MOMENTS
    for member in project.schemas.members(field.type):
        name = member.file.resolve(member.expr, member.function)
        inner = arguments(member) if name in CONTAINERS else (member,)
        for each in inner:
            kind = each.file.resolve(each.expr, each.function)
            if kind in _PLAIN and not (numeric_time and kind != "builtins.str"):
                return True
    return False


def _is_formatted(cls: Class, name: str) -> bool:
    """Whether a serializer of the field formats it in a form that is not ISO."""
    for method in cls.methods.values():
        for decorator in method.fact.decorators:
            if not isinstance(decorator.value, tree.CallRef):
                continue
            call = cls.file.calls[decorator.value.index]
            if call.last != "field_serializer":
                continue
            if name not in {tree.text_of(arg) for arg in call.fact.args}:
                continue
            for inner in method.calls:
                text = tree.text_of(inner.arg(0, "format")) if inner.last == "strftime" else None
                if text is not None and not text.startswith(("%Y-%m-%d", "%H:%M", "%Y-%m-%dT")):
                    return True
    return False
