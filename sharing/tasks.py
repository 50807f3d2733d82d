from celery import shared_task
from django.conf import settings
from django.utils import timezone

from core.partitions import keep_months
from sharing.services import counting


@shared_task
def count_scans() -> None:
    """Count what was scanned since the last time, for the reports."""
    counting.count_scans()


@shared_task
def keep_scan_months() -> None:
    """Make the months to come, and forget scans that are older than we keep them; they have been counted."""
    counting.count_scans()
    keep_months("sharing_scan", key="recorded_at", now=timezone.now(), months_kept=settings.SCAN_RETENTION_MONTHS)
