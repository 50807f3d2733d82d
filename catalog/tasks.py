from celery import shared_task
from django.conf import settings
from django.utils import timezone

from catalog.services import sweep_pictures


@shared_task
def sweep() -> None:
    """Delete files of pictures that nobody names; by the machine's clock, as the files' times are."""
    sweep_pictures(before=timezone.now() - settings.ITEM_PICTURE_FILES_UNNAMED_MAX)
