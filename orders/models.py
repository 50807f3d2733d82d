"""What was ordered, from whom, for how much; refunds are amounts beside the state."""

import secrets
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import Account
from core.errors import NotFound
from core.ids import PublicIdField, decode_key, encode_key
from core.prepared import Columns, Prepared, update
from orders.cart.models import Cart, CartLine
from orders.counter import models as counter_models  # noqa: F401 - Django finds the counter's tables here

__all__ = [
    "Cart",
    "CartLine",
    "Checkout",
    "Order",
    "OrderLine",
    "ProviderPayment",
    "Refund",
    "RefundLine",
    "RefundRequest",
]

_TRADE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # 32, of which a byte is a multiple: none is likelier.
_TRADE_NO_LENGTH = 26  # 130 random bits.


def new_trade_no() -> str:
    """Return a number that nobody can guess, not even from the one before."""
    return "".join(_TRADE_ALPHABET[byte % len(_TRADE_ALPHABET)] for byte in secrets.token_bytes(_TRADE_NO_LENGTH))


class Checkout(models.Model):
    """What one buyer places in one go: one order per seller, all in one currency."""

    public_id = PublicIdField("chk")
    buyer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="checkouts")
    login_account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    total_minor = models.BigIntegerField(help_text="Of all its orders, as placed.")
    currency = models.CharField(max_length=3, help_text="ISO 4217 code.")
    placed_at = models.DateTimeField(help_text="By the house's clock.")

    class Meta:
        constraints = [models.CheckConstraint(name="checkout_total_positive", condition=Q(total_minor__gt=0))]

    def __str__(self) -> str:
        return self.public_id


class OrderManager(models.Manager["Order"]):
    """Orders are locked before they are looked at; items come before them, wallets after."""

    def lock(self, public_id: str, *, buyer: Account | None = None, seller: Account | None = None) -> "Order":
        """
        Lock one order with its parties at hand, in one statement; `buyer`, `seller`: only if it is theirs.

        :raises NotFound: there is none of this id and owner.
        """
        found = _LOCK.row(public_id=public_id, buyer=buyer and buyer.pk, seller=seller and seller.pk)
        if found is None:
            raise NotFound
        values = iter(found)
        order = _ORDER.take(values)
        for name, columns in _JOINED.items():
            joined = columns.take(values)
            if joined.pk == getattr(order, f"{name}_id"):  # Else it was joined before this waited for a payment.
                setattr(order, name, joined if joined.pk is not None else None)
        return order

    def lock_trade(self, trade_no: str, **whose: object) -> "Order":
        """
        Lock the order of a trade at the counter.

        :raises NotFound: there is none of this number.
        """
        try:
            order = self._locking().get(trade_no=trade_no, channel="store", **whose)
        except self.model.DoesNotExist:
            raise NotFound from None
        if order.buyer_id is not None and order.buyer is None:
            # Whoever waited for a payment at the counter joined the buyer before there was one.
            order._state.fields_cache.pop("buyer")
        return order

    def lock_checkout(self, public_id: str, **whose: object) -> list["Order"]:
        """
        Lock a checkout's orders by id.

        :raises NotFound: there is no checkout of this id and owner.
        """
        orders = list(self._locking().filter(checkout__public_id=public_id, **whose).order_by("id"))
        if not orders:
            raise NotFound
        return orders

    def _locking(self) -> models.QuerySet["Order"]:
        # Not the payer: who waits for a payment's lock goes on with the row it left, but with what was joined before.
        parties = self.select_related("buyer", "seller", "checkout")
        return parties.select_for_update(no_key=True, of=("self",))


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
    trade_no = models.CharField(
        max_length=32, default=new_trade_no, editable=False, help_text="Unguessable; named by payment requests."
    )
    checkout = models.ForeignKey(Checkout, null=True, on_delete=models.PROTECT, related_name="orders")
    channel = models.CharField(max_length=6, choices=Channel.choices, default=Channel.ONLINE)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.PENDING)
    buyer = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="orders", db_index=False
    )
    seller = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="sales", db_index=False)
    placed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="Who logged in to order.",
    )
    payer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="Whose wallet paid, and gets refunds.",
    )
    paid_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="Who logged in to pay.",
    )
    paid_through = models.ForeignKey(
        "accounts.Link",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="The link whose cap the payment counts against; null where the wallet's owner logged in.",
    )
    provider = models.CharField(max_length=40, blank=True, help_text="Which provider charged what the wallet lacked.")
    store = models.CharField(
        max_length=32, blank=True, help_text="At the counter, for the rules, like the next two: the store's public id."
    )
    terminal = models.CharField(max_length=32, blank=True, help_text="The till's public id.")
    institution = models.CharField(
        max_length=80, blank=True, help_text="Whose till it is, or the provider of the identity that paid."
    )
    currency = models.CharField(max_length=3, help_text="ISO 4217 code.")
    total_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField(help_text="The platform's part of the total, fixed at placing.")
    paid_minor = models.BigIntegerField(default=0)
    refunded_minor = models.BigIntegerField(default=0)
    fee_refunded_minor = models.BigIntegerField(default=0, help_text="What refunds took back of the fee.")
    placed_at = models.DateTimeField(help_text="By the house's clock, as are all times of an order.")
    paid_at = models.DateTimeField(null=True)
    fulfilled_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True, help_text="When it was cancelled or closed.")
    next_transition_at = models.DateTimeField(null=True, help_text="When time alone moves it on.")

    objects = OrderManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["trade_no"], name="order_trade_no_once"),
            models.CheckConstraint(name="order_total_positive", condition=Q(total_minor__gt=0)),
            models.CheckConstraint(
                name="order_fee_within_total", condition=Q(fee_minor__gte=0) & Q(fee_minor__lte=F("total_minor"))
            ),
            models.CheckConstraint(
                name="order_paid_as_its_state",
                condition=Q(status__in=["pending", "closed"], paid_minor=0, payer=None, paid_at=None)
                | Q(
                    status__in=["paid", "fulfilled", "completed", "cancelled"],
                    paid_minor=F("total_minor"),
                    payer__isnull=False,
                    paid_at__isnull=False,
                )
                | Q(status="cancelled", paid_minor=0, payer=None, paid_at=None),
            ),
            models.CheckConstraint(
                name="order_refund_within_paid",
                condition=Q(refunded_minor__gte=0) & Q(refunded_minor__lte=F("paid_minor")),
            ),
            models.CheckConstraint(
                name="order_refund_within_parts",
                condition=Q(fee_refunded_minor__gte=0)
                & Q(fee_refunded_minor__lte=F("fee_minor"))
                & Q(refunded_minor__gte=F("fee_refunded_minor"))
                & Q(refunded_minor__lte=F("fee_refunded_minor") + F("total_minor") - F("fee_minor")),
            ),
        ]
        indexes = [
            models.Index(fields=["buyer", "-id"], name="order_by_buyer"),
            models.Index(fields=["seller", "-id"], name="order_by_seller"),
            models.Index(fields=["seller", "status", "-id"], name="order_by_seller_status"),
            models.Index(fields=["seller", "paid_at"], name="order_by_seller_paid", condition=Q(paid_at__isnull=False)),
            models.Index(
                fields=["status", "-id"],
                name="order_by_rare_status",
                condition=Q(status__in=["pending", "paid", "fulfilled", "cancelled", "closed"]),
            ),
            models.Index(fields=["-id"], name="order_at_counter", condition=Q(channel="store")),
            models.Index(
                fields=["status", "-id"],
                name="order_at_counter_unpaid",
                condition=Q(channel="store", status__in=["pending", "cancelled", "closed"]),
            ),
            models.Index(
                fields=["-id"],
                name="order_at_counter_refunded",
                condition=Q(channel="store", paid_minor__gt=0, refunded_minor=F("paid_minor")),
            ),
            models.Index(
                fields=["-id"], name="order_at_counter_provider", condition=Q(channel="store") & ~Q(provider="")
            ),
            models.Index(fields=["store", "placed_at"], name="order_by_store", condition=Q(channel="store")),
            models.Index(fields=["placed_at"], name="order_at_counter_by_time", condition=Q(channel="store")),
            models.Index(
                fields=["next_transition_at", "id"], name="order_due", condition=Q(next_transition_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def refundable_minor(self) -> int:
        """What is paid and not yet given back."""
        return self.paid_minor - self.refunded_minor

    def keep(self, *fields: str) -> None:
        """Write these fields; of an order that is still being made all is written together, by whoever makes it."""
        if not self._state.adding:
            update(self, *fields)


_ORDER = Columns(Order, "o")
_JOINED: dict[str, Columns[Any]] = {
    "buyer": Columns(Account, "b"),
    "seller": Columns(Account, "s"),
    "checkout": Columns(Checkout, "c"),
}
_LOCK = Prepared(
    "lock_order",
    f"""
    SELECT {_ORDER}, {", ".join(map(str, _JOINED.values()))} FROM orders_order o
    JOIN accounts_account s ON s.id = o.seller_id
    LEFT JOIN accounts_account b ON b.id = o.buyer_id LEFT JOIN orders_checkout c ON c.id = o.checkout_id
    WHERE o.public_id = %(public_id)s AND (%(buyer)s::bigint IS NULL OR o.buyer_id = %(buyer)s)
      AND (%(seller)s::bigint IS NULL OR o.seller_id = %(seller)s)
    FOR NO KEY UPDATE OF o
    """,  # noqa: S608 - names of columns
)


class OrderLine(models.Model):
    """One item of an order at its price; the platform's fee is fixed here at placing."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="lines")
    item = models.ForeignKey("catalog.Item", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    store = models.ForeignKey(
        "catalog.Store",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,  # Checking it would lock the store for every line that it sells.
        help_text="Where it is sold: the till's store, or the item's when it was ordered.",
    )
    title = models.CharField(max_length=200, help_text="The item's title, or what the till typed.")
    quantity = models.PositiveIntegerField()
    unit_minor = models.BigIntegerField(help_text="Price of one, in minor units of the order's currency.")
    amount_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField(help_text="The platform's part of the amount.")
    fee_rule = models.CharField(max_length=120, blank=True, help_text="Which rule of which fee schedule.")
    share_terms = models.JSONField(
        null=True, help_text="{share, sharer, program, version, rate_bps or amount, charge}: who brought the customer."
    )
    refunded_minor = models.BigIntegerField(default=0)
    stock_taken = models.PositiveIntegerField(default=0, help_text="Units taken from stock; none where unlimited.")
    restocked = models.PositiveIntegerField(default=0, help_text="Units put back by refunds, cancelling or closing.")

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
            models.CheckConstraint(
                name="line_restocked_within_quantity",
                condition=Q(stock_taken__lte=F("quantity")) & Q(restocked__lte=F("quantity")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.title}"

    @property
    def public_id(self) -> str:
        return self.public_id_of(self.id)

    @staticmethod
    def public_id_of(key: int) -> str:
        return encode_key("lin", key)

    @staticmethod
    def key_of(public_id: str) -> int | None:
        """The key in a line's public id, None where it is no such id."""
        return decode_key("lin", public_id)

    @property
    def refundable_minor(self) -> int:
        return self.amount_minor - self.refunded_minor


class ProviderPayment(models.Model):
    """
    A payment of an order, or of a whole checkout, whose missing sum comes from a provider.

    The sum is charged and booked as a top-up of the payer's wallet; after that a consumer pays from the
    wallet. If that cannot be done any more, the money stays there. A payment whose top-up has failed has
    failed, whatever its own state says.
    """

    class Status(models.TextChoices):
        IN_PROGRESS = "in_progress"
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    public_id = PublicIdField("pay")
    order = models.ForeignKey(Order, null=True, on_delete=models.PROTECT, related_name="provider_payments")
    checkout = models.ForeignKey(Checkout, null=True, on_delete=models.PROTECT, related_name="provider_payments")
    top_up = models.OneToOneField(
        "wallets.TopUp",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The missing sum; null where the wallet had it all.",
    )
    provider = models.CharField(max_length=40)
    payer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    buyer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    login_account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    amount_minor = models.BigIntegerField(help_text="What is to be paid, in minor units.")
    currency = models.CharField(max_length=3, help_text="ISO 4217 code.")
    status = models.CharField(max_length=11, choices=Status.choices, default=Status.IN_PROGRESS)
    failure = models.CharField(max_length=60, blank=True, help_text="The code of what refused the payment.")
    requested_at = models.DateTimeField(help_text="By the house's clock.")
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="provider_payment_of_one",
                condition=Q(order__isnull=False, checkout=None) | Q(order=None, checkout__isnull=False),
            ),
            models.CheckConstraint(name="provider_payment_positive", condition=Q(amount_minor__gt=0)),
        ]
        indexes = [
            models.Index(fields=["-id"], name="provider_payment_unfinished", condition=Q(status="in_progress")),
            models.Index(fields=["-id"], name="provider_payment_failed", condition=Q(status="failed")),
        ]

    def __str__(self) -> str:
        return self.public_id


class Refund(models.Model):
    """Money back to the payer, by lines or by amount; written once (trigger) and final."""

    public_id = PublicIdField("rfd")
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="refunds", db_index=False)
    amount_minor = models.BigIntegerField(help_text="In minor units of the order's currency.")
    reason = models.CharField(max_length=500)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    login_account = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    refunded_at = models.DateTimeField(help_text="By the house's clock.")
    recorded_at = models.DateTimeField(db_default=Now(), help_text="By the database's clock.")

    class Meta:
        constraints = [models.CheckConstraint(name="refund_positive", condition=Q(amount_minor__gt=0))]
        indexes = [models.Index(fields=["order", "-id"], name="refund_by_order")]

    def __str__(self) -> str:
        return self.public_id


class RefundLine(models.Model):
    """What of a refund fell on which line, and whether the goods went back on the shelf; written once (trigger)."""

    refund = models.ForeignKey(Refund, on_delete=models.PROTECT, related_name="lines", db_index=False)
    line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="refund_lines")
    amount_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField(help_text="The platform's part of it, given back.")
    restocked = models.PositiveIntegerField(default=0, help_text="Units put back into stock.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["refund", "line"], name="refund_line_once"),
            models.CheckConstraint(
                name="refund_line_positive",
                condition=Q(amount_minor__gt=0) & Q(fee_minor__gte=0) & Q(fee_minor__lte=F("amount_minor")),
            ),
        ]

    def __str__(self) -> str:
        return f"of line {OrderLine.public_id_of(self.line_id)}"


class RefundRequest(models.Model):
    """A buyer asks for money back; the seller answers, or after a time limit an operator."""

    class Status(models.TextChoices):
        OPEN = "open"
        ACCEPTED = "accepted"
        REFUSED = "refused"

    public_id = PublicIdField("rfq")
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="refund_requests", db_index=False)
    lines = models.JSONField(null=True, help_text="[{line, amount}] by public id; null asks for all that is left.")
    reason = models.CharField(max_length=500)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.OPEN)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    login_account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    requested_at = models.DateTimeField(help_text="By the house's clock.")
    operators_from = models.DateTimeField(help_text="When operators may decide in the seller's place.")
    overdue_at = models.DateTimeField(null=True, help_text="When that was told, once, for one still open then.")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    decided_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=500, blank=True, help_text="What the seller or operator says to it.")
    refund = models.OneToOneField(Refund, null=True, on_delete=models.PROTECT, related_name="request")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order"], name="refund_request_one_open", condition=Q(status="open")),
            models.CheckConstraint(
                name="refund_request_accepted_with_refund",
                condition=Q(status="accepted", refund__isnull=False) | Q(~Q(status="accepted"), refund=None),
            ),
        ]
        indexes = [
            models.Index(fields=["order", "-id"], name="refund_request_by_order"),
            models.Index(
                fields=["operators_from", "id"],
                name="refund_request_due",
                condition=Q(status="open", overdue_at=None),
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def asked_minor(self) -> int:
        """What it asks for: amounts of lines; without lines what was given back for it, or what is left now."""
        if self.lines is not None:
            return sum(line["amount"] for line in self.lines)
        return self.refund.amount_minor if self.refund else self.order.refundable_minor


class SalesDay(models.Model):
    """
    What was paid and given back on one day for what one seller sold at one store; a roll-up (`orders.sales_days`).

    It can be made again from the book at any time.
    """

    day = models.DateField(help_text="When it was paid or refunded, in UTC by the house's clock.")
    seller = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    store = models.ForeignKey(
        "catalog.Store",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
        help_text="Null where it was sold by none.",
    )
    currency = models.CharField(max_length=3)
    paid_minor = models.BigIntegerField()
    refunded_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["day", "currency", "seller", "store"], name="sales_day_once", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.seller_id} at {self.store_id} on {self.day}"
