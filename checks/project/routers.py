"""Applications and routers, and the hops from one to the other."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from checks.project.given import Given, argument, bound

if TYPE_CHECKING:
    from checks.project.subjects import Call, Class, File, Function

_MAX_CHAINS = 24
_MAX_HOPS = 60


class Hop:
    """One step from a router towards the application.

    Attributes:
        parent: Where the router goes.
        call: The ``include_router`` or ``mount`` call; None where a value is only handed on.
        kind: ``include``, ``mount`` or ``same``.
        known: Values of loop variables that the call's arguments use.
    """

    __slots__ = ("call", "kind", "known", "parent")

    def __init__(
        self, parent: Router, call: Call | None, kind: str, known: dict[str, Given]
    ) -> None:
        self.parent = parent
        self.call = call
        self.kind = kind
        self.known = known

    def option(self, *names: str) -> Given | None:
        """The first of these arguments that the call gives."""
        return None if self.call is None else argument(self.call, names, self.known)

    def argument(self, position: int, name: str) -> Given | None:
        """The argument of the call at a position or of a name."""
        value = None if self.call is None else self.call.arg(position, name)
        if value is None or self.call is None:
            return None
        return Given(self.call.file, value, self.call.function, self.known)


class Router:
    """One FastAPI or APIRouter object, or a parameter that stands for one.

    Attributes:
        key: What binds it, as a canonical name.
        kind: ``application``, ``router`` or ``parameter``.
        call: Its construction; None for a parameter.
        hops: Where it is included.
    """

    def __init__(
        self,
        key: str,
        kind: str,
        file: File,
        line: int,
        function: Function | None,
        call: Call | None,
    ) -> None:
        self.key = key
        self.kind = kind
        self.file = file
        self.line = line
        self.function = function
        self.call = call
        self.type = ""
        self.hops: list[Hop] = []

    def __repr__(self) -> str:
        return f"Router({self.key!r}, {self.kind})"

    @property
    def path(self) -> str:
        """Path of the file that makes it."""
        return self.file.path

    def option(self, *names: str) -> Given | None:
        """The first of these arguments that its construction gives, own subclasses included."""
        if self.call is None:
            return None
        given = argument(self.call, names)
        if given is not None:
            return given
        cls = self.file.project.classes.by_key.get(self.type)
        return None if cls is None else self._base_option(cls, self.call, names)

    def _base_option(self, cls: Class, call: Call, names: tuple[str, ...]) -> Given | None:
        """What a subclass of APIRouter or FastAPI passes to ``super().__init__``."""
        init = self.file.project.classes.method(cls, "__init__")
        for inner in init.calls if init is not None else ():
            if inner.last == "__init__" and init is not None:
                return argument(inner, names, bound(init, call, call.function))
        return None

    @cached_property
    def chains(self) -> list[tuple[Hop, ...]]:
        """Ways from here to the top; those that reach an application, or else all."""
        found: list[tuple[Hop, ...]] = []
        # depth first: routers that are joined twice on each of many levels double the ways with
        # each, and the first whole ones are found without seeing the others
        stack: list[tuple[tuple[Hop, ...], Router]] = [((), self)]
        while stack and len(found) < _MAX_CHAINS:
            chain, top = stack.pop()
            seen = {self.key, *(hop.parent.key for hop in chain)}
            onward = [hop for hop in top.hops if hop.parent.key not in seen]
            if not onward or len(chain) >= _MAX_HOPS:
                found.append(chain)
                continue
            stack.extend(((*chain, hop), hop.parent) for hop in reversed(onward[:_MAX_CHAINS]))
        found.sort(key=len)
        reaching = [chain for chain in found if is_mounted(self, chain)]
        return reaching or found


def is_mounted(router: Router, chain: tuple[Hop, ...]) -> bool:
    """Whether the last router of a chain is an application."""
    return (chain[-1].parent if chain else router).kind == "application"
