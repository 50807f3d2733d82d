"""A seller's items: found, offered, changed, put on sale and withdrawn."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog.models import Item
from catalog.search import found_by
from catalog.selectors import get_item, items_for, pictures_of, stores_of
from catalog.services import change_item, offer_item
from core import clock
from core.errors import NotFound
from orders.selling import items_counted
from portal.pages.base import FormPage, TextPage
from portal.pages.payments import attempt_of, once
from portal.pages.selling.forms import ItemForm, ItemsForm, NewItemForm, PicturesForm, StatusForm, fields_of
from portal.pages.selling.parts import (
    ITEM_STATES,
    SOLD_OUT,
    ActionPage,
    SellingPage,
    Tab,
    a_page_of,
    new_key,
    saved,
    state_of_item,
)
from sharing.shares import find_program

_STATUS_SAID = {
    Item.Status.ON_SALE: gettext_lazy("It is on sale now."),
    Item.Status.PAUSED: gettext_lazy("It is withdrawn: nobody can order it until you put it on sale again."),
    Item.Status.DRAFT: gettext_lazy("It is a draft: nobody but you sees it."),
    Item.Status.REMOVED: gettext_lazy("It is removed."),
}


class PageOfItems(SellingPage):
    gone = gettext_lazy("This is not one of your items.")
    list_page = "sell-items"

    def own_item(self) -> Item:
        """:raises NotFound: it is somebody else's, or nobody's."""
        item = get_item(self.kwargs["item_id"], visible_to=self.customer.acting)
        if item.seller_id != self.customer.acting.pk:
            raise NotFound
        return item


class Items(PageOfItems, TextPage):
    """/sell/items, with ?search=, ?state= and, further down, ?cursor="""

    template_name = "portal/selling/items.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        form, seller = ItemsForm(request.GET), self.customer.acting
        form.is_valid()
        search, state = form.cleaned_data.get("search", ""), form.cleaned_data.get("state", "")
        items = items_for(seller.public_id, visible_to=seller).defer("description")
        items = _in_state(found_by(items, search) if search else items, state)
        page, more = a_page_of(items, request.GET)
        context = self.get_context_data(
            form=form,
            search_here=search,
            state=state,
            tabs=_tabs(items_counted(seller), state),
            items=[(item, state_of_item(item)) for item in page],
            more=more,
        )
        return self.render_to_response(context)


def _in_state(items: Any, state: str) -> Any:
    """Without one, all that is not removed."""
    if state == "sold_out":
        return items.filter(status=Item.Status.ON_SALE, stock=0)
    return items.filter(status=state) if state else items.exclude(status=Item.Status.REMOVED)


def _tabs(counts: dict[str, int], state: str) -> list[Tab]:
    kept = sum(counts.get(status, 0) for status in Item.Status.values if status != Item.Status.REMOVED)
    states = [(status.value, ITEM_STATES[status].text) for status in Item.Status]
    states.insert(2, ("sold_out", SOLD_OUT.text))
    tabs = [Tab(text, f"?state={name}", counts.get(name, 0), state == name) for name, text in states]
    return [Tab(_("All"), "?", kept, not state), *(tab for tab in tabs if tab.count or tab.is_here)]


class ItemFormPage(PageOfItems, FormPage):
    """A form about an item; what a refusal is about is said beside the field."""

    refused_beside = {"store_unknown": "store", "store_closed": "store"}

    def get(self, request: HttpRequest, **which: str) -> HttpResponse:
        return self.show_form(self.get_form(), status=200)

    def get_form(self, form_class: Any = None) -> Any:
        form, seller = super().get_form(form_class), self.customer.acting
        stores = stores_of(seller.public_id, visible_to=None).order_by("name")
        form.offer_stores([(store.public_id, store.name) for store in stores])
        return form


class NewItem(ItemFormPage):
    """/sell/items/new"""

    template_name = "portal/selling/item_new.html"
    form_class = NewItemForm

    def get_initial(self) -> dict[str, Any]:
        """In the currency of the newest item: most sellers have one."""
        seller = self.customer.acting
        newest = items_for(seller.public_id, visible_to=seller).order_by("-id").first()
        return {"key": new_key(), "currency": newest.currency if newest else None, "kind": Item.Kind.GOODS}

    def act(self, form: Any) -> HttpResponse:
        said, status = form.said(), Item.Status.ON_SALE if form.cleaned_data["publish"] else Item.Status.DRAFT

        def effect() -> str:
            item = offer_item(**said, status=status, actor=self.customer, now=clock.now())
            return reverse("portal:sell-item", args=[item.public_id])

        return redirect(once(attempt_of(form.cleaned_data, self.request.path, self.customer), effect))


class EditItem(ItemFormPage):
    """/sell/items/<id>: what it is, its price and stock, its pictures, and whether it is on sale"""

    template_name = "portal/selling/item.html"
    form_class = ItemForm

    def get_initial(self) -> dict[str, Any]:
        return fields_of(self.own_item())

    def show_form(self, form: Any, *, status: int) -> HttpResponse:
        answer = self.render_to_response(self.get_context_data(form=form, **describe(self.own_item())))
        answer.status_code = status
        return answer

    def act(self, form: Any) -> HttpResponse:
        item = self.kwargs["item_id"]
        changed = {name: value for name, value in form.said().items() if _is_said_anew(form, name)}
        change_item(item=item, changes=changed, actor=self.customer, now=clock.now())
        return self.done(saved(), "sell-item", item)


def _is_said_anew(form: Any, name: str) -> bool:
    """What nobody has touched is not written: above all the stock, which sales have changed meanwhile."""
    fields = ("price", "currency") if name == "price" else (name,)
    return any(field in form.changed_data for field in fields)


def describe(item: Item) -> dict[str, Any]:
    """Return what the page of an own item says beside its form."""
    return {
        "item": item,
        "state": state_of_item(item),
        "pictures": pictures_of(item),
        "pictures_form": PicturesForm(auto_id="add_%s"),
        "program": find_program(item),
    }


class ItemStatus(PageOfItems, ActionPage):
    """/sell/items/<id>/status: on sale, withdrawn, removed"""

    form_class = StatusForm

    def page_of_button(self) -> str:
        return reverse("portal:sell-item", args=[self.kwargs["item_id"]])

    def act(self, form: Any) -> HttpResponse:
        item, status = self.kwargs["item_id"], Item.Status(form.cleaned_data["status"])
        change_item(item=item, changes={"status": status}, actor=self.customer, now=clock.now())
        return self.done(str(_STATUS_SAID[status]), "sell-item", item)
