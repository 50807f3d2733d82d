"""Links between accounts that two people, or one person twice, have proven to be theirs."""

from typing import Any

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Greatest, Least, Now

from accounts.models.account import REASON_LENGTH_MAX, Account
from accounts.terms import CapKind, Direction, SwitchRight, Terms
from core.errors import NotFound
from core.ids import PublicIdField


class TermsFields(models.Model):
    """What two linked accounts have agreed; `accounts.terms` says what each means."""

    mirror = models.JSONField(help_text="Kinds of behaviour that are also recorded for the other account.")
    direction = models.CharField(max_length=10, choices=Direction.choices)
    switch = models.CharField(max_length=18, choices=SwitchRight.choices)
    cap_kind = models.CharField(max_length=9, choices=CapKind.choices)
    cap_minor = models.BigIntegerField(null=True, help_text="What may be spent from the other's wallet, in all.")
    cap_currency = models.CharField(max_length=3, blank=True, help_text="ISO 4217 code.")

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                name="%(class)s_cap_whole",
                condition=Q(cap_kind=CapKind.AMOUNT, cap_minor__gt=0) & ~Q(cap_currency="")
                | Q(cap_minor=None, cap_currency="") & ~Q(cap_kind=CapKind.AMOUNT),
            ),
        ]

    @property
    def terms(self) -> Terms:
        return Terms.of_columns(self)


class Invitation(TermsFields):
    """A group of codes under the same terms; each admits one account, once."""

    public_id = PublicIdField("inv")
    inviter = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="invitations")
    created_at = models.DateTimeField(help_text="By the house's clock, as is the end.")
    expires_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    class Meta(TermsFields.Meta):
        indexes = [models.Index(fields=["inviter", "-id"], name="invitation_by_inviter")]

    def __str__(self) -> str:
        return self.public_id


class InvitationCode(models.Model):
    """One code of a group, as a keyed digest: who reads the table cannot use it."""

    invitation = models.ForeignKey(Invitation, on_delete=models.CASCADE, related_name="codes")
    digest = models.CharField(max_length=64, unique=True, help_text="HMAC of the code.")
    used_at = models.DateTimeField(null=True)
    used_by = models.ForeignKey(Account, null=True, on_delete=models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return f"a code of {self.invitation_id}"


class LinkManager(models.Manager["Link"]):
    """Links by the accounts that they join."""

    def between_anybody(self, account: Account) -> models.QuerySet["Link"]:
        """Return the living links of an account."""
        return self.filter(Q(inviter=account) | Q(invitee=account), ended_at=None)

    def ended_of(self, account: Account, public_id: str) -> "Link":
        """
        Return one link of an account that has ended.

        :raises NotFound: there is none of this id.
        """
        own = self.filter(Q(inviter=account) | Q(invitee=account), public_id=public_id)
        link = own.exclude(ended_at=None).first()
        if link is None:
            raise NotFound
        return link


class Link(TermsFields):
    """Two accounts linked, from `linked_at` until one of them ends it; what was, stays."""

    public_id = PublicIdField("lnk")
    inviter = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="links_as_inviter", db_index=False)
    invitee = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="links_as_invitee", db_index=False)
    linked_at = models.DateTimeField(help_text="By the house's clock, as is the end.")
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(Account, null=True, on_delete=models.PROTECT, related_name="+")
    end_reason = models.CharField(max_length=REASON_LENGTH_MAX, blank=True, help_text="Why an operator ended it.")
    proposed_terms: Any = models.JSONField(null=True, help_text="Other terms, in force once both agree.")
    proposed_by = models.ForeignKey(Account, null=True, on_delete=models.PROTECT, related_name="+")

    objects = LinkManager()

    class Meta(TermsFields.Meta):
        constraints = [
            *TermsFields.Meta.constraints,
            models.UniqueConstraint(
                Least("inviter", "invitee"),
                Greatest("inviter", "invitee"),
                name="link_once",
                condition=Q(ended_at=None),
            ),
            models.CheckConstraint(name="link_between_two", condition=~Q(inviter=F("invitee"))),
        ]
        indexes = [
            models.Index(fields=["inviter", "-id"], name="link_by_inviter"),
            models.Index(fields=["invitee", "-id"], name="link_by_invitee"),
        ]

    def __str__(self) -> str:
        return self.public_id

    def other(self, account: Account) -> Account:
        """Return the account that this one is linked with."""
        return self.invitee if account.pk == self.inviter_id else self.inviter


class LinkSpending(models.Model):
    """What has been paid from one side's wallet by the other's login, less what refunds gave back."""

    link = models.ForeignKey(Link, on_delete=models.PROTECT, related_name="spendings")
    owner = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", help_text="Whose wallet.")
    currency = models.CharField(max_length=3, help_text="ISO 4217 code.")
    spent_minor = models.BigIntegerField()
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["link", "owner", "currency"], name="link_spending_once"),
            models.CheckConstraint(name="link_spending_not_negative", condition=Q(spent_minor__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.spent_minor} {self.currency}"
