"""Findings of a repository in groups: by clause, check, file, owner or age."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.core.paginator import Page, Paginator
from django.utils import timezone

from dashboard.models import Finding, Strength
from dashboard.services.findings import AGES, NONE, WHOLE, FindingQuery, matching

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from dashboard.models import Repository

GROUPS_ON_A_PAGE = 10
SHOWN = 5
"""Findings shown of each group."""
COLUMNS = {
    "clause": "clauses",
    "check": "check_id",
    "file": "path",
    "owner": "owners",
    "age": "age",
}
FACETS = {"file": "path"}
NAMELESS = {"clause": "no clause", "owner": "owned by nobody", "file": "whole repository"}


@dataclass
class FindingGroup:
    """Findings that have something in common.

    Attributes:
        label: What that is, in words.
        address: The query string that lists this group alone.
        count: How many there are.
        musts: How many of them break a must.
        findings: The first of them, in the order of the list.
    """

    label: str
    address: str
    count: int = 0
    musts: int = 0
    keys: list[int] = field(default_factory=list)
    findings: Sequence[Finding] = ()


def read_groups(repository: Repository, query: FindingQuery) -> Page[Any]:
    """Return one page of groups, each with its first findings. Two queries, however many groups.

    A finding that breaks two clauses stands in both groups; so the counts may sum to more than the
    list has.
    """
    rows = matching(repository, query).values_list("pk", "strength", COLUMNS[query.group])
    found: dict[str, FindingGroup] = {}
    now = timezone.now()
    for pk, strength, value in rows.iterator():
        for key in _keys(query.group, value, now):
            group = found.get(key) or found.setdefault(key, _group(query, key))
            group.count += 1
            group.musts += strength == Strength.MUST
            if len(group.keys) < SHOWN:
                group.keys.append(pk)
    page = Paginator(_ordered(query, found), GROUPS_ON_A_PAGE).get_page(query.page)
    _fill(repository, list(page.object_list))
    return page


def _fill(repository: Repository, groups: Sequence[FindingGroup]) -> None:
    rows = Finding.objects.select_related("waived_by__approver").in_bulk(
        [pk for group in groups for pk in group.keys]
    )
    for row in rows.values():
        row.repository = repository
    for group in groups:
        group.findings = [rows[pk] for pk in group.keys if pk in rows]


def _keys(group: str, value: Any, now: datetime) -> Sequence[str]:
    if group == "age":
        days = (now - value).days
        return [next(name for name, age in AGES.items() if age.below is None or days < age.below)]
    if group in ("clause", "owner"):
        return value or [""]
    return [value]


def _group(query: FindingQuery, key: str) -> FindingGroup:
    label = AGES[key].label if query.group == "age" else key or NAMELESS[query.group]
    value = key or (WHOLE if query.group == "file" else NONE)
    facet = FACETS.get(query.group, query.group)
    return FindingGroup(label, query.address(**{facet: value, "group": ""}))


def _ordered(query: FindingQuery, found: dict[str, FindingGroup]) -> list[FindingGroup]:
    """Ages from young to old, all else from the largest group to the smallest."""
    if query.group == "age":
        return [found[name] for name in AGES if name in found]
    order = sorted(found.items(), key=lambda item: (-item[1].count, item[0]))
    return [group for _, group in order]
