from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sharing", "0004_attributions")]

    operations = [
        migrations.AddIndex(
            model_name="shareprogram",
            index=models.Index(
                fields=["-id"], name="share_program_ended", condition=models.Q(("ended_at__isnull", False))
            ),
        ),
    ]
