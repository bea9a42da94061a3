"""Views of the findings list that a person keeps under a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import QueryDict

from dashboard.models import SavedView
from dashboard.services.findings import FindingQuery
from dashboard.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dashboard.models import User

MOST = 30
NAME_LENGTH = 60
QUERY_LENGTH = 2000


class SavedViewError(Exception):
    """The view is not kept. The text is one sentence for a person."""


def read_query(text: str) -> FindingQuery:
    """Read a query string that a form sent, or that was kept."""
    return FindingQuery.read(QueryDict(text[:QUERY_LENGTH]).dict())


def save(owner: User, name: str, query: str) -> SavedView:
    """Keep a query string under a name; the same name again replaces what it stood for.

    Raises:
        SavedViewError: The name is empty, or there are too many.
    """
    name = clean(name.strip(), NAME_LENGTH)
    if not name:
        raise SavedViewError("Give the view a name.")
    others = SavedView.objects.visible_to(owner).exclude(name=name)
    if others.count() >= MOST:
        raise SavedViewError(f"There are {MOST} views already; take one away first.")
    text = read_query(query).address()[1:]
    if len(text) > QUERY_LENGTH:
        raise SavedViewError("These filters are too long to be kept.")
    row, _ = SavedView.objects.update_or_create(user=owner, name=name, defaults={"query": text})
    return row


def saved(reader: User) -> Sequence[SavedView]:
    """Return the reader's views by name."""
    return list(SavedView.objects.visible_to(reader))
