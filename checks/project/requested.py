"""Which routes the tests request: the calls of test clients, matched with route paths."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from itertools import islice, product
from typing import TYPE_CHECKING

import msgspec

from checks.facts import tree
from checks.project.acts import VERBS
from checks.project.given import Given, elements
from checks.project.names import Target
from checks.project.routes import Endpoint, Route, segments
from checks.project.suite import is_fixture

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import Call, File, Function

HOLE = "\0"
"""Stands for a part of an address that only a run would tell."""
_DEPTH = 8
_MOST = 12
_HOST = re.compile(r"(?:https?|wss?)://[^/\0]*")
_PLACE = re.compile(r"\{[^{}]*\}|%\(\w+\)[sdr]|%[sdr]")
_RELATIVE = re.compile(r"[a-z][\w.-]*(?:/|\Z)")
_ADDRESS = re.compile(r"[/\0]|https?:")


class Requested(msgspec.Struct, frozen=True):
    """One request of a test.

    Attributes:
        method: In capitals, ``*`` when it cannot be known.
        segments: Segments of its path; :data:`HOLE` in what is not known.
        open: What comes before the first segment is not known.
        call: The call.
    """

    method: str
    segments: tuple[str, ...]
    open: bool
    call: Call


class Requests:
    """The requests that the tests of a project make."""

    def __init__(self, project: Project) -> None:
        self.project = project

    @cached_property
    def all(self) -> list[Requested]:
        """Every request of every test file."""
        return [each for file in self.project.tests for each in self._of(file)]

    def _of(self, file: File) -> Iterator[Requested]:
        for call in file.calls:
            found = self._asked(call)
            if found is None:
                continue
            methods, address = found
            for text in dict.fromkeys(self.texts(Given(file, address, call.function))):
                if _ADDRESS.match(text) or (_RELATIVE.match(text) and _is_client(call)):
                    yield from (_requested(method, text, call) for method in methods)

    def _asked(self, call: Call) -> tuple[list[str], tree.Expr] | None:
        """The methods and the address of a request."""
        last = call.last
        if last in {"request", "stream", "build_request"}:
            method, address = call.arg(0, "method"), call.arg(1, "url")
            if method is None or address is None:
                return None
            texts = self.texts(Given(call.file, method, call.function))
            return [text.upper() if text.isalpha() else "*" for text in texts], address
        func = call.fact.func
        if isinstance(func, tree.CallRef) and call.file.facts.calls[func.index].last == "getattr":
            inner = call.file.facts.calls[func.index]
            address = call.arg(0, "url")
            if len(inner.args) < 2 or address is None:
                return None
            texts = self.texts(Given(call.file, inner.args[1], call.function))
            return [text.upper() if text.lower() in VERBS else "*" for text in texts], address
        if last not in VERBS or call.receiver is None:
            return None
        address = call.arg(0, "url")
        return None if address is None else ([last.upper()], address)

    # Addresses ------------------------------------------------------------------------------------

    def texts(self, given: Given, depth: int = 0) -> list[str]:
        """What a text may be, with holes for what is not known."""
        if depth > _DEPTH:
            return [HOLE]
        match given.expr:
            case tree.Const(value=value):
                return [str(value)]
            case tree.Fmt(parts=parts) | tree.Bin(op="Add", items=parts):
                options = [self.texts(given.at(part), depth + 1)[:4] for part in parts[:30]]
                return ["".join(texts) for texts in islice(product(*options), _MOST)]
            case tree.Bin(op="Mod", items=(first, *_)):
                return [_PLACE.sub(HOLE, text) for text in self.texts(given.at(first), depth + 1)]
            case tree.Op(kind="IfExp", items=(_, body, other)):
                return self.texts(given.at(body), depth + 1) + self.texts(
                    given.at(other), depth + 1
                )
            case tree.CallRef(index=index):
                return self._of_call(given, given.file.calls[index], depth)
            case tree.Name(id=text) if "." not in text:
                return self._of_name(given, text, depth) or [HOLE]
        value = given.text
        return self._of_attribute(given, depth) if value is None else [value]

    def _of_attribute(self, given: Given, depth: int) -> list[str]:
        """``self.url``: what the class or its set-up assigns."""
        head, _, attr = tree.dotted(given.expr).rpartition(".")
        cls = given.function.cls if given.function is not None else None
        if head not in {"self", "cls"} or cls is None:
            return [HOLE]
        row = cls.attributes.get(attr)
        if row is not None and row.value is not None:
            return self.texts(Given(given.file, row.value), depth + 1)
        rows = cls.own_assigns.get(attr, ())[:1]
        values = [Given(given.file, r.value, method) for method, r in rows if r.value is not None]
        return [text for value in values for text in self.texts(value, depth + 1)] or [HOLE]

    def _of_name(self, given: Given, name: str, depth: int) -> list[str]:
        file = given.file
        binding, owner = self.project.names.binding(file, name, given.function)
        if isinstance(binding, tree.Param) and owner is not None:
            return self._of_parameter(file, owner, name, depth)
        if isinstance(binding, Target) and binding.expr is not None:
            items = elements(Given(file, binding.expr, owner))[:40]
            return [text for item in items for text in self.texts(item, depth + 1)]
        if owner is not None and isinstance(binding, tree.Assign):
            values = [
                row.value
                for row in owner.assigns
                if row.value is not None and not row.op
                and any(tree.dotted(target) == name for target in row.targets)
            ][:_MOST]  # fmt: skip
            return [t for v in values for t in self.texts(Given(file, v, owner), depth + 1)]
        value = given.text
        if value is not None:
            return [value]
        found = self.project.names.assignment_named(file.resolve(name, given.function))
        if found is None or found[1].value is None:
            return [HOLE]
        return self.texts(Given(found[0], found[1].value), depth + 1)

    def _of_parameter(self, file: File, owner: Function, name: str, depth: int) -> list[str]:
        """What ``parametrize`` lists, a fixture gives, or callers in the file pass."""
        found = [text for each in _listed(owner, name) for text in self.texts(each, depth + 1)]
        if found:
            return found
        fixture = self.project.suite.fixtures(file).get(name)
        if fixture is not None and (is_fixture(owner) or owner.name.startswith("test")):
            values = [row.value for row in fixture.statements if row.kind in {"return", "yield"}]
            places = [Given(fixture.file, v, fixture) for v in values if v is not None]
            return [text for place in places for text in self.texts(place, depth + 1)]
        position = next((i for i, p in enumerate(owner.fact.params) if p.name == name), -1)
        position -= 1 if owner.cls is not None else 0
        for call in file.calls_named(owner.name)[:40]:
            value = call.arg(position, name)
            if value is not None and call.function != owner:
                found += self.texts(Given(file, value, call.function), depth + 2)
        return found

    def _of_call(self, given: Given, call: Call, depth: int) -> list[str]:
        last = call.last
        if last in {"url_path_for", "url_for", "reverse"}:
            name = call.arg(0, "name")
            named = [] if name is None else self.texts(given.at(name), depth + 1)
            paths = [p for text in named for r in self._by_name.get(text, ()) for p in r.paths]
            return [_PLACE.sub(HOLE, path) for path in paths] or [HOLE]
        if last == "format" and call.receiver is not None:
            texts = self.texts(given.at(call.receiver), depth + 1)
            return [_PLACE.sub(HOLE, text) for text in texts]
        if last in {"str", "URL", "join", "urljoin"} and call.fact.args:
            return self.texts(given.at(call.fact.args[-1]), depth + 1)
        found: list[str] = []
        for function in self.project.calls.resolve(call)[:1]:
            for value in function.returned[:4]:
                found += self.texts(Given(function.file, value, function), depth + 2)
        return found or [HOLE]

    @cached_property
    def _by_name(self) -> dict[str, list[Route]]:
        found: dict[str, list[Route]] = {}
        for route in self.project.routes.handlers:
            given = route.option("name")
            name = (given.text if given is not None else None) or route.name
            found.setdefault(name, []).append(route)
        return found

    # Matching -------------------------------------------------------------------------------------

    @cached_property
    def covered(self) -> dict[tuple[str, str], list[Requested]]:
        """The requests of every method and route path that tests ask for."""
        found: dict[tuple[str, str], list[Requested]] = {}
        memo: dict[tuple[str, tuple[str, ...], bool], list[tuple[str, str]]] = {}
        for each in self.all:
            key = (each.method, each.segments, each.open)
            if key not in memo:
                memo[key] = self._matching(each)
            for endpoint in memo[key]:
                found.setdefault(endpoint, []).append(each)
        return found

    @cached_property
    def handlers(self) -> dict[tuple[str, str], set[str]]:
        """Paths of the files that handle a method and path."""
        found: dict[tuple[str, str], set[str]] = {}
        for route in self.project.routes.handlers:
            for each in route.endpoints:
                found.setdefault((each.method, each.path), set()).add(route.path)
        return found

    @cached_property
    def fuzzed(self) -> bool:
        """Whether schemathesis asks for everything that OpenAPI shows."""
        names = ("from_asgi", "from_wsgi", "from_dict", "from_pytest_fixture", "from_fixture",
                 "from_url", "from_uri", "from_path", "from_file")  # fmt: skip
        files = self.project.tests
        return any(
            row.distribution == "schemathesis" and file.calls_named(*names)
            for file in files
            for row in file.imports
        )

    @cached_property
    def _endpoints(self) -> dict[int, list[tuple[Endpoint, list[str]]]]:
        """Endpoints of production code by the number of their segments."""
        found: dict[int, list[tuple[Endpoint, list[str]]]] = {}
        for route in self.project.routes.handlers:
            if not route.file.is_test:
                for endpoint in route.endpoints:
                    parts = segments(endpoint.path)
                    found.setdefault(len(parts), []).append((endpoint, parts))
        return found

    @cached_property
    def _bases(self) -> list[tuple[str, ...]]:
        """Paths in the base addresses of clients, the empty one first."""
        found: dict[tuple[str, ...], None] = {(): None}
        for file in self.project.tests:
            for call in file.calls:
                given = call.fact.keyword("base_url") or call.fact.keyword("root_path")
                if given is not None:
                    for text in self.texts(Given(file, given, call.function))[:2]:
                        found.setdefault(_path(text)[0], None)
        return list(found)

    def _matching(self, each: Requested) -> list[tuple[str, str]]:
        """The endpoints that a request reaches: those that agree best."""
        best: list[tuple[str, str]] = []
        least = 1 << 30
        for endpoint, parts, rest in self._candidates(each):
            if each.method not in {"*", endpoint.method}:
                continue
            distance = _distance(parts, rest)
            if distance is None or distance > least:
                continue
            if distance < least:
                best, least = [], distance
            best.append((endpoint.method, endpoint.path))
        return best

    def _candidates(self, each: Requested) -> Iterator[tuple[Endpoint, list[str], tuple[str, ...]]]:
        """Endpoints that may answer, with the segments that have to agree."""
        own = each.segments
        for base in self._bases:
            full = (*base, *own)
            for endpoint, parts in self._endpoints.get(len(full), ()):
                yield endpoint, parts, full
        if each.open and not own:
            return
        for size, rows in self._endpoints.items():
            for endpoint, parts in rows:
                if each.open and size >= len(own) > 0:
                    yield endpoint, parts[-len(own) :], own
                elif endpoint.partial and 0 < size < len(own):
                    yield endpoint, parts, own[-size:]


def _is_client(call: Call) -> bool:
    return "client" in tree.dotted(call.receiver).lower()


def _distance(parts: list[str], asked: tuple[str, ...]) -> int | None:
    """How badly a route's segments agree with those of a request, None when they do not."""
    total = 0
    for part, text in zip(parts, asked, strict=True):
        if part == text:
            continue
        if "{" in part:
            total += 0 if HOLE in text else 1
        elif HOLE in text:
            total += 100
        else:
            return None
    return total


def _requested(method: str, text: str, call: Call) -> Requested:
    parts, is_open = _path(text)
    return Requested(method, parts, is_open, call)


def _path(text: str) -> tuple[tuple[str, ...], bool]:
    """Segments of the path of an address, and whether its beginning is not known."""
    path = _HOST.sub("", text.partition("?")[0].partition("#")[0], count=1)
    is_open = path.startswith(HOLE) and path != HOLE
    if is_open:
        path = path.lstrip(HOLE)
    return tuple(part for part in path.split("/") if part), is_open


def _listed(function: Function, name: str) -> Iterator[Given]:
    """The values that ``parametrize`` lists for a parameter."""
    file = function.file
    decorators = [
        *function.fact.decorators,
        *(function.cls.fact.decorators if function.cls else ()),
    ]
    for each in decorators:
        if not isinstance(each.value, tree.CallRef):
            continue
        call = file.calls[each.value.index]
        if call.last != "parametrize" or len(call.fact.args) < 2:
            continue
        names = _names_of(Given(file, call.fact.args[0]))
        if name not in names:
            continue
        at = names.index(name)
        for item in elements(Given(file, call.fact.args[1]))[:80]:
            expr = item.expr
            if isinstance(expr, tree.CallRef) and item.file.calls[expr.index].last == "param":
                parts = item.file.calls[expr.index].fact.args
            else:
                parts = expr.items if isinstance(expr, tree.Seq) and len(names) > 1 else (expr,)
            if at < len(parts):
                yield item.at(parts[at])


def _names_of(given: Given) -> list[str]:
    text = tree.text_of(given.expr)
    if text is not None:
        return [name.strip() for name in text.split(",")]
    items = given.expr.items if isinstance(given.expr, tree.Seq) else ()
    return [tree.text_of(item) or "" for item in items]
