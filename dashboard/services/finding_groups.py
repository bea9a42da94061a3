"""Findings of a repository in groups: by clause, check, file, owner or age."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.core.paginator import Page, Paginator
from django.db.models import Case, Count, F, Q, TextField, Value, When, Window
from django.db.models.functions import Cast, Now, RowNumber

from dashboard.models import Strength
from dashboard.services.findings import AGES, NONE, SORTS, WHOLE, FindingQuery, matching
from dashboard.services.waivers import laid_over

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet

    from dashboard.models import Finding, Repository

GROUPS_ON_A_PAGE = 10
SHOWN = 5
"""Findings shown of each group."""
COLUMNS = {
    "clause": "clauses",
    "check": "check_id",
    "file": "path",
    "owner": "owners",
}
LISTS = ("clause", "owner")
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
        values: By which the database finds them.
        findings: The first of them, in the order of the list.
    """

    label: str
    address: str
    count: int = 0
    musts: int = 0
    values: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def read_groups(repository: Repository, query: FindingQuery) -> Page[Any]:
    """Return one page of groups, each with its first findings. Two queries, however many groups.

    A finding that breaks two clauses stands in both groups; so the counts may sum to more than the
    list has.
    """
    rows = matching(repository, query).annotate(value=_value(query.group))
    counted = rows.order_by().values_list("value")
    musts = Count("pk", filter=Q(strength=Strength.MUST))
    found: dict[str, FindingGroup] = {}
    for value, count, must in counted.annotate(count=Count("pk"), musts=musts):
        for key in _keys(query.group, value):
            group = found.get(key) or found.setdefault(key, _group(query, key))
            group.values.append(value)
            group.count += count
            group.musts += must
    page = Paginator(_ordered(query, found), GROUPS_ON_A_PAGE).get_page(query.page)
    _fill(repository, rows, query, list(page.object_list))
    return page


def _value(group: str) -> Any:
    """What findings have in common, as the database groups it."""
    if group == "age":
        younger = [
            When(age__gt=Now() - timedelta(days=age.below), then=Value(name))
            for name, age in AGES.items()
            if age.below
        ]
        return Case(*younger, default=Value(next(reversed(AGES))))
    # Lists are compared by their text: their own form is PostgreSQL's alone.
    column = COLUMNS[group]
    return Cast(column, TextField()) if group in LISTS else F(column)


def _fill(
    repository: Repository,
    rows: QuerySet[Any, Any],
    query: FindingQuery,
    groups: Sequence[FindingGroup],
) -> None:
    """Give the groups their first findings, in the order of the list."""
    order = SORTS[query.sort]
    place = Window(RowNumber(), partition_by=F("value"), order_by=list(order))
    wanted = {value for group in groups for value in group.values}
    first = rows.filter(value__in=wanted).annotate(place=place).filter(place__lte=SHOWN)
    for row in laid_over(first).order_by(*order):
        row.repository = repository
        for group in groups:
            if row.value in group.values and len(group.findings) < SHOWN:
                group.findings.append(row)


def _keys(group: str, value: str) -> Sequence[str]:
    return (json.loads(value) or [""]) if group in LISTS else [value]


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
