"""JWTs: where they are signed and read, and which claims a payload holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.given import Given, bound

if TYPE_CHECKING:
    from checks.project.subjects import Call, File, Function

_SIGNING = {
    "jwt.encode": 0,
    "jwt.api_jwt.encode": 0,
    "jwt.PyJWT.encode": 0,
    "jwt.api_jwt.PyJWT.encode": 0,
    "jose.jwt.encode": 0,
    "authlib.jose.jwt.encode": 1,
    "authlib.jose.JsonWebToken.encode": 1,
    "authlib.jose.rfc7519.JsonWebToken.encode": 1,
    "joserfc.jwt.encode": 1,
}
"""Functions that sign a JWT, with the position of their payload."""
_READING = frozenset(name.replace("encode", "decode") for name in _SIGNING)
_COPIES = frozenset(
    {"copy", "deepcopy", "dict", "model_dump", "asdict", "jsonable_encoder", "_asdict"}
)
_DEPTH = 6


class Claims(msgspec.Struct, frozen=True):
    """The claims of a payload.

    Attributes:
        names: Those that are seen.
        complete: There are no others.
    """

    names: frozenset[str] = frozenset()
    complete: bool = False

    def __or__(self, other: Claims) -> Claims:
        return Claims(self.names | other.names, self.complete and other.complete)


_EMPTY = tree.Map((), ())
_NONE = Claims(complete=True)
_UNKNOWN = Claims()


def signatures(file: File) -> Iterator[Call]:
    """Calls that sign a JWT."""
    for call in _spelled(file, "encode"):
        if call.name in _SIGNING:
            yield call


def decodes(file: File) -> Iterator[Call]:
    """Calls that read a JWT."""
    for call in _spelled(file, "decode"):
        if call.name in _READING:
            yield call


def _spelled(file: File, last: str) -> list[Call]:
    aliases = {row.alias for row in file.facts.imports if row.name == last and row.alias}
    return file.calls_named(last, *sorted(aliases - {last}))


def payload(call: Call) -> Given | None:
    """What a call signs."""
    position = _SIGNING.get(call.name, 0)
    value = call.arg(position, "payload") or call.fact.keyword("claims")
    return None if value is None else Given(call.file, value, call.function)


def claims(given: Given, depth: int = 0) -> Claims:
    """The claims that an expression holds where it stands."""
    if depth > _DEPTH:
        return _UNKNOWN
    given = given.behind
    match given.expr:
        case tree.Map(keys=keys, values=values):
            found = _NONE
            for key, value in zip(keys, values, strict=True):
                found |= claims(given.at(value), depth + 1) if key is None else _key(given.at(key))
            return found
        case tree.Bin(op="BitOr", items=items):
            found = _NONE
            for item in items:
                found |= claims(given.at(item), depth + 1)
            return found
        case tree.Op(kind="Await" | "NamedExpr", items=items):
            return claims(given.at(items[-1]), depth + 1)
        case tree.Op(kind="IfExp", items=(_, yes, no)):
            return claims(given.at(yes), depth + 1) | claims(given.at(no), depth + 1)
        case tree.Name(id=text):
            return _of_name(given, text, depth)
        case tree.CallRef(index=index):
            return _of_call(given, given.file.calls[index], depth)
    return _UNKNOWN


def _key(given: Given) -> Claims:
    text = given.text
    if text is None:  # an enum member or a constant that cannot be followed
        name = tree.dotted(given.expr).lower()
        return Claims(frozenset({"exp"}) if "exp" in name.rpartition(".")[2] else frozenset())
    return Claims(frozenset({text}), True)


# Names --------------------------------------------------------------------------------------------


def _of_name(given: Given, text: str, depth: int) -> Claims:
    """A variable: what it is assigned, and what is put into it afterwards."""
    function = given.function
    names = given.file.project.names
    binding, owner = names.binding(given.file, text.partition(".")[0], function)
    added = _added(given, text, depth) if function is not None else _NONE
    if "." in text:
        return Claims(added.names)
    if isinstance(binding, tree.Param) and owner is not None:
        return added | _of_parameter(binding, owner, depth)
    if owner is None:
        found = names.assignment_named(given.file.resolve(text, function))
        if found is None or found[1].value is None:
            return Claims(added.names)
        return added | claims(Given(found[0], found[1].value), depth + 1)
    if not isinstance(binding, tree.Assign):
        return Claims(added.names)
    known = {**given.known, text: Given(given.file, _EMPTY)}  # ``x = {**x, ...}`` adds to itself
    for row in given.file.tables.assigns_in.get((text, owner.index), ()):
        if row.value is not None and not row.op:
            added |= claims(Given(given.file, row.value, owner, known), depth + 1)
    param = owner.param(text)
    return added if param is None else added | _of_parameter(param, owner, depth)


def _added(given: Given, text: str, depth: int) -> Claims:
    """Claims put into a mapping or an object by statements of the same function."""
    function = given.function
    found = _NONE
    if function is None:
        return found
    for row in function.assigns:
        for target in row.targets:
            if isinstance(target, tree.Item) and tree.dotted(target.value) == text:
                found |= _key(given.at(target.index))
            elif isinstance(target, tree.Name) and target.id.rpartition(".")[0] == text:
                found |= Claims(frozenset({target.id.rpartition(".")[2]}), True)
            elif tree.dotted(target) == text and row.value is not None and row.op:
                found |= claims(given.at(row.value), depth + 1)
    for call in function.calls:
        if call.last in {"update", "setdefault"} and tree.dotted(call.receiver) == text:
            found |= Claims(frozenset(item.name for item in call.fact.keywords if item.name), True)
            for arg in call.fact.args[:1]:
                setting = call.last == "setdefault"
                found |= _key(given.at(arg)) if setting else claims(given.at(arg), depth + 1)
    for call in function.calls:  # a helper that fills what it is given
        passed = tree.Name(text) in call.fact.args and call.last not in _COPIES
        for target_function in function.file.project.calls.resolve(call) if passed else ():
            position = call.fact.args.index(tree.Name(text))
            params = [p.name for p in target_function.fact.params if p.name not in {"self", "cls"}]
            if position < len(params):
                inner = Given(target_function.file, tree.Name(params[position]), target_function)
                found |= Claims(_added(inner, params[position], depth + 1).names, True)
    return found


def _of_parameter(param: tree.Param, owner: Function, depth: int) -> Claims:
    """What the callers pass: what all of them hold, complete where each is."""
    if param.kind == "kwarg":
        return _UNKNOWN
    passed = []
    for call in owner.file.project.calls.callers(owner):
        value = bound(owner, call, call.function).get(param.name)
        passed.append(_UNKNOWN if value is None else claims(value, depth + 1))
    if not passed:
        return _UNKNOWN
    without = [each for each in passed if each.complete and "exp" not in each.names]
    if without:
        return without[0]
    shared = frozenset.intersection(*(each.names for each in passed))
    return Claims(shared, all(each.complete for each in passed))


# Calls --------------------------------------------------------------------------------------------


def _of_call(given: Given, call: Call, depth: int) -> Claims:
    project = given.file.project
    cls = project.classes.by_key.get(call.name)
    if cls is not None:
        given_names = frozenset(item.name for item in call.fact.keywords if item.name)
        fields = project.schemas.fields(cls)
        filled = {name for name, field in fields.items() if _fills(field.default)}
        names = given_names | filled | (fields.keys() if call.fact.args else set())
        return Claims(frozenset(names), bool(fields) and not call.spreads)
    if call.last in _COPIES:
        copied = _copied(call)
        found = _NONE if copied is None else claims(given.at(copied), depth + 1)
        if call.last == "dict":
            for item in call.fact.keywords:
                one = Claims(frozenset({item.name}), True)
                spread = not item.name and call.receiver is None
                found |= claims(given.at(item.value), depth + 1) if spread else one
        return found
    found = _UNKNOWN
    for function in project.calls.resolve(call)[:1]:
        if function.name == "__init__":
            break
        known = bound(function, call, call.function)
        for value in function.returned:
            one = claims(Given(function.file, value, function, known), depth + 1)
            found = one if found is _UNKNOWN else found | one
    return found


def _fills(default: Expr | None) -> bool:
    return default is not None and not (
        isinstance(default, tree.Const) and default.kind in {"NoneType", "ellipsis"}
    )


def _copied(call: Call) -> Expr | None:
    """What ``x.copy()``, ``x.model_dump()``, ``dict(x)`` or ``asdict(x)`` copies."""
    func = call.name.rpartition(".")[0] in {"copy", "dataclasses", "builtins", "fastapi.encoders"}
    if call.receiver is not None and not func:
        return call.receiver
    return call.fact.args[0] if call.fact.args else None
