"""The index of findings by path holds its beginning: an entry has no room for 1,100 characters."""

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

import dashboard.models.finding


def take_time(_: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        # Of millions of findings it takes longer than a page may.
        schema_editor.execute("SET LOCAL statement_timeout = 0")


class Migration(migrations.Migration):
    dependencies = [
        ("dashboard", "0032_forecast_basis"),
    ]

    operations = [
        migrations.RunPython(take_time, migrations.RunPython.noop),
        migrations.RemoveIndex(model_name="finding", name="finding_path"),
        migrations.AddIndex(
            model_name="finding",
            index=models.Index(
                models.F("repository"),
                dashboard.models.finding.PathHead("path"),
                name="finding_path",
            ),
        ),
    ]
