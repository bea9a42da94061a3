from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("dashboard", "0003_page_sources_and_probes")]
    operations = [
        migrations.RenameField("attestation", "clause_number", "topic"),
        migrations.AlterField("attestation", "topic", models.CharField(max_length=80)),
        migrations.RemoveField("attestation", "standard_slug"),
    ]
