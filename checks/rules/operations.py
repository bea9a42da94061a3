"""Checks of how a service is operated, as far as people have to vouch for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from checks.check import At, check
from checks.project.project import Project

_LINK = re.compile(r"https?://[^\s/]+\.[^\s/]+")


@check("lead-attestation", asks_source=True)
def lead_attestation(
    project: Project,
    *,
    topic: str = "assistant-working-practice",
    validity_days: int = 180,
    evidence_min_chars: int = 20,
) -> At | None:
    """A lead has vouched for the topic, lately and with evidence.

    Some demands leave no trace in a repository; a dated word with evidence keeps them honest.

    Instead: a lead records the evidence and an expiry date for the topic.

    Known problems: whether the evidence shows what it is said to show is not judged.
    """
    today = datetime.fromtimestamp(project.source.time, UTC).date()
    faults = [
        _fault(record, today, validity_days, evidence_min_chars)
        for record in project.attestations
        if record.get("topic") == topic
    ]
    if "" in faults:
        return None
    reason = faults[-1] if faults else "no lead has recorded one"
    return At(0, f"Nobody vouches for `{topic}`: {reason}", anchor=topic)


def _fault(record: Mapping[str, Any], today: date, validity_days: int, least: int) -> str:
    """Why a record does not count, "" when it does."""
    by = str(record.get("by") or "").strip()
    if not by or record.get("lead") is False:
        return "the record is not signed by a lead of the repository"
    evidence = str(record.get("evidence") or "").strip()
    if len(evidence) < least and not _LINK.match(evidence):
        return f"the evidence has fewer than {least} characters"
    made, end = _day(record.get("on")), _day(record.get("expires"))
    if made is not None:
        longest = made + timedelta(days=validity_days)
        end = longest if end is None else min(end, longest)
    if end is None:
        return "the record has no date"
    return f"the record expired on {end.isoformat()}" if end < today else ""


def _day(value: object) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None
