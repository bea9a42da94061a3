"""Rows by the hundred thousand: COPY on PostgreSQL, plain inserts on SQLite."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.db import connection, models
from django.db.models.expressions import DatabaseDefault
from django.utils import timezone

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Table:
    """The table of a model, as rows of values in the order of its columns.

    A row that is like another but for some columns is made of its values: that costs a tenth of
    what an instance costs.
    """

    def __init__(self, model: type[models.Model]) -> None:
        self._model = model
        self._fields = [each for each in model._meta.concrete_fields if not each.generated]
        self._at = {each.attname: at for at, each in enumerate(self._fields)}
        quote = connection.ops.quote_name
        columns = ", ".join(quote(str(each.column)) for each in self._fields)
        self._target = f"{quote(model._meta.db_table)} ({columns})"

    def values(self, row: models.Model) -> list[Any]:
        """Return the values of an instance that is not stored yet."""
        return [self._kept(each, getattr(row, each.attname)) for each in self._fields]

    def like(self, values: Sequence[Any], **changes: Any) -> list[Any]:
        """Return a copy of some values with other ones in the columns that are named."""
        found = list(values)
        for name, value in changes.items():
            at = self._at[name]
            found[at] = self._kept(self._fields[at], value)
        return found

    def reserve(self, count: int) -> Sequence[int]:
        """Return so many ascending keys that nobody else is given, whoever writes beside.

        Where others write they need not follow each other: only what the sequence hands out one by
        one is nobody else's.
        """
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                names = [connection.ops.quote_name(self._model._meta.db_table), "id"]
                cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", names)
                sequence = cursor.fetchone()[0]
                words = [sequence, count]
                cursor.execute("SELECT nextval(%s) FROM generate_series(1, %s)", words)
                return [int(key) for (key,) in cursor.fetchall()]
        # SQLite has one writer: within a transaction the highest key stays the highest.
        last = self._model._default_manager.aggregate(last=models.Max("pk"))["last"] or 0
        return range(last + 1, last + 1 + count)

    def write(self, rows: Iterable[list[Any]], keys: Sequence[int] | None = None) -> Sequence[int]:
        """Store rows of values and return their keys.

        Args:
            rows: They are given their keys.
            keys: Those that were reserved for them, where they name each other.
        """
        kept = list(rows)
        if not kept:
            return ()
        given = self.reserve(len(kept)) if keys is None else keys
        for row, key in zip(kept, given, strict=True):
            row[self._at["id"]] = key
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                with cursor.copy(f"COPY {self._target} FROM STDIN") as copy:
                    for row in kept:
                        copy.write_row(row)
            else:
                places = ", ".join(["%s"] * len(self._fields))
                words = ["INSERT INTO", self._target, "VALUES", f"({places})"]
                cursor.executemany(" ".join(words), kept)
        return given

    @staticmethod
    def _kept(field: models.Field[Any, Any], value: Any) -> Any:
        if isinstance(value, DatabaseDefault):
            # Now() is the only default that the database gives.
            value = timezone.now()
        if isinstance(field, models.JSONField):
            return None if value is None else json.dumps(value)
        return field.get_db_prep_save(value, connection)
