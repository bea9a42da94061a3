from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("dashboard", "0023_announced_endings"),
    ]

    operations = [
        migrations.AddField(
            model_name="storedreport",
            name="anatomy",
            field=models.BinaryField(default=b""),
        ),
    ]
