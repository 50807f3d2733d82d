"""The outbox: what happened, and which consumer has yet to hear it."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.ids import encode_key

KEY_LENGTH_MAX = 160
SUBJECT_LENGTH_MAX = 64


class EventRecord(models.Model):
    """Something that happened; written once (trigger), with its deliveries, in the transaction of its cause."""

    type = models.CharField(max_length=80, help_text="For example `order.paid`.")
    key = models.CharField(max_length=KEY_LENGTH_MAX, help_text="What makes this event the same event again.")
    subject = models.CharField(max_length=SUBJECT_LENGTH_MAX, help_text="Deliveries keep their order within it.")
    payload = models.JSONField(help_text="The published facts, as docs/events.md lists them.")
    occurred_at = models.DateTimeField(help_text="When it happened, by the house's clock.")
    recorded_at = models.DateTimeField(db_default=Now(), help_text="When it was recorded, by the database's clock.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key"], name="event_key_once")]
        indexes = [
            models.Index(fields=["subject", "id"], name="event_by_subject"),
            models.Index(fields=["type", "occurred_at"], name="event_by_type"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.public_id}"

    @property
    def public_id(self) -> str:
        return encode_key("evt", self.id)


class Delivery(models.Model):
    """An event that one consumer has yet to hear; deleted in the transaction of what the consumer does."""

    consumer = models.CharField(max_length=40)
    event_id = models.BigIntegerField(help_text="No foreign key: it would be checked for every event booked.")
    subject = models.CharField(max_length=SUBJECT_LENGTH_MAX, help_text="The event's.")
    attempts = models.SmallIntegerField(db_default=0, help_text="How often a transient error put it back.")
    not_before = models.DateTimeField(null=True, help_text="Backing off until then, by the database's clock.")
    parked_at = models.DateTimeField(null=True, help_text="Its own data makes it impossible; waits for a retry.")
    retried_at = models.DateTimeField(null=True, help_text="When it was last put back by hand, by the house's clock.")
    error_code = models.CharField(max_length=60, db_default="")
    error_detail = models.TextField(db_default="")

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [models.UniqueConstraint(fields=["consumer", "event_id"], name="delivery_once")]
        indexes = [
            models.Index(fields=["consumer", "subject", "event_id"], name="delivery_in_subject"),
            models.Index(
                fields=["consumer", "event_id"],
                name="delivery_held_up",
                condition=Q(parked_at__isnull=False) | Q(not_before__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.consumer} ← {encode_key('evt', self.event_id)}"
