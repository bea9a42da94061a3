"""What every check asks, as data: the questions of the catalogue, whether built or not.

One file per area below ``catalogue/``; the examples of each check stand in a file of the same
name below ``examples/``. Nothing is read before it is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import msgspec
import tomli

type Automation = Literal["automated", "heuristic", "attested"]
type Key = tuple[str, str]
"""Id of a check and its limits as canonical JSON: what one outcome answers."""

HERE = Path(__file__).parent
ATTESTATION = "lead-attestation"
# One encoder for all: making one takes longer than writing the limits of a check.
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


class Spec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The definition of one check.

    Attributes:
        id: Its name, a claim in lowercase words joined by hyphens.
        title: What to do, in a few words.
        area: The area it belongs to, which is also the name of its file.
        engine: What it reads: ``ast``, ``ruff``, ``git``, ``manifest`` and so on.
        automation: ``automated``, ``heuristic`` (findings may be wrong) or ``attested``.
        applies_when: When there is anything to judge.
        site: The opportunity to comply, the denominator.
        violation: What makes a site a finding.
        location: Where the finding points.
        params: Its limits with their defaults.
        choices: The values that a limit may take, where they are a closed set.
        fix: What to do instead.
        traps: What it must not take for a violation.
        hardness: 1 (simple) to 5.
        ruff: Codes of ruff that it stands on.
    """

    id: str
    title: str
    area: str
    engine: str
    automation: Automation
    applies_when: str
    site: str
    violation: str
    location: str
    params: dict[str, Any]
    fix: str
    traps: tuple[str, ...]
    hardness: int
    choices: dict[str, list[Any]] = {}
    ruff: tuple[str, ...] = ()

    def merged(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The defaults overlaid with ``params``."""
        return {**self.params, **params}

    def key(self, params: Mapping[str, Any]) -> Key:
        """The check with these limits: equal limits give equal keys, in whatever order written."""
        return self.id, canonical(self.merged(params))


class Example(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A pair of miniature repositories under some limits: one that complies, one that does not."""

    params: dict[str, Any]
    good: str
    bad: str


class Term(msgspec.Struct, frozen=True):
    """A word of the definitions."""

    name: str
    text: str


class _Examples(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    good: str
    bad: str
    variant: tuple[Example, ...] = ()


def canonical(params: Mapping[str, Any]) -> str:
    """Limits as JSON text, keys sorted: one text per set of limits."""
    return _CANONICAL(params)


@cache
def specs() -> Mapping[str, Spec]:
    """Every check by id, areas and ids in alphabetical order."""
    found = [
        spec
        for path in sorted((HERE / "catalogue").glob("*.toml"))
        for spec in msgspec.convert(_read(path)["check"], list[Spec])
    ]
    found.sort(key=lambda spec: (spec.area, spec.id))
    return MappingProxyType({spec.id: spec for spec in found})


@cache
def areas() -> tuple[str, ...]:
    """The areas, in alphabetical order. Reads no file."""
    return tuple(sorted(path.stem for path in (HERE / "catalogue").glob("*.toml")))


@cache
def examples(area: str) -> Mapping[str, tuple[Example, ...]]:
    """The examples of every check of an area, the one under default limits first."""
    entries = msgspec.convert(_read(HERE / "examples" / f"{area}.toml")["check"], list[_Examples])
    return MappingProxyType(
        {
            entry.id: (Example(params={}, good=entry.good, bad=entry.bad), *entry.variant)
            for entry in entries
        }
    )


@cache
def terms() -> tuple[Term, ...]:
    """The words that the definitions use, in reading order."""
    return tuple(msgspec.convert(_read(HERE / "terms.toml")["term"], list[Term]))


def _read(path: Path) -> dict[str, Any]:
    return tomli.loads(path.read_text(encoding="utf-8"))
