"""Which route hides which: paths that match each other's URLs, and the order of registration."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from checks.project.routers import Hop, Router
from checks.project.routes import Endpoint, Route

_PLAIN = re.compile(r"\{[^{}:]*\}")
_REST = re.compile(r"\{[^{}:]*:path\}")
_MAX_REST = 50


class _Entry(msgspec.Struct, frozen=True):
    """An endpoint with its path in pieces: None for a parameter that matches any segment."""

    endpoint: Endpoint
    pieces: tuple[str | None, ...]
    order: tuple[tuple[str, int], ...]

    @property
    def mask(self) -> tuple[int, ...]:
        """Positions of the parameters."""
        return tuple(number for number, piece in enumerate(self.pieces) if piece is None)


def shadowed(routes: Iterable[Route]) -> Iterator[tuple[Endpoint, Endpoint, bool]]:
    """Pairs of a literal path and a parameterised one that matches it.

    Yields:
        The literal endpoint, the parameterised one, and whether the latter is registered first.
        Pairs whose order cannot be known are left out.
    """
    groups: dict[tuple[str, str, int], list[_Entry]] = {}
    for route in routes:
        for endpoint in route.endpoints:
            if not endpoint.partial:
                entry = _entry(endpoint)
                key = (_root(endpoint).key, endpoint.method, len(entry.pieces))
                groups.setdefault(key, []).append(entry)
    seen: set[tuple[str, str, str]] = set()
    for entries in groups.values():
        for literal, other in _pairs(entries):
            names = (
                literal.endpoint.registration.function.key,
                other.endpoint.registration.function.key,
                literal.endpoint.method,
            )
            first = _is_first(other, literal)
            if first is not None and names not in seen:
                seen.add(names)
                yield literal.endpoint, other.endpoint, first
    yield from _captured(groups, seen)


def _pairs(entries: list[_Entry]) -> Iterator[tuple[_Entry, _Entry]]:
    """Literal entries with each parameterised one that matches them, by look-up, not by pairs."""
    by_pieces: dict[tuple[str | None, ...], list[_Entry]] = {}
    for entry in entries:
        by_pieces.setdefault(entry.pieces, []).append(entry)
    masks = {entry.mask for entry in entries}
    for entry in entries:
        for mask in masks:
            if len(mask) <= len(entry.mask) or not set(entry.mask) < set(mask):
                continue
            if not any(_is_literal(entry.pieces[n]) for n in mask):
                continue
            wanted = tuple(None if n in mask else p for n, p in enumerate(entry.pieces))
            for other in by_pieces.get(wanted, ()):
                yield entry, other


def _captured(
    groups: dict[tuple[str, str, int], list[_Entry]], seen: set[tuple[str, str, str]]
) -> Iterator[tuple[Endpoint, Endpoint, bool]]:
    """Literal paths below a ``{name:path}``, which captures any number of segments."""
    catchers = [
        (k, e) for k, group in groups.items() for e in group if e.pieces[-1:] == ("{:path}",)
    ]
    for (root, method, count), catcher in catchers[:_MAX_REST]:
        head = catcher.pieces[:-1]
        for (other_root, other_method, size), entries in groups.items():
            if (other_root, other_method) != (root, method) or size < count:
                continue
            for entry in entries:
                matches = all(c in {None, p} for c, p in zip(head, entry.pieces, strict=False))
                if not matches or entry is catcher or not _is_literal(entry.pieces[len(head)]):
                    continue
                function = entry.endpoint.registration.function.key
                names = (function, catcher.endpoint.registration.function.key, method)
                first = _is_first(catcher, entry)
                if first is not None and names not in seen:
                    seen.add(names)
                    yield entry.endpoint, catcher.endpoint, first


def _is_literal(piece: str | None) -> bool:
    return piece is not None and "{" not in piece


def _entry(endpoint: Endpoint) -> _Entry:
    parts = endpoint.path.removeprefix("/").split("/")
    pieces = tuple(
        None if _PLAIN.fullmatch(part) else "{:path}" if _REST.fullmatch(part) else part
        for part in parts
    )
    return _Entry(endpoint, pieces, _order(endpoint))


def _root(endpoint: Endpoint) -> Router:
    return endpoint.chain[-1].parent if endpoint.chain else endpoint.registration.router


def _order(endpoint: Endpoint) -> tuple[tuple[str, int], ...]:
    """Where the endpoint enters each router from the top down: file and line."""
    call = endpoint.registration.outer or endpoint.registration.call
    own = (call.path, call.line)
    return (*(_place(hop) for hop in reversed(endpoint.chain)), own)


def _place(hop: Hop) -> tuple[str, int]:
    return (hop.parent.key, 0) if hop.call is None else (hop.call.path, hop.call.line)


def _is_first(one: _Entry, other: _Entry) -> bool | None:
    """Whether one endpoint is registered before another; None when nobody can tell."""
    for mine, yours in zip(one.order, other.order, strict=False):
        if mine == yours:
            continue
        return mine[1] < yours[1] if mine[0] == yours[0] else None
    return None
