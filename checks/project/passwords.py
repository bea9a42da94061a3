"""What becomes of passwords: which values are hashed, by what, and which are as they were typed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import msgspec

from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.conditions import words
from checks.project.given import Given, bound

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import Call, Class, Function

type Kind = Literal["hashed", "plain", "unknown"]

_HASHERS = (
    ("bcrypt", ("bcrypt.",)),
    ("passlib", ("passlib.",)),
    ("argon2", ("argon2.",)),
    ("pwdlib", ("pwdlib.",)),
    ("scrypt", ("hashlib.scrypt", "scrypt.", "cryptography.hazmat.primitives.kdf.scrypt.")),
    ("hashlib", ("hashlib.",)),
    ("werkzeug", ("werkzeug.security.generate_password_hash",)),
)
_HASHES = frozenset(
    "hash hashpw using encrypt md5 sha1 sha224 sha256 sha384 sha512 sha3_256 sha3_512 blake2b "
    "blake2s pbkdf2_hmac scrypt new hash_password generate_password_hash".split()
)
_CLEAN = frozenset("gensalt verify checkpw kdf".split())
_THROUGH = frozenset(
    "encode decode strip get_secret_value hexdigest digest hex lower str bytes SecretStr "
    "b64encode urlsafe_b64encode".split()
)
_PASSWORD = re.compile(r"(?:\w+_)?(?:password|passwd|passphrase|pwd)")
_HASHED = re.compile(
    r"(?:\w+_)?(?:hashed?|digest|encrypted)_?(?:\w+_)?(?:password|passwd|pwd|pw)\w*"
    r"|(?:\w+_)?(?:password|passwd|pwd|pw)_?(?:hash(?:ed)?|digest)\w*|hashed|hashed_pw"
)
_INPUTS = frozenset(
    "form data payload request body in input dto credentials schema create update login "
    "register registration".split()
)
_LEVELS = 3
_DEPTH = 6


class Value(msgspec.Struct, frozen=True):
    """What a password value is.

    Attributes:
        kind: ``hashed``, ``plain`` or ``unknown``.
        library: What hashed it.
        call: The call that did.
    """

    kind: Kind
    library: str = ""
    call: Call | None = None


_UNKNOWN = Value("unknown")
_PLAIN = Value("plain")


def is_password(name: str) -> bool:
    """Whether a name is that of a password as it was typed."""
    last = name.rpartition(".")[2].lower()
    return bool(_PASSWORD.fullmatch(last)) and not _HASHED.fullmatch(last)


def is_hashed(name: str) -> bool:
    """Whether a name is that of a hashed password."""
    return bool(_HASHED.fullmatch(name.rpartition(".")[2].lower()))


def hasher(call: Call) -> str:
    """The library by which a call hashes a password, "" when it hashes none."""
    if call.last in _CLEAN or call.last not in _HASHES:
        return ""
    name = call.name
    for library, prefixes in _HASHERS:
        if name.startswith(prefixes):
            return library
    return ""


class Passwords:
    """Follows password values through one project."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._hashing: dict[str, Value] = {}

    def value(self, given: Given, depth: int = 0) -> Value:
        """What an expression is, as far as it can be followed."""
        if depth > _DEPTH:
            return _UNKNOWN
        given = given.behind
        match given.expr:
            case tree.Op(kind="Await" | "NamedExpr", items=items):
                return self.value(given.at(items[-1]), depth + 1)
            case tree.CallRef(index=index):
                return self._of_call(given, given.file.calls[index], depth)
            case tree.Name(id=text):
                return self._of_name(given, text, depth)
            case tree.Attr(value=inner, attr=attr) if attr in _THROUGH:
                return self.value(given.at(inner), depth + 1)
            case tree.Bin(items=items):
                return self._first(self.value(given.at(item), depth + 1) for item in items)
            case tree.Op(kind="Or" | "IfExp", items=items):
                rest = items[1:] if given.expr.kind == "IfExp" else items
                return self._first(self.value(given.at(item), depth + 1) for item in rest)
        return _UNKNOWN

    def _first(self, found: Iterator[Value]) -> Value:
        values = list(found)
        for kind in ("hashed", "plain"):
            for each in values:
                if each.kind == kind:
                    return each
        return _UNKNOWN

    def _of_call(self, given: Given, call: Call, depth: int) -> Value:
        library = hasher(call)
        if library:
            return Value("hashed", library, call)
        if call.last in _THROUGH:
            inner = call.fact.args[0] if call.fact.args and _is_free(call) else call.receiver
            return _UNKNOWN if inner is None else self.value(given.at(inner), depth + 1)
        for function in self.project.calls.resolve(call):
            if function.name != "__init__":
                return self.hashing(function)
        return _UNKNOWN

    def hashing(self, function: Function) -> Value:
        """How a first-party function hashes, unknown when it does not."""
        known = self._hashing.get(function.key)
        if known is None:
            known = _UNKNOWN
            for each in self.project.calls.reachable(function, _LEVELS):
                for call in each.calls:
                    library = hasher(call)
                    if library and known.library in {"", "hashlib"}:
                        known = Value("hashed", library, call)
            self._hashing[function.key] = known
        return known

    # Names ----------------------------------------------------------------------------------------

    def _of_name(self, given: Given, text: str, depth: int) -> Value:
        function = given.function
        if function is None:
            return _UNKNOWN
        rows = function.file.tables.assigns_in.get((text, function.index), ())
        values = [
            self.value(Given(given.file, row.value, function), depth + 1)
            for row in rows
            if row.value is not None and row.value != given.expr
        ]
        if values:
            hashed = [each for each in values if each.kind == "hashed"]
            plain = all(each.kind == "plain" for each in values)
            return hashed[0] if hashed else _PLAIN if plain else _UNKNOWN
        if "." in text:
            return self._of_attribute(given, text)
        param = function.param(text)
        return _UNKNOWN if param is None else self._of_parameter(function, param, depth)

    def _of_attribute(self, given: Given, text: str) -> Value:
        """``user_in.password``: as it was typed, unless the schema hashes it."""
        base = text.rpartition(".")[0]
        if not is_password(text):
            return _UNKNOWN
        kind = given.file.type_of(tree.Name(base), given.function)
        cls = self.project.classes.by_key.get(kind)
        if cls is not None:
            schema = self.project.classes.role(cls) == "schema"
            return _PLAIN if schema and not self._hashes_itself(cls) else _UNKNOWN
        if kind.endswith("OAuth2PasswordRequestForm"):
            return _PLAIN
        param = None if given.function is None else given.function.param(base.partition(".")[0])
        told = param is not None and param.annotation is not None
        typed = not told and not _INPUTS.isdisjoint(words(base))
        return _PLAIN if typed and not kind else _UNKNOWN

    def _hashes_itself(self, cls: Class) -> bool:
        """Whether a validator of a schema hashes, or anybody replaces its password by a hash."""
        for name in (cls.key, *cls.ancestors):
            owner = self.project.classes.by_key.get(name)
            for method in owner.methods.values() if owner is not None else ():
                if self.hashing(method).kind == "hashed":
                    return True
        return self._replaced

    @cached_property
    def _replaced(self) -> bool:
        """Whether some code puts the hash where the typed password was, of a schema perhaps."""
        return any(
            is_password(target.id) and self._is_hash(row, file.function_of(row.function))
            for file in self.project.production
            for row in file.facts.assigns
            if isinstance(row.value, tree.CallRef)
            for target in row.targets
            if isinstance(target, tree.Name) and "." in target.id
        )

    def _is_hash(self, row: tree.Assign, function: Function | None) -> bool:
        if function is None or not isinstance(row.value, tree.CallRef):
            return False
        return self.value(Given(function.file, row.value, function)).kind == "hashed"

    def _of_parameter(self, function: Function, param: tree.Param, depth: int) -> Value:
        """A parameter is what the callers pass; of a handler, what was typed."""
        if not is_password(param.name):
            return _UNKNOWN
        if self.project.routes.of(function) is not None:
            return _PLAIN
        calls = [c for c in self.project.calls.callers(function) if c.file.is_production]
        if not calls:
            return _UNKNOWN if self._is_model(function.cls) else _PLAIN
        found = []
        for call in calls:
            given = bound(function, call, call.function).get(param.name)
            found.append(_UNKNOWN if given is None else self.value(given, depth + 1))
        for each in found:
            if each.kind == "plain":
                return each
        return found[0] if all(each.kind == "hashed" for each in found) else _UNKNOWN

    def _is_model(self, cls: Class | None) -> bool:
        return cls is not None and self.project.classes.role(cls) in {"orm", "document"}


def _is_free(call: Call) -> bool:
    """Whether a call is of a function, not of a method of the value."""
    return call.last in {"str", "bytes", "SecretStr", "b64encode", "urlsafe_b64encode"}


def mentions(call: Call) -> bool:
    """Whether what a call is given speaks of a password."""
    facts = call.file.facts
    return any(
        isinstance(node, tree.Name) and any(is_password(part) for part in node.id.split("."))
        for arg in call.arguments
        for node in tree.walk(arg, facts)
    )


def password_names(expr: Expr) -> str:
    """The dotted name of an expression when it is that of a password, hashed or not; else ""."""
    text = tree.dotted(expr)
    return text if text and (is_password(text) or is_hashed(text)) else ""
