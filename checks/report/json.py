"""The result file: the report as JSON, fields in a fixed order, the same report the same bytes."""

from __future__ import annotations

from typing import Any

import msgspec

from checks.gate import GateResult
from checks.model import Report


def rendered(report: Report, gate: GateResult | None = None) -> bytes:
    """The report as indented JSON with a line end; ``gate`` is there if one was asked."""
    if gate is None:
        return indented(encoded(report))
    fields = {
        name: value
        for name in report.__struct_fields__
        if (value := getattr(report, name)) is not msgspec.UNSET
    }
    return indented(encoded({**fields, "gate": gate}))


def render(report: Report, gate: GateResult | None = None) -> str:
    """The same as text."""
    return rendered(report, gate).decode()


def dump(value: object) -> str:
    """Any value of ours as indented JSON text with a line end."""
    return indented(encoded(value)).decode()


def encoded(value: object) -> bytes:
    """Any value of ours as JSON in UTF-8, in one line.

    Text that UTF-8 cannot hold (half a surrogate pair) is written with replacement characters.
    """
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(_replaced(msgspec.to_builtins(value)))


def indented(line: bytes) -> bytes:
    """JSON in one line as people read it: indented, with a line end."""
    return b"%b\n" % msgspec.json.format(line, indent=2)


def _replaced(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_replaced(name): _replaced(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(each) for each in value]
    return value
