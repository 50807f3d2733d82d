"""An item's own page: where a scanned code leads, and where somebody decides to buy."""

import secrets
from typing import Any

from django.conf import settings
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from accounts.behaviours import record_behaviour
from catalog.models import Item
from catalog.selectors import get_item, other_items, pictures_of
from core import clock
from core.errors import NotFound, Refusal
from portal.forms import QuantityForm
from portal.pages.base import Page, TextPage
from portal.pages.scanning import ScanPage, has_come_by_itself
from portal.wording import earning_in_words
from sharing.shares import find_program

_LITTLE_LEFT = 10  # Said from so few on.


class PageOfItem(ScanPage):
    """What pages about one item have in common: those that nobody may see and those that are gone look alike."""

    def find_item(self) -> Item:
        return get_item(self.kwargs["item_id"], visible_to=self.actor.acting if self.actor else None)

    def show_refusal(self, refusal: Refusal) -> HttpResponse:
        if not isinstance(refusal, NotFound):
            return super().show_refusal(refusal)
        answer = TemplateResponse(self.request, "portal/item_not_there.html", self.get_context_data())
        answer.status_code = refusal.status
        return answer.render()


class ItemPage(PageOfItem, TextPage):
    """/items/<id>"""

    template_name = "portal/item.html"

    def get(self, request: HttpRequest, item_id: str) -> HttpResponse:
        item = self.find_item()
        if self.actor is not None and has_come_by_itself(request):
            self.claim_scan(self.actor)
            record_behaviour("item.viewed", by=self.actor, object_id=item.public_id, now=clock.now())
        context = describe(self, item, QuantityForm({"quantity": 1}))
        return self.render_to_response(self.get_context_data(**context, given=self._given(item)))

    def _given(self, item: Item) -> str:
        """What the seller gives for sharing it, to those who could."""
        program = find_program(item) if self.actor is not None and not self.actor.acting.is_staff else None
        return earning_in_words(program) if program is not None else ""


def limit_quantity(form: Form, item: Item) -> None:
    """Have the browser ask for no more than there are."""
    form.fields["quantity"].widget.attrs["max"] = settings.CART_QUANTITY_MAX if item.stock is None else item.stock


def describe(page: Page, item: Item, form: QuantityForm) -> dict[str, Any]:
    """Return what an item's page says, with a form for how many of it."""
    limit_quantity(form, item)
    return {
        "item": item,
        "pictures": pictures_of(item),
        "form": form,
        "key": secrets.token_urlsafe(16),
        "is_sold_out": item.stock == 0,
        "is_scarce": item.stock is not None and item.stock <= _LITTLE_LEFT,
        "others": [(other, page.onward(reverse("portal:item", args=[other.public_id]))) for other in other_items(item)],
    }
