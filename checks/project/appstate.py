"""What the application keeps on its state: ``app.state.ready = asyncio.Event()``."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from checks.facts import tree

if TYPE_CHECKING:
    from checks.facts.tree import Assign
    from checks.project.project import Project
    from checks.project.subjects import File


class AppState:
    """Types of what production code puts on a ``state``, by the name of the attribute."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._types: dict[str, str] = {}

    def type_of(self, text: str) -> str:
        """Type of ``request.app.state.ready``; "" unless all that is put there is of one type."""
        head, _, name = text.rpartition(".")
        if not head.endswith(".state"):
            return ""
        if name not in self._types:
            self._types[name] = ""
            kinds = {_kind(file, assign) for file, assign in self._assigned.get(name, ())}
            self._types[name] = kinds.pop() if len(kinds) == 1 else ""
        return self._types[name]

    @cached_property
    def _assigned(self) -> dict[str, list[tuple[File, Assign]]]:
        found: dict[str, list[tuple[File, Assign]]] = {}
        for file in self.project.production:
            for assign in file.facts.assigns:
                for target in map(tree.dotted, assign.targets):
                    head, _, name = target.rpartition(".")
                    if head.endswith(".state"):
                        found.setdefault(name, []).append((file, assign))
        return found


def _kind(file: File, assign: Assign) -> str:
    values, function = file.project.values, file.function_of(assign.function)
    named = values.of_annotation(file, assign.annotation, function)
    return named or values.type_of(file, assign.value, function)
