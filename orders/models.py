"""What was ordered, from whom, for how much; refunds are amounts beside the state."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.ids import PublicIdField


class Checkout(models.Model):
    """What one buyer places in one go: one order per seller, all in one currency."""

    public_id = PublicIdField("chk")
    buyer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="checkouts")
    login_account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    total_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    placed_at = models.DateTimeField(help_text="By the house's clock.")

    def __str__(self) -> str:
        return self.public_id


class Order(models.Model):
    """
    One sale of one seller to one buyer. `orders.transitions` is the table of its states.

    `buyer` ordered, `payer` is whose wallet paid and gets refunds; both with the login behind them.
    """

    class Status(models.TextChoices):
        PENDING = "pending"
        PAID = "paid"
        FULFILLED = "fulfilled"
        COMPLETED = "completed"
        CANCELLED = "cancelled"
        CLOSED = "closed"

    class Channel(models.TextChoices):
        ONLINE = "online"
        STORE = "store"

    public_id = PublicIdField("ord")
    trade_no = models.CharField(max_length=32, unique=True, help_text="Unguessable; named by payment requests.")
    checkout = models.ForeignKey(Checkout, null=True, on_delete=models.PROTECT, related_name="orders")
    channel = models.CharField(max_length=6, choices=Channel.choices, default=Channel.ONLINE)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.PENDING)
    buyer = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="orders")
    seller = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="sales")
    placed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    payer = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    paid_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    currency = models.CharField(max_length=3)
    total_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField(help_text="The platform's part, fixed at placing.")
    paid_minor = models.BigIntegerField(default=0)
    refunded_minor = models.BigIntegerField(default=0)
    placed_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True)
    fulfilled_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True, help_text="When it was cancelled or closed.")
    next_transition_at = models.DateTimeField(null=True, help_text="When time alone moves it on; by the house's clock.")

    class Meta:
        constraints = [
            models.CheckConstraint(name="order_total_positive", condition=Q(total_minor__gt=0)),
            models.CheckConstraint(
                name="order_fee_within_total", condition=Q(fee_minor__gte=0) & Q(fee_minor__lte=F("total_minor"))
            ),
            models.CheckConstraint(
                name="order_refund_within_paid",
                condition=Q(refunded_minor__gte=0) & Q(refunded_minor__lte=F("paid_minor")),
            ),
            models.CheckConstraint(name="order_paid_exactly", condition=Q(paid_minor=0) | Q(paid_minor=F("total_minor"))),
        ]
        indexes = [
            models.Index(fields=["buyer", "-id"], name="order_by_buyer"),
            models.Index(fields=["seller", "-id"], name="order_by_seller"),
            models.Index(
                fields=["next_transition_at", "id"], name="order_due", condition=Q(next_transition_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.public_id


class OrderLine(models.Model):
    """One item of an order at its price; the platform's fee is fixed here at placing."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="lines")
    item = models.ForeignKey("catalog.Item", null=True, on_delete=models.PROTECT, related_name="+")
    title = models.CharField(max_length=200, help_text="The item's title, or what the till typed.")
    quantity = models.PositiveIntegerField()
    unit_minor = models.BigIntegerField()
    amount_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField()
    fee_rule = models.CharField(max_length=120, blank=True, help_text="Which rule of which fee schedule.")
    refunded_minor = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(name="line_amount_exact", condition=Q(amount_minor=F("quantity") * F("unit_minor"))),
            models.CheckConstraint(name="line_positive", condition=Q(amount_minor__gt=0)),
            models.CheckConstraint(
                name="line_refund_within_amount",
                condition=Q(refunded_minor__gte=0) & Q(refunded_minor__lte=F("amount_minor")),
            ),
            models.CheckConstraint(
                name="line_fee_within_amount", condition=Q(fee_minor__gte=0) & Q(fee_minor__lte=F("amount_minor"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.title}"


class Refund(models.Model):
    """Money back to the payer, by lines or by amount; each is final when it is written."""

    public_id = PublicIdField("rfd")
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="refunds")
    amount_minor = models.BigIntegerField()
    reason = models.CharField(max_length=500)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    login_account = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    refunded_at = models.DateTimeField(help_text="By the house's clock.")
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.CheckConstraint(name="refund_positive", condition=Q(amount_minor__gt=0))]
        indexes = [models.Index(fields=["order", "-id"], name="refund_by_order")]

    def __str__(self) -> str:
        return self.public_id


class RefundLine(models.Model):
    """What of a refund fell on which line, and whether the goods went back on the shelf."""

    refund = models.ForeignKey(Refund, on_delete=models.PROTECT, related_name="lines")
    line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="refund_lines")
    amount_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField(help_text="The platform's part of it, given back.")
    restocked = models.PositiveIntegerField(default=0, help_text="Units put back into stock.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["refund", "line"], name="refund_line_once"),
            models.CheckConstraint(name="refund_line_positive", condition=Q(amount_minor__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor} of line {self.line_id}"
