"""A session says who logged in and who acts."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models.account import REASON_LENGTH_MAX, Account
from core.ids import PublicIdField


class Session(models.Model):
    """
    One log-in of a browser or an API client, marked with who logged in and who acts.

    The credential itself is never kept, only its digest. Switching replaces the digest.

    Where an operator stands in for a customer, the operator is who logged in and the customer is who acts:
    such a session has a reason, and ends with the operator's own one that it was opened in.
    """

    public_id = PublicIdField("ses")
    login_account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="login_sessions")
    acting_account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="acting_sessions")
    token_digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the credential.")
    device = models.CharField(max_length=200, blank=True, help_text="What the client calls itself.")
    created_at = models.DateTimeField(db_default=Now())
    last_seen_at = models.DateTimeField(db_default=Now(), help_text="To the nearest few minutes.")
    expires_at = models.DateTimeField(help_text="Machine time.")
    second_factor_at = models.DateTimeField(null=True, help_text="When the login account last showed its factor.")
    ended_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=REASON_LENGTH_MAX, blank=True, help_text="Why an operator stands in.")
    opened_in = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="+", help_text="The operator's own."
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="session_stands_in_for_another",
                condition=Q(reason="", opened_in=None)
                | ~Q(reason="") & Q(opened_in__isnull=False) & ~Q(login_account=F("acting_account")),
            )
        ]
        indexes = [models.Index(fields=["login_account", "-id"], name="session_by_login")]

    def __str__(self) -> str:
        return self.public_id

    @property
    def stands_in(self) -> bool:
        """Whether an operator acts as a customer in it."""
        return self.reason != ""
