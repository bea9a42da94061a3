"""Lists that a person looks at again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models.functions import Now

from dashboard.models.people import User

if TYPE_CHECKING:
    from dashboard.models.people import Reader


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    """Saved views, which nobody but their owner sees."""

    def visible_to(self, reader: Reader) -> Self:
        """Return the reader's own."""
        return self.filter(user=reader) if isinstance(reader, User) else self.none()


class SavedView(models.Model):
    """A name for a query string of the findings list, of whichever repository."""

    user = models.ForeignKey(User, models.DB_CASCADE, related_name="saved_views")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=2000, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["user", "name"], name="saved_view_once"),
        ]
