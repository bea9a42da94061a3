"""Where external data enters: answers of other services, requests read by hand, messages, files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.conditions import words
from checks.project.given import Given, source
from checks.project.names import Target
from checks.project.subjects import Call

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import File, Function

_CLIENTS = ("httpx.", "requests.", "aiohttp.", "niquests.", "urllib3.", "urllib.request.")
_CLIENT_MODULES = frozenset(name.partition(".")[0] for name in _CLIENTS)
_RESPONSE = re.compile(r"(?:\w+_)?(?:resp|response|res|r|reply)\d*")
_METHODS = frozenset("get post put patch delete request send head".split())
_HOLDER = re.compile(r"client|session|http|api", re.IGNORECASE)
_REQUESTS = frozenset({"fastapi.Request", "fastapi.WebSocket", "starlette.requests.HTTPConnection"})
_PARTS = re.compile(r"(\w+(?:\.\w+)*)\.(?:query_params|headers|cookies)(?:\.(\w+))?")
_READS = frozenset({"", "get", "getlist", "items", "keys", "values", "multi_items"})
_JSON = ("json.", "orjson.", "ujson.", "simplejson.", "rapidjson.", "msgspec.json.")
_DOCUMENTS = ("yaml.", "ruamel.yaml.", "tomllib.", "tomli.", "toml.")
_LOADS = frozenset({"load", "loads", "safe_load", "safe_load_all", "decode", "full_load"})
_MESSAGES = re.compile(
    r"(?:^|[._])(?:message|msg|event|record|delivery|body|payload|request)s?(?:$|[._])"
)
_RECEIVED = frozenset({"receive_json", "receive_text", "receive_bytes", "recv", "body"})
_CONTENT = frozenset({"text", "content", "read"})
_FILES = frozenset({"read", "read_text", "read_bytes"})
_OWN = frozenset("config configuration settings setting logging locale locales seed".split())
"""Words that say that a file belongs to the project itself."""
_DEPTH = 8


class Entry(msgspec.Struct, frozen=True):
    """One place where external data enters.

    Attributes:
        function: Where it stands.
        node: The expression whose value comes from outside.
        line: Its line.
        what: What enters, for people.
        scalar: It is a single text, not a document.
    """

    function: Function
    node: Expr
    line: int
    what: str
    scalar: bool = False


class Payloads:
    """Finds where external data enters the functions of a project."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def all(self) -> Iterator[Entry]:
        """Every place in production files, in order of file."""
        for file in self.project.production:
            for call in file.calls_named("json", "receive_json", *_LOADS):
                function = call.function
                what = self._what(call) if function is not None else ""
                if what and function is not None:
                    yield Entry(function, tree.CallRef(call.index), call.line, what)
            if any(row.name in {"Request", "WebSocket"} for row in file.facts.imports):
                for function in file.functions:
                    yield from self._by_hand(function)

    def _what(self, call: Call) -> str:
        if call.last in {"json", "receive_json"}:
            if call.receiver is None or call.fact.args:
                return ""
            kind = call.file.type_of(call.receiver, call.function)
            if kind in _REQUESTS:
                return "the body of a request"
            if call.last == "json" and self._is_answer(call.file, call.receiver, call.function):
                return "the answer of another service"
            return ""
        name = call.file.resolve(call.fact.func, call.function)
        content = call.fact.args[0] if call.fact.args else None
        if content is None or not name.startswith((*_JSON, *_DOCUMENTS)):
            return ""
        return self._origin(Given(call.file, content, call.function))

    # Answers --------------------------------------------------------------------------------------

    def _is_answer(self, file: File, expr: Expr, function: Function | None, depth: int = 0) -> bool:
        """Whether a value is the response of an HTTP client."""
        kind = file.type_of(expr, function)
        if kind and not kind.startswith("builtins."):
            return kind.startswith(_CLIENTS)
        given = _unwrapped(self._bound(Given(file, expr, function)))
        if isinstance(given.expr, tree.CallRef):
            call = Call(given.file, given.expr.index)
            if call.name.startswith(_CLIENTS):
                return True
            targets = self.project.calls.resolve(call)
            if targets:
                return depth < _DEPTH and any(
                    self._is_answer(target.file, value, target, depth + 1)
                    for target in targets
                    for value in target.returned
                )
            if call.last in _METHODS:
                return bool(_HOLDER.search(tree.dotted(call.receiver)))
        text = tree.dotted(expr).rpartition(".")[2]
        return bool(_RESPONSE.fullmatch(text)) and self._imports_client(file)

    def _bound(self, given: Given) -> Given:
        """What a variable is assigned, or what a ``with`` binds to it."""
        given = source(given)
        if isinstance(given.expr, tree.Name):
            names = self.project.names
            binding, owner = names.binding(given.file, given.expr.id, given.function)
            if isinstance(binding, Target) and "with" in binding.kind and binding.expr is not None:
                return Given(given.file, binding.expr, owner)
        return given

    def _imports_client(self, file: File) -> bool:
        modules = {row.module.partition(".")[0] for row in file.facts.imports}
        return not modules.isdisjoint(_CLIENT_MODULES)

    # Texts that are parsed ------------------------------------------------------------------------

    def _origin(self, given: Given, depth: int = 0) -> str:
        """What kind of external text an expression is, "" when it is none or not known."""
        if depth > _DEPTH:
            return ""
        given = _unwrapped(self._bound(given))
        expr = given.expr
        if isinstance(expr, tree.CallRef):
            call = Call(given.file, expr.index)
            if call.last in _RECEIVED:
                return "a message" if call.receiver is not None else ""
            if call.name == "builtins.open" or call.name.endswith(".open"):
                return self._file(given.at(call.receiver or call.arg(0, "file") or expr))
            if call.last in _FILES and call.receiver is not None:
                return self._file(given.at(call.receiver))
            if call.last in {"decode", "strip"} and call.receiver is not None:
                return self._origin(given.at(call.receiver), depth + 1)
            return ""
        if isinstance(expr, tree.Item):
            return self._origin(given.at(expr.value), depth + 1)
        text = tree.dotted(expr)
        head, dot, last = text.rpartition(".")
        holder: Expr = tree.Name(head)
        if isinstance(expr, tree.Attr):
            holder, dot, last = expr.value, ".", expr.attr
        if dot and last in _CONTENT and self._is_answer(given.file, holder, given.function):
            return "the answer of another service"
        if dot and last.lstrip("_") in {"data", "body", "value"} and _MESSAGES.search(head):
            return "a message"
        if not dot and _MESSAGES.search(text) and self._is_parameter(given, text):
            return "a message"
        return ""

    def _is_parameter(self, given: Given, name: str) -> bool:
        binding, _ = self.project.names.binding(given.file, name, given.function)
        return isinstance(binding, tree.Param)

    def _file(self, given: Given) -> str:
        """A file that somebody else wrote: an upload, or a path that the caller gives."""
        given = _unwrapped(self._bound(given))
        if given.file.type_of(given.expr, given.function) == "fastapi.UploadFile":
            return "an uploaded file"
        if isinstance(given.expr, tree.CallRef):
            call = Call(given.file, given.expr.index)
            if call.name == "builtins.open" or call.last == "open":
                return self._file(given.at(call.receiver or call.arg(0, "file") or given.expr))
        text = tree.dotted(given.expr)
        if not text or not self._is_parameter(given, text):
            return ""
        named = words(f"{given.file.stem} {given.function.name if given.function else ''} {text}")
        return "a file" if _OWN.isdisjoint(named) else ""

    # Requests -------------------------------------------------------------------------------------

    def _by_hand(self, function: Function) -> Iterator[Entry]:
        """Headers, cookies and query parameters that a function reads from the request itself."""
        if not any(self._is_request(function, param) for param in function.fact.params):
            return
        seen: set[int] = set()
        for place in function.file.tables.expressions.get(function.index, ()):
            for root in tree.walk(place.expr, function.file.facts):
                for node, line in self._candidates(function, root, place.line):
                    entry = None if id(node) in seen else self._read(function, node, line)
                    if entry is not None:
                        seen.add(id(node))
                        yield entry

    def _candidates(self, function: Function, node: Expr, line: int) -> Iterator[tuple[Expr, int]]:
        """A node, and of a call what is passed as a whole, with the line."""
        if isinstance(node, tree.Item):
            yield node, line
        elif isinstance(node, tree.CallRef):
            call = function.file.facts.calls[node.index]
            yield node, call.line
            yield from ((arg, call.line) for arg in call.args if isinstance(arg, tree.Name))

    def _read(self, function: Function, node: Expr, line: int) -> Entry | None:
        text = tree.dotted(node)
        if isinstance(node, tree.CallRef):
            text = tree.dotted(function.file.facts.calls[node.index].func)
        elif isinstance(node, tree.Item):
            text = tree.dotted(node.value)
        match = _PARTS.fullmatch(text)
        if match is None or (match[2] or "") not in _READS:
            return None
        if isinstance(node, tree.CallRef) and not match[2]:
            return None
        if function.file.type_of(tree.Name(match[1]), function) not in _REQUESTS:
            return None
        scalar = isinstance(node, tree.Item) or match[2] == "get"
        what = f"`{text.removeprefix(f'{match[1]}.')}` of a request"
        return Entry(function, node, line, what, scalar)

    def _is_request(self, function: Function, param: tree.Param) -> bool:
        hint = function.file.project.values.of_annotation(
            function.file, param.annotation, function.parent
        )
        return hint in _REQUESTS


def _unwrapped(given: Given) -> Given:
    """An expression without ``await`` and without ``or`` defaults."""
    for _ in range(_DEPTH):
        expr = given.expr
        if isinstance(expr, tree.Op) and expr.kind in {"Await", "Or"} and expr.items:
            given = given.at(expr.items[0])
        else:
            break
    return given
