"""Bodies and answers of what concerns shares, and how their pictures may be asked for."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiExample
from rest_framework import serializers

from accounts.references import AccountRefDocument, account_ref
from core.api.fields import Input, TextField
from core.ids import PUBLIC_ID_LENGTH_MAX
from core.qr import ERROR_CORRECTIONS
from sharing.activity_urls import activity_page
from sharing.api.program_outputs import PromisedTermsDocument, terms_document
from sharing.codes import share_code
from sharing.models import Share, ShareBudget
from sharing.models.shares import ACTIVITY_URL_LENGTH_MAX
from sharing.shares import STATES, budgets_of, share_url, state_of

SHARE = OpenApiExample("Our own page of the item", {"item": "itm_01J9ZK3Q6V8M2N4P6R8T0V2X4Z"}, request_only=True)


class ShareInput(Input):
    item = TextField(max_length=PUBLIC_ID_LENGTH_MAX)
    activity_url = TextField(
        max_length=ACTIVITY_URL_LENGTH_MAX,
        required=False,
        allow_blank=True,
        allow_null=True,
        trim_whitespace=False,
        help_text="Where a scan leads; our own page of the item where absent.",
    )
    store = TextField(
        max_length=PUBLIC_ID_LENGTH_MAX, required=False, allow_null=True, help_text="Where a poster hangs."
    )


class SharesQuery(Input):
    item = TextField(max_length=PUBLIC_ID_LENGTH_MAX, required=False, help_text="Only those of this item.")


class PictureQuery(Input):
    size = serializers.IntegerField(
        default=settings.QR_SIZE_DEFAULT,
        min_value=settings.QR_SIZE_MIN,
        max_value=settings.QR_SIZE_MAX,
        help_text="Width in pixels, white border included.",
    )
    error = serializers.ChoiceField(
        ERROR_CORRECTIONS,
        default=settings.QR_ERROR_CORRECTION,
        help_text="How much of it may be dirty: 7, 15, 25 or 30 %. With the logo at least Q.",
    )
    caption = serializers.CharField(
        default="", allow_blank=True, max_length=settings.QR_CAPTION_LENGTH_MAX, help_text="Stands below the code."
    )
    logo = serializers.ChoiceField(["on", "off"], default="off", help_text="Our mark, in the middle.")


class ItemShareDocument(serializers.Serializer):
    id = serializers.CharField()
    item = serializers.CharField()
    title = serializers.CharField(help_text="The item's.")
    seller = AccountRefDocument()
    sharer = AccountRefDocument()
    code = serializers.CharField()
    url = serializers.CharField(help_text="What the QR code says: whoever opens it is led to `activity_url`.")
    qr_svg = serializers.CharField(help_text="Address of a picture; `?size= error= caption= logo=`.")
    qr_png = serializers.CharField(help_text="The same as a PNG.")
    terms = PromisedTermsDocument(help_text="Of the program's version that it was made under.")
    activity_url = serializers.CharField()
    store = serializers.CharField(allow_null=True)
    state = serializers.ChoiceField(STATES, help_text="Whether scans still lead anywhere.")
    made_at = serializers.DateTimeField()
    revoked_at = serializers.DateTimeField(allow_null=True)
    revoke_reason = serializers.CharField(allow_blank=True, help_text="An operator's words.")


def share_document(share: Share) -> dict[str, Any]:
    return next(share_documents([share]))


def share_documents(shares: Sequence[Share]) -> Iterator[dict[str, Any]]:
    budgets = budgets_of(share.item_id for share in shares)
    for share in shares:
        yield _document(share, budgets.get(share.item_id))


def _document(share: Share, budget: ShareBudget | None) -> dict[str, Any]:
    pictures = f"{settings.SITE_URL}/api/v1/shares/{share.public_id}/qr"
    return {
        "id": share.public_id,
        "item": share.item.public_id,
        "title": share.item.title,
        "seller": account_ref(share.item.seller),
        "sharer": account_ref(share.sharer),
        "code": share_code(share.pk),
        "url": share_url(share.pk),
        "qr_svg": f"{pictures}.svg",
        "qr_png": f"{pictures}.png",
        "terms": terms_document(share.program, budget),
        "activity_url": activity_page(activity_url=share.activity_url, item=share.item.public_id),
        "store": share.store.public_id if share.store else None,
        "state": state_of(share),
        "made_at": share.made_at,
        "revoked_at": share.revoked_at,
        "revoke_reason": share.revoke_reason,
    }
