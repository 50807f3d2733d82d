"""What an account means to order. It lasts until it is ordered or emptied, whoever logs in for the account."""

from django.conf import settings
from django.db import models
from django.db.models import Q


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

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cart", "item"], name="cart_line_once_per_item"),
            models.CheckConstraint(name="cart_line_positive", condition=Q(quantity__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.title}"
