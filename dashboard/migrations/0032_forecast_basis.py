from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("dashboard", "0031_waiver_component"),
    ]

    operations = [
        migrations.AddField(
            model_name="forecast",
            name="basis",
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name="forecast",
            name="moved",
            field=models.JSONField(default=list),
        ),
    ]
