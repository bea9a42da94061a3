"""Changing a standard: strengths, weights, limits, gate, exceptions, off; the text is kept.

What is not changed stays as it was written, comments and order included.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import tomlkit
from tomlkit.exceptions import TOMLKitError

from checks.gate import as_table
from checks.rules.specs import ATTESTATION, specs
from checks.standard import StandardError, parse
from dashboard.models import Role, Standard, StandardOrigin
from dashboard.services.own_standards import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import checks.standard as engine
    from checks.gate import Gate
    from dashboard.models import User

PAGE_SIZE = 25
OWN_SLUG_LENGTH = 50


class Kept(Enum):
    """What is not to be changed."""

    KEPT = "kept"


KEPT: Final = Kept.KEPT

type Kind = Literal[
    "yes-no", "whole", "number", "one", "several", "text", "texts", "wholes", "table", ""
]
type Place = tuple[int, int, str]
"""Position of a clause, of a check in it, and the name of a limit."""


@dataclass(frozen=True)
class Limit:
    """One limit of a check inside a clause.

    Attributes:
        name: Its name.
        kind: What is entered.
        value: What the clause asks for.
        default: What holds where a clause says nothing.
        choices: The values that it may take, none for any.
    """

    name: str
    kind: Kind
    value: Any
    default: Any
    choices: Sequence[Any]


@dataclass
class Changes:
    """What is to be changed in a text.

    Attributes:
        head: Title, summary and slug.
        strengths: By position of the clause.
        off: By position of the clause, whether it asks for nothing.
        weights: By position of the clause; None for that of its strength.
        limits: By their places.
        usual: What clauses weigh by strength; None for what the model says.
        waivers: The rules of exceptions by name; None for what holds where nothing is said.
        gate: What a repository has to reach, None for nothing.
    """

    head: Mapping[str, str] = field(default_factory=dict)
    off: Mapping[int, bool] = field(default_factory=dict)
    strengths: Mapping[int, str] = field(default_factory=dict)
    weights: Mapping[int, int | None] = field(default_factory=dict)
    limits: Mapping[Place, Any] = field(default_factory=dict)
    usual: Mapping[str, int | None] = field(default_factory=dict)
    waivers: Mapping[str, int | str | None] = field(default_factory=dict)
    gate: Gate | Kept | None = KEPT

    @property
    def any(self) -> bool:
        """Whether anything is to be changed."""
        by_place = (self.off, self.strengths, self.weights, self.limits)
        return any((self.head, self.usual, self.waivers, *by_place)) or self.gate is not KEPT


def read(text: str) -> engine.Standard:
    """Return what a text says.

    Raises:
        RefusedError: It is no standard; every mistake is named.
    """
    try:
        return parse(text.encode("utf-8", "replace"), "the text")
    except StandardError as error:
        raise RefusedError(error.mistakes) from error


def start(slug: str, actor: User) -> str:
    """Return the text to begin with: the team's own standard, or a copy of another one.

    "" when there is no such standard. What is read from a repository is copied as well: its own
    text changes there.
    """
    row = Standard.objects.newest().select_related("team").filter(slug=slug).first()
    if row is None:
        return ""
    own = row.team is not None and actor.may(Role.LEAD, row.team) and not row.shipped
    if own and not StandardOrigin.objects.filter(slug=slug).exists():
        return row.source
    return copy_of(row)


def copy_of(row: Standard) -> str:
    """Return the text under a slug and a title of its own."""
    copied = {"slug": f"{row.slug[:OWN_SLUG_LENGTH]}-of-ours", "title": f"{row.title}, our copy"}
    try:
        return change(row.source, Changes(head=copied))
    except RefusedError:
        return row.source


def limits(clause: engine.Clause, number: int) -> list[Limit]:
    """Return the limits of a check inside a clause, in the order of its definition.

    A clause that names no check is attested under its own id, and has no limits to change.
    """
    check = clause.checks[number]
    spec = specs()[check.id]
    if check.id == ATTESTATION and check.params["topic"] == clause.id:
        return []
    found = []
    for name, default in spec.params.items():
        choices = spec.choices.get(name, ())
        kind = _kind(name, default, choices)
        found.append(Limit(name, kind, check.params[name], default, choices))
    return found


def _kind(name: str, default: Any, choices: Sequence[Any]) -> Kind:
    if isinstance(default, bool):
        return "yes-no"
    if isinstance(default, int):
        return "whole"
    if isinstance(default, float):
        return "number"
    if isinstance(default, str):
        return "one" if choices else "text"
    if isinstance(default, list):
        # An order is more than a choice: it is written down, one a line.
        if choices and name != "order":
            return "several"
        return "wholes" if default and isinstance(default[0], int) else "texts"
    return "table"


def change(text: str, changes: Changes) -> str:
    """Return the text of a standard with the changes in it, and everything else as it stands.

    Raises:
        RefusedError: It can only be changed by hand.
    """
    if not changes.any:
        return text
    document = _document(text)
    as_written = document.unwrap()
    for name, value in changes.head.items():
        if value or name in document:
            document[name] = value
    clauses = cast("Sequence[MutableMapping[str, Any]]", document["clause"])
    for position, strength in changes.strengths.items():
        clauses[position]["strength"] = strength
        if strength == "may":
            _set(clauses[position], "weight", None)
    for position, off in changes.off.items():
        _set(clauses[position], "off", off or None)
    for position, weight in changes.weights.items():
        _set(clauses[position], "weight", weight)
    for (position, number, name), value in changes.limits.items():
        _set_limit(clauses[position]["checks"][number], name, value)
    _set_table(document, "weights", changes.usual)
    _set_table(document, "waivers", changes.waivers)
    if changes.gate is None:
        document.pop("gate", None)
    elif changes.gate is not KEPT:
        _set_gate(document, changes.gate)
    # What says the same keeps its version: writing it anew could move its tables.
    return text if document.unwrap() == as_written else tomlkit.dumps(document)


def _document(text: str) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(text)
    except TOMLKitError as error:
        raise RefusedError([f"standard: change this text by hand: {error}"]) from error


def _set(entry: MutableMapping[str, Any], name: str, value: Any) -> None:
    """Write a value, or leave it out where it is None."""
    if value is not None:
        entry[name] = value
    elif name in entry:
        del entry[name]


def _set_table(document: tomlkit.TOMLDocument, name: str, values: Mapping[str, Any]) -> None:
    """Write values of a table; None is left out, and a table without any value as well."""
    if not values:
        return
    table = cast("MutableMapping[str, Any]", document.setdefault(name, tomlkit.table()))
    for key, value in values.items():
        _set(table, key, value)
    if not table:
        del document[name]


def _set_gate(document: tomlkit.TOMLDocument, gate: Gate) -> None:
    """Write a gate; one without any field is still one, which allows no open must."""
    before = cast("Mapping[str, Any]", document.get("gate", {}))
    table = as_table(gate) or {"open_musts": 0}
    _set_table(document, "gate", {**dict.fromkeys(before), **table})


def _set_limit(check: MutableMapping[str, Any], name: str, value: Any) -> None:
    """Write a limit where it differs from the default, and leave it out where it does not."""
    given = check.get("params", {})
    if value != specs()[check["id"]].params[name]:
        if "params" not in check:
            check["params"] = tomlkit.inline_table()
        check["params"][name] = value
    elif name in given:
        del check["params"][name]
        if not check["params"]:
            del check["params"]
