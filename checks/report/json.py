"""The result file: the report as JSON, fields in a fixed order, the same report the same bytes."""

from __future__ import annotations

from typing import Any

import msgspec

from checks.gate import GateResult
from checks.model import Report


def render(report: Report, gate: GateResult | None = None) -> str:
    """The report as JSON text, indented, with a line end; ``gate`` is there if one was asked."""
    if gate is None:
        return dump(report)
    fields = {name: getattr(report, name) for name in report.__struct_fields__}
    return dump({**fields, "gate": gate})


def dump(value: object) -> str:
    """Any value of ours as indented JSON text with a line end.

    Text that UTF-8 cannot hold (half a surrogate pair) is written with replacement characters.
    """
    try:
        encoded = msgspec.json.encode(value)
    except UnicodeEncodeError:
        encoded = msgspec.json.encode(_replaced(msgspec.to_builtins(value)))
    return msgspec.json.format(encoded, indent=2).decode() + "\n"


def _replaced(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_replaced(name): _replaced(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(each) for each in value]
    return value
