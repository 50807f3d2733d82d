"""What sellers offer, where, and what the platform takes of a sale."""

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.ids import PublicIdField


class Store(models.Model):
    """A place where a seller sells; its placement in an area is another room's."""

    public_id = PublicIdField("sto")
    seller = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="stores")
    name = models.CharField(max_length=200)
    latitude = models.FloatField(null=True, help_text="WGS 84 degrees.")
    longitude = models.FloatField(null=True, help_text="WGS 84 degrees.")
    area_code = models.CharField(max_length=40, blank=True, help_text="The area the seller declares.")
    address = models.CharField(max_length=500, blank=True)
    trusted_providers = models.JSONField(default=list, help_text="Identity providers an operator trusts here.")
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(help_text="By the house's clock.")
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="store_has_both_coordinates",
                condition=Q(latitude__isnull=True, longitude__isnull=True)
                | Q(latitude__range=(-90, 90), longitude__range=(-180, 180)),
            )
        ]
        indexes = [models.Index(fields=["seller", "-id"], name="store_by_seller")]

    def __str__(self) -> str:
        return self.name


class Item(models.Model):
    """Goods or a service at a price; `stock` null is unlimited and otherwise never below zero."""

    class Kind(models.TextChoices):
        GOODS = "goods"
        SERVICE = "service"

    class Status(models.TextChoices):
        DRAFT = "draft"
        ON_SALE = "on_sale"
        PAUSED = "paused"
        REMOVED = "removed"

    public_id = PublicIdField("itm")
    seller = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="items")
    store = models.ForeignKey(Store, null=True, on_delete=models.PROTECT, related_name="items")
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    category = models.CharField(max_length=80, blank=True)
    kind = models.CharField(max_length=7, choices=Kind.choices)
    price_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    stock = models.BigIntegerField(null=True, help_text="Units left; null is unlimited.")
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.ON_SALE)
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    words = models.GeneratedField(
        expression=SearchVector("title", weight="A", config="simple")
        + SearchVector("description", weight="B", config="simple"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta:
        constraints = [
            models.CheckConstraint(name="item_price_positive", condition=Q(price_minor__gt=0)),
            models.CheckConstraint(name="item_not_oversold", condition=Q(stock__isnull=True) | Q(stock__gte=0)),
        ]
        indexes = [
            GinIndex(fields=["words"], name="item_by_words"),
            models.Index(fields=["seller", "-id"], name="item_by_seller"),
            models.Index(fields=["price_minor", "id"], name="item_by_price", condition=Q(status="on_sale")),
        ]

    def __str__(self) -> str:
        return self.title


class FeeSchedule(models.Model):
    """One version of what the platform takes: bps and a fixed part by seller, category and channel."""

    class Status(models.TextChoices):
        DRAFT = "draft"
        ACTIVE = "active"
        RETIRED = "retired"

    public_id = PublicIdField("fee")
    name = models.CharField(max_length=80)
    version = models.PositiveIntegerField(unique=True)
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.DRAFT)
    rules = models.JSONField(help_text="[{match: {seller?, category?, channel?}, rate_bps, fixed?: {amount, currency}}]")
    effective_from = models.DateTimeField(null=True, help_text="Null on an active first version: since ever.")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    activated_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    activated_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(F("effective_from").desc(), name="fee_schedule_in_force", condition=~Q(status="draft"))]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"
