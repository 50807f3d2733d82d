"""The inbox: what an account was told, kept until it is read and for a while after."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.ids import encode_key

PREFIX = "msg"


class Message(models.Model):
    """One account told of one event. Ids follow commits, so that whoever has read up to one has missed none before."""

    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    event_id = models.BigIntegerField(help_text="What it tells of; no foreign key, as events may be put away.")
    kind = models.CharField(max_length=40, help_text="What it says, for example `commission.accrued`.")
    data = models.JSONField(help_text="The facts, as docs/messages.md lists them: public ids, no names.")
    at = models.DateTimeField(help_text="When it happened, by the house's clock.")
    read_at = models.DateTimeField(null=True, help_text="When it was first marked as read, by the house's clock.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event_id", "account"], name="message_once")]
        indexes = [
            models.Index(fields=["account", "-id"], name="message_by_account"),
            models.Index(fields=["account", "-id"], name="message_unread", condition=Q(read_at__isnull=True)),
            models.Index(fields=["read_at"], name="message_by_reading", condition=Q(read_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"

    @property
    def public_id(self) -> str:
        return encode_key(PREFIX, self.pk)
