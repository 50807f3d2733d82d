"""Accounts are login identities, and Django's users."""

import secrets
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Lower, Now

from core.ids import PublicIdField

REASON_LENGTH_MAX = 500  # of what operators give as a reason, for the people concerned to read
REFERRAL_CODE_LENGTH = 10
_REFERRAL_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_referral_code() -> str:
    """Return a code that is easy to read aloud: ten Crockford base-32 characters."""
    return "".join(secrets.choice(_REFERRAL_ALPHABET) for _ in range(REFERRAL_CODE_LENGTH))


class AccountManager(BaseUserManager["Account"]):
    """Makes operators for `createsuperuser`; people are made by `accounts.services.register_account`."""

    def create_superuser(self, username: str, password: str | None = None, **fields: Any) -> "Account":
        fields = {"name": username, "side": "", **fields}
        account = self.model(username=username, is_staff=True, is_superuser=True, **fields)
        account.set_password(password)
        account.save(using=self._db)
        return account

    def get_by_natural_key(self, username: str | None) -> "Account":
        return self.alias(folded=Lower("username")).get(folded=Lower(Value(username)))


class Account(AbstractBaseUser, PermissionsMixin):
    """
    One party that logs in: a person or an enterprise, buying or selling, or an operator (staff).

    One human being is often several accounts; links between accounts say so, this row does not.
    """

    class Kind(models.TextChoices):
        PERSONAL = "personal"
        ENTERPRISE = "enterprise"

    class Side(models.TextChoices):
        BUYER = "buyer"
        SELLER = "seller"

    public_id = PublicIdField("acc")
    username = models.CharField(max_length=150, unique=True)
    email = models.EmailField(blank=True, help_text="Need not be unique: one person has several accounts.")
    name = models.CharField(max_length=200, help_text="Shown to others.")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.PERSONAL)
    side = models.CharField(max_length=6, choices=Side.choices, blank=True, help_text="Empty for operators only.")
    referral_code = models.CharField(max_length=REFERRAL_CODE_LENGTH, unique=True, default=new_referral_code)
    referred_by = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Whose referral code was given at registration; what follows from it is not decided here.",
    )
    step_up = models.BooleanField(
        default=False, help_text="A fresh second factor is needed before a linked account may act as this one."
    )
    is_staff = models.BooleanField(default=False, help_text="An operator.")
    is_active = models.BooleanField(default=True)
    email_verified_at = models.DateTimeField(null=True, help_text="When the address was proven; null: not (any more).")
    closed_at = models.DateTimeField(null=True, help_text="By the house's clock; closed for good by its owner.")
    created_at = models.DateTimeField(db_default=Now())

    objects = AccountManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["email"]

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("username"), name="account_username_once"),
            models.CheckConstraint(name="account_has_a_side", condition=Q(is_staff=True) | ~Q(side="")),
        ]
        indexes = [  # The few among the many, for operators' lists.
            models.Index(fields=["-id"], name="account_operators", condition=Q(is_staff=True)),
            models.Index(fields=["-id"], name="account_inactive", condition=Q(is_active=False)),
            models.Index(Lower("email"), name="account_by_email", condition=~Q(email="")),
        ]

    def __str__(self) -> str:
        return self.username
