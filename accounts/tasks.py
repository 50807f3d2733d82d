from celery import shared_task
from django.conf import settings
from django.contrib.sessions.models import Session as BrowserData
from django.utils import timezone

from accounts.models import Session
from core.forgetting import delete_in_chunks
from core.partitions import keep_months


@shared_task
def purge() -> None:
    """Forget sessions that ended or expired long ago, and what browsers kept in them."""
    now = timezone.now()
    keep_months("accounts_behaviour", key="recorded_at", now=now, months_kept=settings.BEHAVIOUR_RETENTION_MONTHS)
    delete_in_chunks(Session.objects.filter(expires_at__lt=now - settings.SESSION_RETENTION))
    delete_in_chunks(Session.objects.filter(ended_at__lt=now - settings.SESSION_RETENTION))
    delete_in_chunks(BrowserData.objects.filter(expire_date__lt=now))
