"""Search looks into the middle of words: on PostgreSQL an index of their trigrams finds them."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

INDEX = "finding_search"


def add(_: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        # SQLite looks through the rows, of which an instance of one machine has few.
        return
    with connection.cursor() as cursor:
        # The owner of a database may create this extension since PostgreSQL 13.
        cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        # Of millions of findings it takes longer than a page may.
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(
            f"CREATE INDEX {INDEX} ON dashboard_finding USING gin ("
            " UPPER(message::text) gin_trgm_ops,"
            " UPPER(path::text) gin_trgm_ops,"
            " UPPER(symbol::text) gin_trgm_ops"
            ") WHERE state IN ('open', 'reopened')"
        )


def remove(_: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(f"DROP INDEX {INDEX}")


class Migration(migrations.Migration):
    dependencies = [
        ("dashboard", "0028_no_audit_trigger"),
    ]

    operations = [
        migrations.RunPython(add, remove),
    ]
