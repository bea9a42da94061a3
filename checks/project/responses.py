"""What a route handler answers with: Response objects, their statuses and kinds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.given import Given, bound, source
from checks.project.literals import UNKNOWN, Unknown

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import Call, Function

JSON_CLASSES = frozenset({"JSONResponse", "ORJSONResponse", "UJSONResponse", "APIJSONResponse"})
STREAMS = frozenset({"StreamingResponse", "EventSourceResponse", "FileResponse"})
REDIRECT = "RedirectResponse"
_TEMPLATE = "TemplateResponse"
_DEFAULTS = {REDIRECT: 307}
_POSITIONS = {REDIRECT: 1, "EventSourceResponse": 1, _TEMPLATE: 3}
_DEPTH = 4


class Answer(msgspec.Struct, frozen=True):
    """What one return statement gives.

    Attributes:
        kind: Last name of the Response class, ``Response`` for the base; "" for data that
            FastAPI turns into JSON itself.
        status: Of a Response object: its status, UNKNOWN where computed; None for data.
        media_type: As given to the constructor, "" for none.
        line: Line of the return statement.
        has_content: Whether a Response is given a body.
    """

    kind: str
    status: Any
    media_type: str
    line: int
    has_content: bool = True

    @property
    def is_json(self) -> bool:
        """Whether the client receives JSON."""
        if self.kind == "Response":
            return "json" in self.media_type
        return not self.kind or self.kind in JSON_CLASSES

    @property
    def is_stream(self) -> bool:
        """Whether it is a stream or a file."""
        return self.kind in STREAMS


class Responses:
    """Classifies what functions return."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._classes: dict[str, str] = {}

    def kind_of(self, name: str) -> str:
        """Last name of the library's response class that a class is or inherits, "" for others."""
        known = self._classes.get(name)
        if known is None:
            known = self._classes[name] = self._kind_of(name)
        return known

    def _kind_of(self, name: str) -> str:
        cls = self.project.classes.by_key.get(name)
        names = [name] if cls is None else cls.ancestors
        for each in names:
            module, _, last = each.rpartition(".")
            if last in {"TemplateResponse", "_TemplateResponse"}:
                return _TEMPLATE
            if last.endswith("Response") and module.partition(".")[0] in {
                "fastapi",
                "starlette",
                "sse_starlette",
                "fastapi_sse",
            }:
                return last
        return ""

    def answers(self, function: Function) -> list[Answer]:
        """One entry for each return statement with a value."""
        return [
            self.of(Given(function.file, s.value, function), s.line)
            for s in function.statements
            if s.kind == "return" and s.value is not None
        ]

    def of(self, given: Given, line: int, depth: int = 0) -> Answer:
        """What an expression answers with."""
        given = source(given)
        expr = given.expr
        if isinstance(expr, tree.Op) and expr.kind == "Await":
            return self.of(given.at(expr.items[0]), line, depth)
        if isinstance(expr, tree.CallRef):
            call = given.file.calls[expr.index]
            kind = self.kind_of(
                self.project.values.callee_of(given.file, call.fact.func, given.function)
            )
            if kind:
                return self._made(kind, call, line)
            function = self.project.names.function_named(call.name) if depth < _DEPTH else None
            if function is not None:
                return self._told(self._from_function(function, line, depth), function, call, given)
        kind = self.kind_of(given.file.type_of(expr, given.function))
        return Answer(kind, UNKNOWN if kind else None, "", line)

    def _from_function(self, function: Function, line: int, depth: int) -> Answer:
        """What a first-party helper returns, where all its returns agree."""
        inner = [
            self.of(Given(function.file, value, function), line, depth + 1)
            for value in function.returned
        ]
        declared = self.kind_of(
            self.project.values.of_annotation(function.file, function.fact.returns, function)
        )
        if inner and all(each == inner[0] for each in inner) and (inner[0].kind or not declared):
            return inner[0]
        kinds = {each.kind for each in inner}
        kind = declared or (kinds.pop() if len(kinds) == 1 else "")
        return Answer(kind, UNKNOWN if kind else None, "", line)

    def _told(self, answer: Answer, function: Function, call: Call, given: Given) -> Answer:
        """The answer of a helper that is told the status: with the one that a call tells it."""
        if not answer.kind or number(answer.status) is not None:
            return answer
        made = [
            made
            for made in function.calls
            if self.kind_of(self.project.values.callee_of(made.file, made.fact.func, function))
        ]
        names = {tree.dotted(made.arg(1, "status_code")) for made in made}
        name = names.pop() if len(names) == 1 else ""
        if not name or function.param(name) is None:
            return answer
        told = bound(function, call, given.function).get(name)
        status = UNKNOWN if told is None else told.value
        return msgspec.structs.replace(answer, status=status)

    def _made(self, kind: str, call: Call, line: int) -> Answer:
        given = call.arg(_POSITIONS.get(kind, 1), "status_code")
        status: Any = _DEFAULTS.get(kind, 200)
        if given is not None:
            status = Given(call.file, given, call.function).value
        elif call.spreads:
            status = UNKNOWN
        media = call.fact.keyword("media_type")
        text = None if media is None else Given(call.file, media, call.function).text
        content = call.arg(0, "content")
        empty = content is None or (isinstance(content, tree.Const) and content.kind == "NoneType")
        return Answer(kind, status, text or "", line, not empty)


def number(value: Any) -> int | None:
    """A status as a number, None when it is not known."""
    return value if isinstance(value, int) and not isinstance(value, (bool, Unknown)) else None


def annotated_kind(function: Function) -> str:
    """Last name of the response class that the return annotation names, "" for none."""
    responses = function.file.project.routes.responses
    return next((kind for part in members(function) if (kind := responses.kind_of(part))), "")


def members(function: Function) -> Iterator[str]:
    """Canonical names in a return annotation: itself, or the members of its union."""
    expr = function.fact.returns
    parts: tuple[Expr, ...] = () if expr is None else (expr,)
    if isinstance(expr, tree.Bin) and expr.op == "BitOr":
        parts = expr.items
    for part in parts:
        yield function.file.project.values.of_annotation(function.file, part, function)
