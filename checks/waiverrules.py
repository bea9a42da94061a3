"""What a standard says about exceptions to it: how long, by whom, and by comments in the code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

MAX_DAYS = 365
MOST_DAYS = 3650
APPROVERS = ("anyone", "other")
type Approver = Literal["anyone", "other"]
type Suppressions = Literal["any", "reasoned", "none"]
SUPPRESSIONS: tuple[Suppressions, ...] = ("any", "reasoned", "none")
COUNTS: Mapping[Suppressions, str] = {
    "reasoned": "suppressed without a reason, so it counts",
    "none": "suppressed, and no comment is accepted, so it counts",
}
"""What is said of a finding whose suppression is refused."""


class WaiverRules(msgspec.Struct, frozen=True, kw_only=True):
    """The table ``[waivers]`` of a standard; what it does not set is as below.

    Attributes:
        max_days: How many days ahead the end of a waiver may be; 365 where None. A standard that
            sets it wants an end for all its clauses, not only for each must.
        approver: ``other`` when the one who grants must not be the one who asks.
        suppressions: Which comments in the code hide a finding: ``any``, only those with a reason
            (``reasoned``), or ``none``.
    """

    max_days: int | None = None
    approver: Approver = "anyone"
    suppressions: Suppressions = "any"

    @property
    def longest(self) -> int:
        """The most days ahead that an end may be."""
        return MAX_DAYS if self.max_days is None else self.max_days


def read(data: Mapping[str, Any], mistakes: list[str]) -> WaiverRules:
    """The rules in the parsed file of a standard; what is wrong is added to ``mistakes``."""
    entry = data.get("waivers", {})
    if not isinstance(entry, dict):
        mistakes.append("standard: waivers must be written as a [waivers] table")
        return WaiverRules()
    fields = WaiverRules.__struct_fields__
    faults = [f"unknown field {name!r}" for name in entry if name not in fields]
    days, approver = entry.get("max_days"), entry.get("approver", "anyone")
    hides = entry.get("suppressions", "any")
    if days is not None and not (type(days) is int and 1 <= days <= MOST_DAYS):
        faults.append(f"max_days is not a whole number from 1 to {MOST_DAYS}")
    if approver not in APPROVERS:
        faults.append(f"approver {approver!r} is not one of {', '.join(APPROVERS)}")
    if hides not in SUPPRESSIONS:
        faults.append(f"suppressions {hides!r} is not one of {', '.join(SUPPRESSIONS)}")
    mistakes.extend(f"waivers: {fault}" for fault in faults)
    if faults:
        return WaiverRules()
    return WaiverRules(max_days=days, approver=approver, suppressions=hides)
