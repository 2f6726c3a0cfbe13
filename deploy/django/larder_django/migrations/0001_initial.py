from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Eviction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tags", models.TextField()),
                ("created", models.DateTimeField(db_index=True)),
            ],
            options={"verbose_name": "pending eviction", "ordering": ["id"]},
        ),
    ]
