from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.contrib.sessions.models import Session as BrowserData
from django.db import connection
from django.utils import timezone
from post_office.mail import send_queued
from post_office.utils import cleanup_expired_mails

from accounts.models import Session
from core.forgetting import delete_in_chunks
from core.partitions import keep_months

_MAIL_LOCK = 0x4D41494C  # "MAIL"


@shared_task
def send_mails() -> None:
    """
    Send the mails that wait, one worker at a time; one that fails is tried again later, so often.

    A worker that dies between sending and noting it sends again: a mail may come twice, and is never lost.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_MAIL_LOCK])
        if not cursor.fetchone()[0]:
            return
        try:
            while send_queued()[0]:
                pass
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_MAIL_LOCK])


@shared_task
def purge() -> None:
    """Forget sessions that ended or expired long ago, and what browsers kept in them."""
    now = timezone.now()
    keep_months("accounts_behaviour", key="recorded_at", now=now, months_kept=settings.BEHAVIOUR_RETENTION_MONTHS)
    delete_in_chunks(Session.objects.filter(expires_at__lt=now - settings.SESSION_RETENTION))
    delete_in_chunks(Session.objects.filter(ended_at__lt=now - settings.SESSION_RETENTION))
    cleanup_expired_mails(now - timedelta(days=settings.MAIL_RETENTION_DAYS))
    delete_in_chunks(BrowserData.objects.filter(expire_date__lt=now))
