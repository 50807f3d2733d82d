"""What sellers offer, where, and what the platform takes of a sale."""

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Now

from core.ids import PUBLIC_ID_LENGTH_MAX, PublicIdField
from core.money import Money

TITLE_LENGTH_MAX = 200
DESCRIPTION_LENGTH_MAX = 20_000  # A search vector holds at most 1 MB.
ALT_LENGTH_MAX = 300


class Store(models.Model):
    """A place where a seller sells; its placement in an area is another room's."""

    public_id = PublicIdField("sto")
    seller = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="stores", db_index=False
    )
    name = models.CharField(max_length=200)
    latitude = models.FloatField(null=True, help_text="WGS 84 degrees.")
    longitude = models.FloatField(null=True, help_text="WGS 84 degrees.")
    area_code = models.CharField(max_length=40, blank=True, help_text="The area the seller declares.")
    address = models.CharField(max_length=500, blank=True)
    trusted_providers = models.JSONField(default=list, help_text="Identity providers an operator trusts here.")
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False, help_text="Who logged in."
    )
    opened_at = models.DateTimeField(help_text="By the house's clock.")
    moves_count = models.PositiveIntegerField(default=0, help_text="How often its place was changed.")
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="store_has_both_coordinates",
                condition=Q(latitude__isnull=True, longitude__isnull=True)
                | Q(
                    latitude__isnull=False,
                    longitude__isnull=False,
                    latitude__range=(-90, 90),
                    longitude__range=(-180, 180),
                ),
            )
        ]
        indexes = [models.Index(fields=["seller", "-id"], name="store_by_seller")]

    def __str__(self) -> str:
        return self.name


class ItemManager(models.Manager["Item"]):
    """Leaves the search vector where it is: nobody reads it, and it is as long as the description."""

    def get_queryset(self) -> models.QuerySet["Item"]:
        return super().get_queryset().defer("words")


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
    seller = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="items", db_index=False)
    store = models.ForeignKey(Store, null=True, on_delete=models.PROTECT, related_name="items")
    title = models.CharField(max_length=TITLE_LENGTH_MAX)
    description = models.TextField(blank=True)
    category = models.CharField(max_length=80, blank=True)
    kind = models.CharField(max_length=7, choices=Kind.choices)
    price_minor = models.BigIntegerField(help_text="Minor units of the currency.")
    currency = models.CharField(max_length=3, help_text="ISO 4217 code.")
    stock = models.BigIntegerField(null=True, help_text="Units left; null is unlimited.")
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.ON_SALE)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False, help_text="Who logged in."
    )
    created_at = models.DateTimeField(help_text="By the house's clock.")
    updated_at = models.DateTimeField(help_text="By the house's clock; stock sold does not count.")
    published_at = models.DateTimeField(null=True, help_text="When it was first on sale.")
    cover = models.CharField(
        max_length=PUBLIC_ID_LENGTH_MAX,
        blank=True,
        db_default="",
        default="",
        help_text="Public id of its first picture, so that lists need no join.",
    )
    words = models.GeneratedField(
        expression=SearchVector("title", weight="A", config="simple")
        + SearchVector("description", weight="B", config="simple")
        + SearchVector(
            Func("title", function="catalog_grams", output_field=models.TextField()), weight="C", config="simple"
        ),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    objects = ItemManager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="item_price_positive", condition=Q(price_minor__gt=0)),
            models.CheckConstraint(name="item_not_oversold", condition=Q(stock__isnull=True) | Q(stock__gte=0)),
        ]
        indexes = [
            GinIndex(fields=["words"], name="item_by_words"),
            models.Index(fields=["status", "-id"], name="item_newest"),
            models.Index(fields=["price_minor", "id"], name="item_by_price", condition=Q(status="on_sale")),
            models.Index(fields=["seller", "-id"], name="item_by_seller"),
            models.Index(fields=["seller", "price_minor", "id"], name="item_by_seller_price"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def price(self) -> Money:
        """What one of it costs."""
        return Money(self.price_minor, self.currency)

    @property
    def is_for_sale(self) -> bool:
        """Whether it may be ordered now: it is on sale, and its seller is neither closed nor shut out."""
        return self.status == self.Status.ON_SALE and self.seller.is_active


class ItemPicture(models.Model):
    """
    One picture of an item, drawn anew by us in two sizes and never changed afterwards: its files go by its public id.

    `place` orders the pictures of an item from 0; the first is the item's `cover`.
    """

    public_id = PublicIdField("pic")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="pictures", db_index=False)
    place = models.PositiveSmallIntegerField()
    alt = models.CharField(max_length=ALT_LENGTH_MAX, blank=True, help_text="What is to be seen, for who cannot see.")
    width = models.PositiveIntegerField(help_text="Pixels of the large file.")
    height = models.PositiveIntegerField(help_text="Pixels of the large file.")
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False, help_text="Who logged in."
    )
    added_at = models.DateTimeField(help_text="By the house's clock.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["item", "place"], name="item_picture_place_once", deferrable=models.Deferrable.DEFERRED
            ),
            models.CheckConstraint(name="item_picture_has_pixels", condition=Q(width__gt=0, height__gt=0)),
        ]

    def __str__(self) -> str:
        return self.public_id


class FeeSchedule(models.Model):
    """
    One version of what the platform takes: bps and a fixed part by seller, category and channel.

    Written once it is active (trigger): what a sale was charged by stays readable. The version in force
    at a moment is the active one with the latest `effective_from` not after it.
    """

    class Status(models.TextChoices):
        DRAFT = "draft"
        ACTIVE = "active"

    public_id = PublicIdField("fee")
    name = models.CharField(max_length=80)
    version = models.PositiveIntegerField(unique=True)
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.DRAFT)
    rules = models.JSONField(
        help_text="[{match: {seller?, category?, channel?}, rate_bps, fixed?: {amount, currency}}]"
    )
    effective_from = models.DateTimeField(null=True, help_text="Null on the shipped first version: since ever.")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    activated_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    activated_at = models.DateTimeField(null=True, help_text="By the house's clock.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["effective_from"],
                name="fee_schedule_one_at_a_time",
                condition=Q(status="active"),
                nulls_distinct=False,
            )
        ]
        indexes = [
            models.Index(
                F("effective_from").desc(nulls_last=True), name="fee_schedule_in_force", condition=Q(status="active")
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"
