"""Where a function sends something to the client: responses, HTTP errors, events, messages."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from checks.facts import tree
from checks.facts.tree import Expr

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import Function

_SOCKET_SENDS = frozenset({"send_text", "send_json", "send_bytes", "close"})
_SOCKET = "fastapi.WebSocket"
_STREAMS = ("StreamingResponse", "EventSourceResponse")


class Sent(msgspec.Struct, frozen=True):
    """One place where something goes to the client.

    Attributes:
        line: First line of the statement.
        block: Block it stands in.
        exprs: What is sent.
        kind: ``raise``, ``return``, ``yield`` or ``message``.
    """

    line: int
    block: int
    exprs: tuple[Expr, ...]
    kind: str


class Sending:
    """Finds what functions of a project send."""

    def __init__(self, project: Project) -> None:
        self.project = project

    @cached_property
    def answering(self) -> frozenset[str]:
        """Canonical names of functions whose return value is the client's answer."""
        routes = self.project.routes
        functions = [route.function for route in routes.handlers]
        functions += [each.function for each in routes.exception_handlers]
        functions += [each.function for each in routes.middleware if each.function is not None]
        return frozenset(function.key for function in functions)

    @cached_property
    def streaming(self) -> frozenset[str]:
        """Canonical names of generators whose items are sent, with those they are made of."""
        found: dict[str, Function] = {}
        for file in self.project.production:
            for call in file.calls_named(*_STREAMS):
                value = call.arg(0, "content")
                if isinstance(value, tree.CallRef):
                    for function in self.project.calls.resolve(file.calls[value.index]):
                        found[function.key] = function
        for function in list(found.values()):
            for reached in self.project.calls.reachable(function, 2):
                if reached.fact.generator:
                    found[reached.key] = reached
        return frozenset(found)

    def of(self, function: Function) -> Iterator[Sent]:
        """Everything that a function sends, nested functions left out."""
        yield from self._raised(function)
        yield from self._given(function)
        yield from self._messages(function)

    def _raised(self, function: Function) -> Iterator[Sent]:
        for each in function.raises:
            if self.is_http_error(each.name) and isinstance(each.fact.exc, tree.CallRef):
                call = function.file.facts.calls[each.fact.exc.index]
                values = (*call.args, *(item.value for item in call.keywords))
                yield Sent(each.line, each.fact.block, values, "raise")

    def is_http_error(self, name: str) -> bool:
        """Whether raising a class of this canonical name answers the request."""
        if name == "fastapi.HTTPException":
            return True
        cls = self.project.classes.by_key.get(name)
        return cls is not None and self.project.classes.role(cls) == "http-exception"

    def _given(self, function: Function) -> Iterator[Sent]:
        answers, streams = function.key in self.answering, function.key in self.streaming
        for each in function.statements:
            if each.value is None:
                continue
            if each.kind == "return" and (answers or self._is_response(function, each.value)):
                yield Sent(each.line, each.block, (each.value,), "return")
            elif each.kind == "yield" and (streams or answers):
                yield Sent(each.line, each.block, (each.value,), "yield")

    def _is_response(self, function: Function, value: Expr) -> bool:
        """Whether a returned value is a Response that is made here."""
        if not isinstance(value, tree.CallRef):
            return False
        name = function.file.calls[value.index].name
        return bool(self.project.routes.responses.kind_of(name))

    def _messages(self, function: Function) -> Iterator[Sent]:
        for call in function.calls:
            if call.last in _SOCKET_SENDS and call.receiver is not None:
                kind = function.file.type_of(call.receiver, function)
                if kind == _SOCKET or (not kind and "socket" in tree.dotted(call.receiver).lower()):
                    values = (*call.fact.args, *(item.value for item in call.fact.keywords))
                    yield Sent(call.line, call.fact.block, values, "message")
