"""Checks of how passwords are kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.project.conditions import words
from checks.project.given import Given
from checks.project.passwords import (
    Passwords,
    Value,
    hasher,
    is_hashed,
    is_password,
    mentions,
    password_names,
)
from checks.project.project import Project
from checks.project.subjects import Call, Class, File, Function

_PEOPLE = frozenset("user users account member customer admin employee client_user".split())
_ROW_WORDS = frozenset("model entity document record row orm db in table aggregate".split())
_INPUT = frozenset(
    "confirm confirmation confirmed repeat repeated again retype retyped retry new old "
    "password1 password2 verify".split()
)
_STORED = frozenset(
    "user account row record stored db existing member admin settings config".split()
)
_WRITES = frozenset({"values", "update", "create", "insert", "model_copy", "save"})
_SCHEMES = frozenset({"bcrypt", "argon2", "scrypt"})


@check("password-hashing")
def password_hashing(
    project: Project, *, allowed: Sequence[str] = ("bcrypt", "argon2", "passlib", "pwdlib")
) -> Answer:
    """Passwords are hashed by a scheme that is made for them.

    A stolen table of plain or quickly hashed passwords is a list of passwords.

    Instead: hash with bcrypt or argon2 and verify with the library's verify function.

    Known problems: a value that cannot be followed to where it is made is taken to be hashed.
    Passwords inside dictionaries are not followed. A weak hash in a function of its own is
    reported there, not where its result is stored.
    """
    follower = Passwords(project)
    found: dict[tuple[str, int], At] = {}
    count = 0
    seen: set[Call] = set()
    for file in project.production:
        if b"passw" not in (file.encoded or b"").lower() and not file.calls_named("CryptContext"):
            continue
        for line, name, given in (*_stores(file), *_compared(file)):
            value = follower.value(given)
            count += 1
            at = _judged(file, line, name, value, given.function, allowed)
            if at is not None:
                found.setdefault((at.path or file.path, at.line), at)
                if value.call is not None:
                    seen.add(value.call)
        for call in file.calls_named("CryptContext"):
            count += 1
            outside = _outside(call, allowed)
            if outside:
                text = f"The context hashes passwords by {outside}"
                found[file.path, call.line] = At(call.line, text, path=file.path, anchor=outside)
    for call in _hashes(project, seen):
        count += 1
        text = f"The password is hashed by `{call.last}`, which is made for speed"
        found[call.path, call.line] = At(call.line, text, path=call.path, anchor=call.last)
    return Sites(count, list(found.values())) if count else Skip("no password is kept")


def _judged(
    file: File,
    line: int,
    name: str,
    value: Value,
    function: Function | None,
    allowed: Sequence[str],
) -> At | None:
    if value.kind == "plain":
        text = f"`{name}` is kept or compared as it was typed"
        return At(line, text, path=file.path, anchor=name)
    if value.kind != "hashed" or _is_allowed(value, allowed):
        return None
    text = f"`{name}` is hashed by {value.library}, which is not among {', '.join(allowed)}"
    call = value.call
    if call is not None and call.function != function:
        return At(call.line, text, path=call.path, anchor=call.last)
    return At(line, text, path=file.path, anchor=name)


def _is_allowed(value: Value, allowed: Sequence[str]) -> bool:
    if value.library in allowed:
        return True
    if value.library not in {"pwdlib", "passlib"} or value.call is None:
        return False
    imported = {row.module.rpartition(".")[2] for row in value.call.file.facts.imports}
    schemes = imported & _SCHEMES
    return bool(schemes) and schemes <= set(allowed)


# Stores -------------------------------------------------------------------------------------------


def _stores(file: File) -> Iterator[tuple[int, str, Given]]:
    """Where a password is put into a model: line, name of the field, and the value."""
    for call in file.calls:
        for item in call.fact.keywords:
            named = is_hashed(item.name) or is_password(item.name)
            if named and not _is_empty(item.value) and _keeps(call, item.name):
                yield call.line, item.name, Given(file, item.value, call.function)
            elif not item.name:
                for name, value in _spread(call, item.value):
                    yield call.line, name, Given(file, value, call.function)
    for row in file.facts.assigns:
        function = file.function_of(row.function)
        for target in row.targets:
            text = tree.dotted(target)
            if row.value is None or "." not in text or _is_empty(row.value):
                continue
            if _is_kept(file, text, function):
                yield row.line, text, Given(file, row.value, function)


def _is_empty(expr: tree.Expr) -> bool:
    return isinstance(expr, tree.Const)


def _spread(call: Call, given: tree.Expr) -> Iterator[tuple[str, tree.Expr]]:
    """Passwords of a schema that is spread whole into a row: ``User(**data.model_dump())``."""
    project, cls = call.file.project, _row_class(call)
    if cls is None or project.classes.role(cls) not in {"orm", "document"}:
        return
    if not isinstance(given, tree.CallRef):
        return
    dump = call.file.calls[given.index]
    base = tree.dotted(dump.receiver)
    if dump.last not in {"model_dump", "dict"} or dump.fact.keyword("exclude") is not None:
        return
    schema = project.classes.by_key.get(call.file.type_of(dump.receiver, call.function))
    if schema is None or project.classes.role(schema) != "schema":
        return
    passed = {item.name for item in call.fact.keywords}
    for name in project.schemas.fields(schema):
        if is_password(name) and name not in passed and name in _columns(cls):
            yield name, tree.Name(f"{base}.{name}")


def _columns(cls: Class) -> set[str]:
    """Names of the attributes of a model that no setter hashes."""
    owners = (cls.file.project.classes.by_key.get(key) for key in (cls.key, *cls.ancestors))
    names = {name for owner in owners if owner is not None for name in owner.attributes}
    return {name for name in names if not _hashes_on_its_own(cls, name)}


def _row_class(call: Call) -> Class | None:
    """The class that a call makes an object of, or writes rows of."""
    project, function = call.file.project, call.function
    made = tree.dotted(call.fact.func)
    if made == "cls" and function is not None and function.cls is not None:
        return function.cls
    if call.last == "values" and isinstance(call.receiver, tree.CallRef):
        inner = call.file.calls[call.receiver.index]
        while isinstance(inner.receiver, tree.CallRef):  # ``update(User).where(...).values(...)``
            inner = call.file.calls[inner.receiver.index]
        if inner.last in {"insert", "update"} and inner.fact.args:
            return project.classes.by_key.get(call.file.resolve(inner.fact.args[0], function))
    return project.classes.by_key.get(call.name)


def _keeps(call: Call, name: str) -> bool:
    """Whether a call makes a row, or writes to one."""
    cls = _row_class(call)
    if cls is None:
        return is_hashed(name) and call.last in _WRITES
    role = call.file.project.classes.role(cls)
    if role in {"orm", "document"}:
        return not _hashes_on_its_own(cls, name)
    if role in {"settings", "exception"}:
        return False
    if is_hashed(name):
        return True
    own = all(each in cls.file.project.classes.by_key for each in cls.ancestors)
    said = [word for word in words(cls.name) if word not in _ROW_WORDS]
    return own and role != "schema" and not _PEOPLE.isdisjoint(said[-1:])


def _is_kept(file: File, text: str, function: Function | None) -> bool:
    """Whether an attribute is a field of a row."""
    base, _, last = text.rpartition(".")
    if not is_hashed(last) and not is_password(last):
        return False
    kind = file.type_of(tree.Name(base), function)
    cls = file.project.classes.by_key.get(kind)
    if cls is None:
        return not kind and base != "self" and not _PEOPLE.isdisjoint(words(base))
    role = file.project.classes.role(cls)
    if role in {"orm", "document"}:
        return not _hashes_on_its_own(cls, last)
    return is_hashed(last) and role not in {"settings", "exception"}


def _hashes_on_its_own(cls: Class, name: str) -> bool:
    """Whether a setter, a validator or the type of a column hashes what it is given."""
    if name in cls.methods:
        return True
    fact = cls.attributes.get(name)
    if fact is not None and isinstance(fact.value, tree.CallRef):
        for node in tree.walk(fact.value, cls.file.facts):
            if "Password" in tree.dotted(node):
                return True
    return any(method.decorated_by("sqlalchemy.orm.validates") for method in cls.methods.values())


# Comparisons and hashes ---------------------------------------------------------------------------


def _compared(file: File) -> Iterator[tuple[int, str, Given]]:
    """Where what was typed is compared with what is stored."""
    for index, places in file.tables.expressions.items():
        function = file.function_of(index)
        for place in places:
            for node in tree.walk(place.expr, file.facts):
                pair = _pair(file, node, function)
                if pair is not None:
                    yield place.line, tree.dotted(pair[1]), Given(file, pair[0], function)


def _pair(
    file: File, node: tree.Expr, function: Function | None
) -> tuple[tree.Expr, tree.Expr] | None:
    """What is typed and what is stored, when an expression compares these."""
    if isinstance(node, tree.CallRef) and file.calls[node.index].last == "compare_digest":
        items = file.calls[node.index].fact.args
    elif isinstance(node, tree.Op) and node.kind in {"Compare:Eq", "Compare:NotEq"}:
        items = node.items
    else:
        return None
    if len(items) != 2:
        return None
    for typed, stored in (items, items[::-1]):
        name = password_names(stored)
        own = name.startswith("self.") and _is_kept(file, name, function)
        if (own or _is_stored(name)) and _may_be_typed(file, typed):
            return typed, stored
    return None


def _is_stored(name: str) -> bool:
    base, _, last = name.rpartition(".")
    if is_hashed(last):
        return True
    return bool(base) and not _STORED.isdisjoint(words(base)) and "in" not in words(base)


def _may_be_typed(file: File, expr: tree.Expr) -> bool:
    if isinstance(expr, tree.CallRef):
        return mentions(file.calls[expr.index]) or file.calls[expr.index].last == "hexdigest"
    name = password_names(expr)
    return bool(name) and _INPUT.isdisjoint(words(name.rpartition(".")[2]))


def _outside(call: Call, allowed: Sequence[str]) -> str:
    """The scheme of a passlib context that is not allowed, "" for none."""
    if call.name not in {"passlib.context.CryptContext", "passlib.context.LazyCryptContext"}:
        return ""
    given = call.arg(0, "schemes")
    schemes = None if given is None else Given(call.file, given, call.function).value
    if isinstance(schemes, str):
        schemes = [schemes]
    wanted = tuple(each for each in allowed if each in _SCHEMES)
    if not isinstance(schemes, list) or not wanted:
        return ""
    judged = schemes[:1] if call.fact.keyword("deprecated") is not None else schemes
    return next((s for s in judged if isinstance(s, str) and not s.startswith(wanted)), "")


def _hashes(project: Project, seen: set[Call]) -> Iterator[Call]:
    """Quick hashes of passwords whose result goes where it is not seen."""
    for file in project.production:
        names = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "pbkdf2_hmac", "new")
        for call in file.calls_named(*names):
            if call not in seen and hasher(call) == "hashlib" and mentions(call):
                yield call
