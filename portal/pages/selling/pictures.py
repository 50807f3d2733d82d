"""Pictures of an own item: added, described, put in order, removed."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from catalog.models import ItemPicture
from catalog.selectors import pictures_of
from catalog.services import add_picture, change_picture, move_picture, remove_picture
from core import clock
from core.errors import NotFound, Refusal
from portal.forms import PlainForm
from portal.pages.base import FormPage, PressPage
from portal.pages.selling.forms import ItemForm, PictureForm, PicturesForm, PlaceForm, fields_of
from portal.pages.selling.items import PageOfItems, describe
from portal.pages.selling.parts import ActionPage, saved
from portal.wording import say


class PageOfPictures(PageOfItems):
    gone = gettext_lazy("This picture is not there, or not any more.")

    def own_picture(self) -> ItemPicture:
        """:raises NotFound: the item is not ours or has no such picture."""
        wanted = self.kwargs["picture_id"]
        found = next((one for one in pictures_of(self.own_item()) if one.public_id == wanted), None)
        if found is None:
            raise NotFound
        return found

    @property
    def which(self) -> dict[str, str]:
        return {"item": self.kwargs["item_id"], "picture": self.kwargs["picture_id"]}


class AddPictures(PressPage, PageOfItems, FormPage):
    """/sell/items/<id>/pictures: several at once; what of them cannot be taken is said by name, the others are"""

    template_name = "portal/selling/item.html"
    form_class = PicturesForm

    def page_of_button(self) -> str:
        return reverse("portal:sell-item", args=[self.kwargs["item_id"]])

    def act(self, form: Any) -> HttpResponse:
        item, added = self.kwargs["item_id"], 0
        self.own_item()
        for file in form.cleaned_data["pictures"]:
            try:
                add_picture(item=item, file=file, actor=self.customer, now=clock.now())
                added += 1
            except NotFound:
                raise
            except Refusal as refusal:
                form.add_error("pictures", f"{file.name}: {say(refusal)}")
        if form.errors:
            return self.show_form(form, status=422)
        return self.done(ngettext("The picture is there.", "The pictures are there.", added), "sell-item", item)

    def show_form(self, form: Any, *, status: int) -> HttpResponse:
        item = self.own_item()
        about = ItemForm(initial=fields_of(item))
        about.offer_stores([(item.store.public_id, item.store.name)] if item.store else [])
        context = self.get_context_data(form=about, **{**describe(item), "pictures_form": form})
        answer = self.render_to_response(context)
        answer.status_code = status
        return answer


class PictureFormPage(PageOfPictures, FormPage):
    """A form about one picture, which is seen beside it."""

    def get(self, request: HttpRequest, **which: str) -> HttpResponse:
        return self.show_form(self.get_form(), status=200)

    def show_form(self, form: Any, *, status: int) -> HttpResponse:
        context = self.get_context_data(form=form, picture=self.own_picture(), item=self.own_item())
        answer = self.render_to_response(context)
        answer.status_code = status
        return answer


class OnePicture(PictureFormPage):
    """/sell/items/<id>/pictures/<id>: what is to be seen on it"""

    template_name = "portal/selling/picture.html"
    form_class = PictureForm

    def get_initial(self) -> dict[str, Any]:
        return {"alt": self.own_picture().alt}

    def act(self, form: Any) -> HttpResponse:
        change_picture(**self.which, alt=form.cleaned_data["alt"], actor=self.customer)
        return self.done(saved(), "sell-item", self.kwargs["item_id"])


class MovePicture(PageOfPictures, ActionPage):
    """/sell/items/<id>/pictures/<id>/move"""

    form_class = PlaceForm

    def page_of_button(self) -> str:
        return reverse("portal:sell-item", args=[self.kwargs["item_id"]])

    def act(self, form: Any) -> HttpResponse:
        move_picture(**self.which, place=form.cleaned_data["place"], actor=self.customer)
        return redirect(self.page_of_button())


class RemovePicture(PictureFormPage):
    """/sell/items/<id>/pictures/<id>/remove: asked first"""

    template_name = "portal/selling/picture_remove.html"
    form_class = PlainForm

    def act(self, form: Any) -> HttpResponse:
        remove_picture(**self.which, actor=self.customer)
        return self.done(_("The picture is removed."), "sell-item", self.kwargs["item_id"])
