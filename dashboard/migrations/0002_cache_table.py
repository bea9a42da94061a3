"""The table behind Django's cache, in which sign-in throttling counts."""

from typing import Any

from django.core.management import call_command
from django.db import migrations


def create(_apps: Any, schema_editor: Any) -> None:
    """Create the table; one that stands is left alone."""
    call_command("createcachetable", database=schema_editor.connection.alias, verbosity=0)


class Migration(migrations.Migration):
    """Runs Django's own command, so the table is what its cache expects."""

    dependencies = [("dashboard", "0001_initial")]
    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
