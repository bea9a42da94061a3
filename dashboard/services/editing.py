"""Changing a standard clause by clause: strengths, limits, clauses switched off, the text kept.

What is not changed stays as it was written, comments and order included.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast

import tomlkit
from tomlkit.exceptions import TOMLKitError

from checks.rules.specs import ATTESTATION, specs
from checks.standard import StandardError, parse
from dashboard.models import Role, Standard, StandardOrigin
from dashboard.services.own_standards import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import checks.standard as engine
    from dashboard.models import User

PAGE_SIZE = 25
OWN_SLUG_LENGTH = 50

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
        limits: By their places.
    """

    head: Mapping[str, str] = field(default_factory=dict)
    off: Mapping[int, bool] = field(default_factory=dict)
    strengths: Mapping[int, str] = field(default_factory=dict)
    limits: Mapping[Place, Any] = field(default_factory=dict)


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
    if not (changes.head or changes.strengths or changes.off or changes.limits):
        return text
    document = _document(text)
    as_written = document.unwrap()
    for name, value in changes.head.items():
        if value or name in document:
            document[name] = value
    clauses = cast("Sequence[MutableMapping[str, Any]]", document["clause"])
    for position, strength in changes.strengths.items():
        clauses[position]["strength"] = strength
    for position, off in changes.off.items():
        if off:
            clauses[position]["off"] = True
        else:
            clauses[position].pop("off", None)
    for (position, number, name), value in changes.limits.items():
        _set_limit(clauses[position]["checks"][number], name, value)
    # What says the same keeps its version: writing it anew could move its tables.
    return text if document.unwrap() == as_written else tomlkit.dumps(document)


def _document(text: str) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(text)
    except TOMLKitError as error:
        raise RefusedError([f"standard: change this text by hand: {error}"]) from error


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
