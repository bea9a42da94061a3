"""Whom the open findings of a repository name as owners, and an index of authors."""

from collections import defaultdict

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models.functions import Lower


def name_owners(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Note on each repository whom its open findings name."""
    alias = schema_editor.connection.alias
    findings = apps.get_model("dashboard", "Finding").objects.using(alias)
    repositories = apps.get_model("dashboard", "Repository").objects.using(alias)
    found = defaultdict(set)
    rows = findings.filter(state__in=["open", "reopened"]).order_by()
    for repository, names in rows.values_list("repository_id", "owners").distinct():
        found[repository].update(name.lower() for name in names)
    for repository, small in found.items():
        if small:
            repositories.filter(pk=repository).update(owners=sorted(small))


class Migration(migrations.Migration):
    dependencies = [
        ("dashboard", "0034_finding_causes"),
    ]

    operations = [
        migrations.AddField(
            model_name="repository",
            name="owners",
            field=models.JSONField(
                default=list, help_text="in small letters, whom its open findings name as owners"
            ),
        ),
        migrations.AddIndex(
            model_name="findingevent",
            index=models.Index(
                Lower("author"),
                condition=models.Q(("author", ""), _negated=True),
                name="finding_event_author",
            ),
        ),
        migrations.RunPython(name_owners, migrations.RunPython.noop, elidable=True),
    ]
