"""
What an import has made already, so that it can be stopped at any point and started again.

Every row is written in the transaction of what it stands for: nothing is made twice, nothing is lost.
`source` names the history; invoice numbers and codes mean something only within it.
"""

from django.conf import settings
from django.db import models

from catalog.models import Item
from orders.models import Order, Refund
from replay.reading import KEY_LENGTH_MAX
from wallets.models import TopUp

SOURCE_LENGTH_MAX = 60
PARTY_KEY_LENGTH_MAX = KEY_LENGTH_MAX + 20


class Party(models.Model):
    """The account that stands for a seller or a customer of the history."""

    class Role(models.TextChoices):
        SELLER = "seller"
        CUSTOMER = "customer"

    source = models.CharField(max_length=SOURCE_LENGTH_MAX)
    role = models.CharField(max_length=8, choices=Role.choices)
    key = models.CharField(max_length=PARTY_KEY_LENGTH_MAX, help_text="What the history calls them.")
    account = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name_plural = "parties"
        constraints = [models.UniqueConstraint(fields=["source", "role", "key"], name="replay_party_once")]
        indexes = [models.Index(fields=["key"], name="replay_party_by_key")]

    def __str__(self) -> str:
        return f"{self.key} of {self.source}"


class Article(models.Model):
    """The item that stands for a stock code of one seller; one per currency that it was sold in."""

    seller = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="articles", db_index=False)
    stock_code = models.CharField(max_length=KEY_LENGTH_MAX)
    currency = models.CharField(max_length=3, help_text="ISO 4217 code.")
    item = models.OneToOneField(Item, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["seller", "stock_code", "currency"], name="replay_article_once")]
        indexes = [models.Index(fields=["stock_code"], name="replay_article_by_code")]

    def __str__(self) -> str:
        return self.stock_code


class CustomerTopUp(models.Model):
    """Money that a customer brought for what the history says was bought."""

    customer = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="top_ups")
    top_up = models.OneToOneField(TopUp, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return str(self.top_up)


class Invoice(models.Model):
    """An invoice that is done: a sale with its order, or a cancellation with the refunds it came to."""

    seller = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="invoices", db_index=False)
    number = models.CharField(max_length=KEY_LENGTH_MAX)
    order = models.OneToOneField(
        Order, null=True, on_delete=models.PROTECT, related_name="+", help_text="Null for a cancellation."
    )
    refused = models.JSONField(default=list, help_text="Lines left out for lack of a sale: [[line, reason, detail]].")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["seller", "number"], name="replay_invoice_once")]
        indexes = [models.Index(fields=["number"], name="replay_invoice_by_number")]

    def __str__(self) -> str:
        return self.number


class InvoiceRefund(models.Model):
    """A refund that a cancellation came to; one for each order that it takes something back from."""

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="refunds")
    refund = models.OneToOneField(Refund, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return str(self.refund)
