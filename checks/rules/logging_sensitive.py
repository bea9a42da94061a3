"""Checks of what is written into logs: no passwords, tokens or personal data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.conditions import words
from checks.project.given import Given, passed, source
from checks.project.subjects import Call, Class, File, Function
from checks.rules.logging_names import sensitive

_ABOUT = frozenset({"exc_info", "stack_info", "stacklevel", "sep", "end", "file", "flush"})
_PLAIN = frozenset(
    "str repr format dict list tuple set sorted dumps dump join ascii pformat jsonable_encoder "
    "fromkeys next iter reversed unquote quote deepcopy copy escape".split()
)
"""Calls that show what they are given."""
_SAME = frozenset(
    "lower upper strip lstrip rstrip decode encode get_secret_value title format casefold copy "
    "items values replace zfill isoformat strftime".split()
)
"""Methods that show what they are called on."""
_READS = frozenset({"get", "getattr", "pop", "getenv", "getlist", "get_all", "setdefault"})
_MAKES = frozenset("get fetch create generate make build read load issue extract".split())
_DUMPS = frozenset({"model_dump", "dict", "json", "model_dump_json", "vars", "asdict"})
_MASKS = frozenset(
    "mask masked redact redacted hash hashed sha1 sha256 sha512 md5 hexdigest obfuscate anonymize "
    "anonymise scrub sanitize sanitise censor digest fingerprint hmac pseudonymize".split()
)
_FACTS = frozenset("bool len isinstance type sum any all startswith endswith count".split())
_WHOLE = frozenset({"request_body", "req_body"})
"""Fields that say of themselves that they hold a whole body."""
_BODIES = frozenset({"body", "json", "form"})
_REQUESTS = frozenset({"fastapi.Request", "flask.request", "quart.request"})
_SECRETS = frozenset(
    {"pydantic.SecretStr", "pydantic.SecretBytes", "pydantic.types.SecretStr", "builtins.bool"}
)
_INPUTS = frozenset(
    "create update request in input register registration login signup patch payload form".split()
)
_NODES = 2_000


@check("no-sensitive-data-in-logs")
def no_sensitive_data_in_logs(
    file: File, *, categories: Sequence[str] = ("password", "token", "pii")
) -> Answer:
    """Passwords, tokens and personal data stay out of the log.

    Logs are copied, kept and read by many; what is in them is as good as published.

    Instead: log an id or a masked value.

    Known problems: data is told from its name; a name that says nothing, a whole domain object
    and the text of an exception may hold such data and are not seen. The first characters of a
    token (`token[:8]`) count as masked.
    """
    logs = file.project.logs.calls(file)
    prints = [call for call in file.calls_named("print") if _is_print(call)]
    found = []
    for call in (*(each.call for each in logs.values()), *prints):
        what = next(_shown(call, categories), "")
        if what:
            place = "print" if call.last == "print" else "log call"
            found.append(At(call.line, f"The {place} shows {what}", anchor=what))
    count = len(logs) + len(prints)
    return Sites(count, found) if count else Skip("neither logs nor prints")


def _is_print(call: Call) -> bool:
    """``print()``, also that of a library under this name; no method and nothing of our own."""
    return call.receiver is None and call.file.project.layout.split(call.name) is None


def _shown(call: Call, categories: Sequence[str]) -> Iterator[str]:
    """What a log call shows that it should not."""
    judge = partial(sensitive, categories=categories)
    place = Given(call.file, tree.CallRef(call.index), call.function)
    for argument in call.fact.args:
        yield from _Values(place, categories).of(argument)
    for item in call.fact.keywords:
        if item.name in _ABOUT:
            continue
        named = judge(item.name) or item.name in _WHOLE
        if named and _is_open(place.at(item.value)):
            yield f"`{item.name}`"
        yield from _Values(place, categories).of(item.value)


def _is_open(given: Given) -> bool:
    """Whether the value of a field with a sensitive name may be that data: no fact about it."""
    expr, file = given.expr, given.file
    match expr:
        case tree.Const() | tree.Seq(items=()) | tree.Map(keys=()):
            return False
        case tree.Op(kind=kind, items=items):
            return any(not isinstance(item, tree.Const) for item in _operands(kind, items))
        case tree.Item(index=tree.Op(kind="Slice")):
            return False
        case tree.Fmt(parts=parts):
            return "*" not in "".join(tree.text_of(part) or "" for part in parts)
        case tree.CallRef(index=index):
            call = file.calls[index]
            return call.last not in _FACTS and _MASKS.isdisjoint(_words_of(call))
        case tree.Name(id=text):
            last = text.rpartition(".")[2]
            masked = not _MASKS.isdisjoint(words(last)) and not sensitive(last, ("password",))
            return not masked and file.type_of(expr, given.function) not in _SECRETS
    return True


def _words_of(call: Call) -> list[str]:
    """Words of a call's name, and of those it is chained to: ``sha256(x).hexdigest()``."""
    found = words(call.last)
    receiver = call.receiver
    if isinstance(receiver, tree.CallRef):
        found += words(call.file.facts.calls[receiver.index].last)
    return found + words(tree.dotted(receiver))


class _Values:
    """Walks the expressions whose values a log call shows."""

    def __init__(self, place: Given, categories: Sequence[str]) -> None:
        self.place = place
        self.file = place.file
        self.categories = categories
        self.stack: list[Expr] = []

    def of(self, expr: Expr) -> Iterator[str]:
        """What is shown of an expression that should not be."""
        self.stack = [expr]
        for _ in range(_NODES):
            if not self.stack:
                return
            yield from self._node(self.stack.pop())

    def _node(self, expr: Expr) -> Iterator[str]:
        match expr:
            case tree.Name(id=text):
                yield from self._name(expr, text)
            case tree.Attr(attr=attr):
                yield from self._named(attr, expr)
            case tree.Item(index=tree.Op(kind="Slice")):
                return
            case tree.Item(value=value, index=index):
                yield from self._named(tree.text_of(index) or "", expr)
                if not tree.text_of(index):
                    self.stack.append(value)
            case tree.Map(keys=keys, values=values):
                yield from self._mapping(keys, values)
            case tree.Fmt(parts=parts):
                if _is_open(self.place.at(expr)):
                    self.stack += reversed(parts)
            case tree.Seq(items=items) | tree.Bin(items=items):
                self.stack += reversed(items)
            case tree.Op(kind=kind, items=items):
                self.stack += reversed(_operands(kind, items))
            case tree.CallRef(index=index):
                yield from self._call(self.file.calls[index])

    def _named(self, name: str, expr: Expr) -> Iterator[str]:
        if name and sensitive(name, self.categories) and _is_open(self.place.at(expr)):
            yield f"`{name}`"

    def _name(self, expr: tree.Name, text: str) -> Iterator[str]:
        head, _, last = text.rpartition(".")
        if last in {"value", "raw", "data"} and head:
            last = head.rpartition(".")[2]
        yield from self._named(last, expr)
        yield from self._object(self.place.at(expr))

    def _mapping(self, keys: tuple[Expr | None, ...], values: tuple[Expr, ...]) -> Iterator[str]:
        for key, value in zip(keys, values, strict=True):
            name = tree.text_of(key) or ""
            if name and sensitive(name, self.categories) and _is_open(self.place.at(value)):
                yield f"`{name}`"
        self.stack += reversed(values)

    def _call(self, call: Call) -> Iterator[str]:
        last = call.last
        texts = [text for item in call.fact.args[:2] if (text := tree.text_of(item))]
        if not _MASKS.isdisjoint(_words_of(call)):
            return
        if last in _BODIES and self._is_request(call):
            yield f"the request's {last}"
        elif last in _DUMPS and not texts:
            yield from self._dump(call)
            self.stack += call.fact.args if last == "dict" and call.receiver is None else ()
        elif last in _READS and texts:
            yield from self._named(texts[-1 if last == "getattr" else 0], tree.CallRef(call.index))
        elif last in _SAME and call.receiver is not None:
            self.stack.append(call.receiver)
            self.stack += call.arguments if last == "format" else ()
        elif last in _PLAIN:
            self.stack += reversed(call.arguments)
        elif words(last)[:1] and words(last)[0] in _MAKES:
            yield from self._named(last, tree.CallRef(call.index))

    def _is_request(self, call: Call) -> bool:
        kind = self.file.type_of(call.receiver, call.function)
        if kind:
            return kind in _REQUESTS
        text = tree.dotted(call.receiver)
        if self.file.resolve(call.receiver, call.function) in _REQUESTS:
            return True
        return text.rpartition(".")[2] in {"request", "req"} and "." not in text

    # Objects ------------------------------------------------------------------------------------

    def _object(self, given: Given) -> Iterator[str]:
        """A settings object, a request schema with a sensitive field, or a body kept in a name."""
        project = self.file.project
        cls = project.classes.by_key.get(self.file.type_of(given.expr, given.function))
        if cls is not None:
            yield from self._instance(cls, ())
            return
        behind = source(given)
        if isinstance(behind.expr, tree.Op) and behind.expr.kind == "Await":
            behind = behind.at(behind.expr.items[0])
        if isinstance(behind.expr, tree.CallRef):
            call = behind.file.calls[behind.expr.index]
            if call.file is self.file and call.last in _BODIES and self._is_request(call):
                yield f"the request's {call.last}"
            elif call.last in _DUMPS:
                yield from self._dump(call)
        elif isinstance(behind.expr, tree.Name) and behind.function is not None:
            yield from self._parameter(behind.expr.id, behind)

    def _parameter(self, name: str, given: Given) -> Iterator[str]:
        """A dict parameter for which a caller passes the dump of a request schema."""
        function = given.function
        if function is None or function.param(name) is None:
            return
        if given.file.type_of(given.expr, function) not in {"", "builtins.dict", "typing.Dict"}:
            return
        memo = f"dumps for {function.index} {name} {self.categories}"
        known: list[str] | None = given.file.memo.get(memo)
        if known is None:
            known = given.file.memo[memo] = list(self._passed(name, function))
        yield from known

    def _passed(self, name: str, function: Function) -> Iterator[str]:
        for call in self.file.project.calls.callers(function):
            for value in passed(call, function, name):
                if isinstance(value.expr, tree.CallRef):
                    dump = value.file.calls[value.expr.index]
                    if dump.last in _DUMPS:
                        yield from self._dump(dump)

    def _dump(self, call: Call) -> Iterator[str]:
        """``user.model_dump()``, ``vars(user)``: the fields of the schema, some left out."""
        expr = call.receiver
        if call.last in {"vars", "dict", "asdict"} and call.fact.args:
            expr = call.fact.args[0]
        kind = call.file.type_of(expr, call.function)
        cls = call.file.project.classes.by_key.get(kind)
        if cls is None or call.fact.keyword("include") is not None:
            return
        left_out = call.fact.keyword("exclude")
        value = None if left_out is None else Given(call.file, left_out, call.function)
        names = _texts(value) if value is not None else ()
        yield from self._instance(cls, names)

    def _instance(self, cls: Class, left_out: Sequence[str]) -> Iterator[str]:
        project = self.file.project
        role = project.classes.role(cls)
        if role == "settings":
            yield "a settings object"
        if role != "schema" or not _is_requested(cls):
            return
        for name in project.schemas.fields(cls):
            if name not in left_out and sensitive(name, self.categories):
                kind = project.values.type_of_name(f"{cls.key}.{name}")
                if kind not in _SECRETS:
                    yield f"`{name}` of {cls.name}"
                    return


def _is_requested(cls: Class) -> bool:
    """Whether a schema is what a handler takes, or is called so."""
    if not _INPUTS.isdisjoint(words(cls.name)[1:]):
        return True
    return cls in cls.file.project.schemas.requested


def _operands(kind: str, items: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """The operands of an operation whose values its result shows."""
    if kind in {"And", "Or", "Await", "Starred"}:
        return items
    if kind == "IfExp":
        return items[1:]
    if kind == "NamedExpr":
        return items[1:]
    if kind in {"ListComp", "SetComp", "GeneratorExp"}:
        return items[:1]
    return items[:2] if kind == "DictComp" else ()


def _texts(given: Given) -> tuple[str, ...]:
    return tuple(text for node in tree.walk(given.expr) if (text := tree.text_of(node)) is not None)
