"""What brought a finding beside code, and what closed it."""

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def name_attested(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Say of findings that a lead's word closed that it did, and take commits off such findings."""
    events = apps.get_model("dashboard", "FindingEvent").objects.using(
        schema_editor.connection.alias
    )
    findings = apps.get_model("dashboard", "Finding").objects.using(schema_editor.connection.alias)
    attested = findings.filter(check_id="lead-attestation")
    nobody = {"commit": "", "author": "", "committed_at": None, "at_least": False}
    words = events.filter(finding__in=attested)
    words.filter(kind="fixed").update(kind="attested", **nobody)
    words.filter(kind__in=["opened", "reopened"]).update(**nobody)
    attested.update(since=None)
    closed = events.filter(kind="attested").values("finding")
    attested.filter(state="fixed", pk__in=closed).update(ended="attested")


class Migration(migrations.Migration):
    dependencies = [
        ("dashboard", "0033_finding_path"),
    ]

    operations = [
        migrations.AddField(
            model_name="finding",
            name="ended",
            field=models.CharField(
                blank=True,
                choices=[
                    ("opened", "Opened"),
                    ("fixed", "Fixed by code"),
                    ("attested", "Attested by a lead"),
                    ("with-time", "Gone with time"),
                    ("reopened", "Reopened"),
                    ("suppressed", "Suppressed in the code"),
                    ("unsuppressed", "No longer suppressed in the code"),
                    ("rule-gone", "Gone because the rules changed"),
                    ("waived", "Waived"),
                    ("unwaived", "No longer waived"),
                    ("out-of-scope", "Gone because the file left the scope"),
                ],
                max_length=14,
            ),
        ),
        migrations.AddField(
            model_name="findingevent",
            name="cause",
            field=models.CharField(
                blank=True,
                choices=[
                    ("time", "with time"),
                    ("word", "because the word of a lead counts no longer"),
                    ("rules", "with the rules"),
                ],
                max_length=5,
            ),
        ),
        migrations.AlterField(
            model_name="findingevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("opened", "Opened"),
                    ("fixed", "Fixed by code"),
                    ("attested", "Attested by a lead"),
                    ("with-time", "Gone with time"),
                    ("reopened", "Reopened"),
                    ("suppressed", "Suppressed in the code"),
                    ("unsuppressed", "No longer suppressed in the code"),
                    ("rule-gone", "Gone because the rules changed"),
                    ("waived", "Waived"),
                    ("unwaived", "No longer waived"),
                    ("out-of-scope", "Gone because the file left the scope"),
                ],
                max_length=14,
            ),
        ),
        migrations.RunPython(name_attested, migrations.RunPython.noop, elidable=True),
    ]
