"""Where code reads the environment of the process."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from checks.facts import tree
from checks.facts.tree import Expr

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import Call, File, Function
    from checks.project.variables import Variables

_READS = frozenset(
    "os.getenv os.getenvb os.environ.get os.environb.get os.environ.__getitem__ decouple.config "
    "dotenv.dotenv_values dotenv.get_key".split()
)
_NAMES = ("getenv", "get", "config", "dotenv_values", "getenvb", "get_key", "__getitem__")
_MAPPINGS = frozenset({"os.environ", "os.environb"})


class Read(msgspec.Struct, frozen=True):
    """One read.

    Attributes:
        line: Where it stands.
        name: Name of the variable, "" where it is computed.
        function: The function around it.
    """

    line: int
    name: str
    function: Function | None


class Environment:
    """All reads of environment variables, through first-party wrappers too (one level)."""

    def __init__(self, project: Project) -> None:
        self.project = project

    @cached_property
    def variables(self) -> Variables:
        """Every variable that code and compose files read, and the templates of them."""
        from checks.project.variables import Variables

        return Variables(self.project)

    def reads(self, file: File) -> list[Read]:
        """Reads of a file in order of line; writes, and copies for a child process, are none."""
        keys = [(call.line, key, call.function) for call, key in _calls(file)]
        keys += [(e.line, e.key, file.function_of(e.function)) for e in _lookups(file)]
        for call in file.calls_named(*self._wrapper_names):
            parameter = self._wrappers.get(call.name)
            if parameter is not None:
                keys.append((call.line, call.arg(*parameter), call.function))
        found = [Read(line, self._name(file, key), function) for line, key, function in keys]
        return sorted(found, key=lambda each: each.line)

    def defaults(self, file: File) -> Iterator[tuple[Call, str, Expr]]:
        """Reads that name a default: the call, the variable, the default."""
        for call, key in _calls(file):
            default = call.arg(1, "default")
            if default is not None:
                yield call, self._name(file, key), default
        for call in file.calls_named(*self._wrapper_names):
            parameter = self._wrappers.get(call.name)
            if parameter is not None:
                default = call.arg(parameter[0] + 1, "default")
                if default is not None:
                    yield call, self._name(file, call.arg(*parameter)), default

    @cached_property
    def _wrappers(self) -> dict[str, tuple[int, str]]:
        """Functions that read what they are told to, with the parameter that tells them."""
        found: dict[str, tuple[int, str]] = {}
        for file in self.project.production:
            keys = [(call.function, key) for call, key in _calls(file)]
            keys += [(file.function_of(each.function), each.key) for each in _lookups(file)]
            for function, key in keys:
                param = None if function is None else function.param(tree.dotted(key))
                if function is not None and param is not None:
                    bound = function.cls is not None and not function.decorated_by(
                        "builtins.staticmethod"
                    )
                    position = function.fact.params.index(param) - bound
                    found[function.key] = (position, param.name)
        return found

    @cached_property
    def _wrapper_names(self) -> frozenset[str]:
        return frozenset(key.rpartition(".")[2] for key in self._wrappers)

    def _name(self, file: File, expr: Expr | None) -> str:
        """Name of the variable, followed through a module constant."""
        text = tree.text_of(expr)
        if text is None and isinstance(expr, tree.Name):
            constant = self.project.names.assignment_named(file.resolve(expr))
            text = tree.text_of(constant[1].value) if constant is not None else None
        return text or ""


def _calls(file: File) -> Iterator[tuple[Call, Expr | None]]:
    for call in file.calls_named(*_NAMES):
        if call.name in _READS:
            yield call, call.arg(0, "key")


def _lookups(file: File) -> Iterator[tree.Lookup]:
    for each in file.facts.lookups:
        if file.resolve(each.base, file.function_of(each.function)) in _MAPPINGS:
            yield each
