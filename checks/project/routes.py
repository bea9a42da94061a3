"""Route handlers: the functions that a FastAPI application answers requests with."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from checks.facts import tree

if TYPE_CHECKING:
    from checks.facts.tree import Decorator
    from checks.project.project import Project
    from checks.project.subjects import File, Function

METHODS = frozenset("get post put patch delete head options trace api_route route".split())
ROUTERS = frozenset({"fastapi.FastAPI", "fastapi.APIRouter"})


class Route:
    """A route handler."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.file = function.file
        self.path = function.path
        self.line = function.line
        self.end_line = function.end_line
        self.symbol = function.symbol

    def __repr__(self) -> str:
        return f"Route({self.symbol!r})"


class Routes:
    """All route handlers of a project."""

    def __init__(self, project: Project) -> None:
        self.project = project

    @cached_property
    def handlers(self) -> list[Route]:
        """Every route handler, in order of path and line."""
        files = (f for f in self.project.analysed if not f.is_test and not f.is_migration)
        return [Route(fn) for file in files for fn in file.functions if self._registered(file, fn)]

    def _registered(self, file: File, function: Function) -> bool:
        return any(self._registers(file, function, each) for each in function.fact.decorators)

    def _registers(self, file: File, function: Function, decorator: Decorator) -> bool:
        if not isinstance(decorator.value, tree.CallRef):
            return False
        call = file.calls[decorator.value.index]
        if call.last not in METHODS:
            return False
        return file.type_of(call.receiver, function.parent) in ROUTERS
