"""Features: what belongs to a routes module, by its imports, its name and its tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.conditions import words
from checks.project.given import Given, source
from checks.project.routes import segments

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.routes import Route
    from checks.project.subjects import File

_REQUESTS = frozenset("get post put patch delete head options request stream".split())
_LOOKUPS = frozenset({"url_path_for", "url_for", "reverse"})
_SUFFIXES = frozenset(
    "route routes router routers api apis view views endpoint endpoints controller controllers "
    "handler handlers resource resources crud main init app v1 v2 v3".split()
)
_ADDRESS = re.compile(r"https?://[^/]+")
_PREFIX = re.compile(r"api|rest|v\d+")
_LEVELS = 4
_OWN = 2


class Features:
    """What belongs to each routes module of a project."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._reached: dict[str, dict[File, int]] = {}
        self._edges: dict[str, list[File]] = {}

    # Modules --------------------------------------------------------------------------------------

    def modules(self, file: File, layer: str) -> list[File]:
        """Modules of a layer that belong to the feature of a routes module."""
        found = [each for each in self.reached(file) if each.layer == layer]
        return found or [each for each in self._of_layer(layer) if self._is_named(file, each)]

    def _of_layer(self, layer: str) -> list[File]:
        return self._layers.get(layer, [])

    @cached_property
    def _layers(self) -> dict[str, list[File]]:
        found: dict[str, list[File]] = {}
        for file in self.project.production:
            found.setdefault(file.layer, []).append(file)
        return found

    def reached(self, file: File) -> dict[File, int]:
        """Production files that a routes module imports, and how far away they are.

        Other routes modules, and the module of the application, lead to other features.
        """
        known = self._reached.get(file.path)
        if known is None:
            known = self._reached[file.path] = {file: 0}
            routes = self.project.routes
            queue = [file]
            for each in queue:
                for target in self._imported(each):
                    if target in known or not target.is_production:
                        continue
                    if target.path in routes.modules or target.path in routes.app_modules:
                        continue
                    known[target] = known[each] + 1
                    queue.append(target)
        return known

    def _imported(self, file: File) -> list[File]:
        known = self._edges.get(file.path)
        if known is None:
            found = (row.definer for row in file.imports)
            known = [each for each in dict.fromkeys(found) if each is not None and each is not file]
            self._edges[file.path] = known
        return known

    def _is_named(self, file: File, other: File) -> bool:
        """Whether a path says the name of a feature, in the singular or the plural."""
        wanted = self._name(file)
        said = {_singular(word) for part in (*other.segments, other.stem) for word in words(part)}
        return bool(wanted) and wanted <= said

    def _name(self, file: File) -> frozenset[str]:
        """The words of a feature: of its file, else of its folder."""
        for part in (file.stem, *reversed(file.segments)):
            found = frozenset(_singular(word) for word in words(part) if word not in _SUFFIXES)
            if found:
                return found
        return frozenset()

    # Database -------------------------------------------------------------------------------------

    def reaches_database(self, file: File) -> bool:
        """Whether a handler, or what it depends on beside authentication, reads or writes rows."""
        database, calls = self.project.database, self.project.calls
        auth = self.project.authentication
        for route in self.project.routes.in_module.get(file.path, ()):
            functions = [route.function]
            functions += [
                dep.function
                for dep in route.dependencies
                if dep.function is not None and not auth.concerns(dep)
            ]
            for function in functions:
                for each in calls.reachable(function, _LEVELS):
                    if any(database.reads_rows(call) for call in database.of_function(each)):
                        return True
        return False

    # Tests ----------------------------------------------------------------------------------------

    def is_tested(self, file: File) -> bool:
        """Whether a test imports a module of the feature, or requests one of its paths."""
        own = {
            each
            for each, far in self.reached(file).items()
            if far <= _OWN and (each is file or each.layer in {"services", "repositories"})
        }
        for layer in ("services", "repositories"):
            own |= {each for each in self._of_layer(layer) if self._is_named(file, each)}
        if own & self._imported_by_tests:
            return True
        return any(self._is_requested(r) for r in self.project.routes.in_module.get(file.path, ()))

    @cached_property
    def _imported_by_tests(self) -> frozenset[File]:
        found: set[File] = set()
        for file in self.project.tests:
            found.update(self._imported(file))
            modules = (self.project.layout.modules.get(row.target) for row in file.imports)
            found.update(each for each in modules if each is not None)
        return frozenset(found)

    def _is_requested(self, route: Route) -> bool:
        if route.name in self._looked_up:
            return True
        for path in route.paths:
            parts = segments(path)
            literal = [part for part in parts if "{" not in part]
            candidates = self._requested.get(literal[-1], ()) if literal else ()
            if any(_is_path_of(each, parts) for each in candidates):
                return True
        return False

    @cached_property
    def _requested(self) -> dict[str, list[list[str]]]:
        """Paths that tests request, cut into segments, by each of their literal segments."""
        found: dict[str, list[list[str]]] = {}
        seen: set[str] = set()
        for text in self._texts(_REQUESTS):
            path = _ADDRESS.sub("", text.partition("?")[0].partition("#")[0])
            if "/" not in path or path in seen:
                continue
            seen.add(path)
            parts = segments(path)
            for part in {each for each in parts if "{" not in each}:
                found.setdefault(part, []).append(parts)
        return found

    @cached_property
    def _looked_up(self) -> frozenset[str]:
        """Names of handlers whose paths tests look up."""
        return frozenset(self._texts(_LOOKUPS))

    def _texts(self, names: frozenset[str]) -> Iterator[str]:
        """Texts that tests pass to calls of these names; placeholders become parameters."""
        for file in self.project.tests:
            for call in file.calls_named(*sorted(names)):
                for arg in call.arguments[:2]:
                    given = source(Given(file, arg, call.function))
                    text = _template(given.expr)
                    if text:
                        yield text


def _template(expr: Expr) -> str:
    """A text with ``{}`` for what is put in."""
    match expr:
        case tree.Const(kind="str", value=str(text)):
            return text
        case tree.Fmt(parts=items) | tree.Bin(op="Add", items=items):
            return "".join(_template(item) or "{}" for item in items)
        case tree.CallRef() | tree.Bin(op="Mod"):
            return ""
    return ""


def _is_path_of(requested: list[str], parts: list[str]) -> bool:
    """Whether a requested path is one of a route.

    What is put in before it may stand for many segments; a prefix of API and version may be part
    of the client's address.
    """
    if "{" in requested[0]:
        tail = requested[1:]
    else:
        tail, parts = _unprefixed(requested), _unprefixed(parts)
        if len(tail) != len(parts):
            return False
    return 0 < len(tail) <= len(parts) and all(
        one == other or "{" in one or "{" in other
        for one, other in zip(reversed(tail), reversed(parts), strict=False)
    )


def _unprefixed(parts: list[str]) -> list[str]:
    """A path without the ``/api/v1`` before it."""
    start = next((n for n, part in enumerate(parts) if not _PREFIX.fullmatch(part)), 0)
    return parts[start:]


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word
