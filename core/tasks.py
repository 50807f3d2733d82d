from celery import shared_task
from django.conf import settings
from django.utils import timezone

from core import clock, heartbeats
from core.forgetting import delete_in_chunks
from core.models import AttemptCount, IdempotencyRecord, Job

TIMED = "timed"


@shared_task
def run_timed_transitions() -> None:
    """Once a second: close, complete, release what is due by the house's clock."""
    clock.run_due_unless_running()
    heartbeats.looked(TIMED)


@shared_task
def purge() -> None:
    """Forget old answers to idempotency keys, windows of counted attempts that are over, old jobs, workers gone."""
    now = timezone.now()
    delete_in_chunks(IdempotencyRecord.objects.filter(created_at__lt=now - settings.IDEMPOTENCY_RETENTION))
    delete_in_chunks(AttemptCount.objects.filter(window_ends_at__lt=now))
    heartbeats.forget_workers_gone()
    delete_in_chunks(Job.objects.filter(finished_at__lt=now - settings.JOB_RETENTION))
