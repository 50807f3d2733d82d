"""What an account means to order. It lasts until it is ordered or emptied, whoever logs in for the account."""

from enum import StrEnum

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.money import Money


class Availability(StrEnum):
    """Of a line, at the moment at which somebody looks; a cart reserves nothing."""

    AVAILABLE = "available"
    OUT_OF_STOCK = "out_of_stock"
    NOT_ON_SALE = "not_on_sale"


class Cart(models.Model):
    """The row that is locked by whoever changes or orders an account's lines; the bounds hold under it."""

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="cart", primary_key=True
    )

    def __str__(self) -> str:
        return f"Cart of {self.owner_id}"


class CartLine(models.Model):
    """How many of one item. Its price is whatever it is when somebody looks, or orders."""

    cart = models.ForeignKey(Cart, on_delete=models.PROTECT, related_name="lines", db_index=False)
    item = models.ForeignKey("catalog.Item", on_delete=models.PROTECT, related_name="+", db_index=False)
    title = models.CharField(
        max_length=200, help_text="The item's when it was put in; shown where the item can be seen no more."
    )
    quantity = models.PositiveIntegerField()
    put_at = models.DateTimeField(help_text="By the house's clock; when the quantity was last set.")
    unit_minor = models.BigIntegerField(null=True, help_text="Price of one then; null where it was not kept yet.")
    currency = models.CharField(max_length=3, blank=True, help_text="Of that price: ISO 4217 code.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cart", "item"], name="cart_line_once_per_item"),
            models.CheckConstraint(name="cart_line_positive", condition=Q(quantity__gt=0)),
            models.CheckConstraint(
                name="cart_line_price_whole",
                condition=Q(unit_minor=None, currency="") | Q(unit_minor__gt=0) & ~Q(currency=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.title}"

    @property
    def availability(self) -> Availability:
        """Whether so many can be ordered at this moment; asks nobody where the item is at hand."""
        if not self.item.is_for_sale:
            return Availability.NOT_ON_SALE
        is_enough = self.item.stock is None or self.item.stock >= self.quantity
        return Availability.AVAILABLE if is_enough else Availability.OUT_OF_STOCK

    @property
    def price_before(self) -> Money | None:
        """What one cost when it was put in, where it costs something else by now."""
        if self.unit_minor is None:
            return None
        before = Money(self.unit_minor, self.currency)
        return before if before != self.item.price else None
