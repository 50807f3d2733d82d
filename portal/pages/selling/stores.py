"""
A seller's stores: opened, moved on a map of our own, closed; and which area each was found in, by what evidence.

The map is a picture that is pressed: browsers send where, with or without scripts, and the server answers with the
form as it was, the place, and a closer map. With scripts the same answer takes the place of what is shown (map.js).
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog.models import Store
from catalog.selectors import get_own_store, stores_of
from catalog.services import change_store, close_store, open_store
from core import clock
from core.errors import NotFound
from distribution.areas.maps import Frame, Outline, closer_to, frame_of_places, outlines_on, whole_frame
from distribution.placements import Standing, foresee_standing, standings_of
from portal.forms import PlainForm
from portal.pages.base import FormPage, TextPage
from portal.pages.payments import attempt_of, once
from portal.pages.selling.forms import NewStoreForm, StoreForm, fields_of_store
from portal.pages.selling.parts import SellingPage, State, new_key, saved

MAP_WIDTH, MAP_HEIGHT = 320, 240  # CSS pixels without scripts; what is pressed is counted in them.
DRAWN_WIDTH, DRAWN_HEIGHT = 960, 720
LETTER = 27  # How large names are drawn.
DECIMALS = 5  # Of degrees: a metre.

_EVIDENCE = {
    "polygon": gettext_lazy("The place lies inside the area's border."),
    "declared": gettext_lazy("You have said so yourself; we have no border to check it by."),
    "centre": gettext_lazy("The area's centre is the nearest; that is only a guess."),
}
_DOUBTS = {
    "centre": gettext_lazy("We know no border around this place, only the nearest centre."),
    "near_border": gettext_lazy("The place is so close to the border that a metre may decide."),
    "contradiction": gettext_lazy("The code of the area that you wrote is of another area than the place."),
    "unknown_code": gettext_lazy("We do not know the code of the area that you wrote."),
}
SETTLED = State(gettext_lazy("Settled"), "good")
WAITS = State(gettext_lazy("An operator decides"), "wait")
NOWHERE = State(gettext_lazy("In no area"))


class PageOfStores(SellingPage):
    gone = gettext_lazy("This is not one of your stores.")
    list_page = "sell-stores"


class Stores(PageOfStores, TextPage):
    """/sell/stores: those that are open, on a map and as a list; those that are closed below"""

    template_name = "portal/selling/stores.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        seller = self.customer.acting
        stores = list(stores_of(seller.public_id, visible_to=seller).order_by("-id"))
        standings = standings_of([store.public_id for store in stores if store.closed_at is None])
        open_ones = [store for store in stores if store.closed_at is None]
        context = self.get_context_data(
            stores=[(store, said_of(standings.get(store.public_id))) for store in open_ones],
            closed=[store for store in stores if store.closed_at is not None],
            map=map_of(frame_of_places(_places(open_ones)), _places(open_ones)),
        )
        return self.render_to_response(context)


class StoreFormPage(PageOfStores, FormPage):
    """
    A form with a map. `look` shows where the typed place is, `wider` shows more around; neither saves anything.
    """

    template_name = "portal/selling/store.html"
    refused_beside = {"coordinates_incomplete": "longitude"}

    def get(self, request: HttpRequest, **which: str) -> HttpResponse:
        return self.show_form(self.get_form(), status=200)

    def post(self, request: HttpRequest, *args: str, **kwargs: str) -> HttpResponse:
        asked = request.POST
        if "map.x" in asked:
            return self._point(asked)
        if "look" in asked or "wider" in asked:
            return self.show_form(self.form_class(data=asked), status=200, frame=_frame_asked(asked))
        return super().post(request, *args, **kwargs)

    def _point(self, asked: QueryDict) -> HttpResponse:
        """Somebody has pressed the map: that is the place, and the next map is closer to it."""
        frame, typed = _frame_asked(asked) or whole_frame(), asked.copy()
        across, down = _part(asked.get("map.x"), MAP_WIDTH), _part(asked.get("map.y"), MAP_HEIGHT)
        if frame is not None:
            latitude, longitude = (round(degrees, DECIMALS) for degrees in frame.place_at(across, down))
            typed["latitude"], typed["longitude"] = str(latitude), str(longitude)
            frame = closer_to(frame, latitude, longitude)
        return self.show_form(self.form_class(data=typed), status=200, frame=frame)

    def show_form(self, form: Any, *, status: int, frame: Frame | None = None) -> HttpResponse:
        place = _place_typed(form)
        places = [place] if place else []
        foreseen = foresee_standing(
            latitude=place[0] if place else None,
            longitude=place[1] if place else None,
            area_code=str(form["area_code"].value() or "").strip(),
        )
        context = self.get_context_data(
            form=form,
            map=map_of(frame or frame_of_places(places), places),
            foreseen=said_of(foreseen) if place or foreseen else None,
            **self.about(),
        )
        answer = TemplateResponse(self.request, [self.template_name], context)
        answer.status_code = status
        return answer

    def about(self) -> dict[str, Any]:
        """Return what the page says beside its form."""
        return {}


class NewStore(StoreFormPage):
    """/sell/stores/new"""

    form_class = NewStoreForm

    def get_initial(self) -> dict[str, Any]:
        return {"key": new_key()}

    def act(self, form: Any) -> HttpResponse:
        said = form.said()

        def effect() -> str:
            store = open_store(**said, actor=self.customer, now=clock.now())
            return reverse("portal:sell-store", args=[store.public_id])

        return redirect(once(attempt_of(form.cleaned_data, self.request.path, self.customer), effect))


class EditStore(StoreFormPage):
    """/sell/stores/<id>"""

    form_class = StoreForm

    def own_store(self) -> Store:
        """:raises NotFound: the seller has no such store."""
        return get_own_store(self.kwargs["store_id"], seller=self.customer.acting)

    def get_initial(self) -> dict[str, Any]:
        return fields_of_store(self.own_store())

    def about(self) -> dict[str, Any]:
        store = self.own_store()
        standing = standings_of([store.public_id]).get(store.public_id)
        return {"store": store, "standing": said_of(standing)}

    def act(self, form: Any) -> HttpResponse:
        store = self.kwargs["store_id"]
        change_store(store=store, changes=form.said(), actor=self.customer, now=clock.now())
        return self.done(saved(), "sell-store", store)


class CloseStore(PageOfStores, FormPage):
    """/sell/stores/<id>/close: asked first, since it is for good"""

    template_name = "portal/selling/store_close.html"
    form_class = PlainForm

    def get(self, request: HttpRequest, store_id: str) -> HttpResponse:
        return self.show_form(self.get_form(), status=200)

    def show_form(self, form: Any, *, status: int) -> HttpResponse:
        store = get_own_store(self.kwargs["store_id"], seller=self.customer.acting)
        if store.closed_at is not None:
            return redirect("portal:sell-stores")
        answer = self.render_to_response(self.get_context_data(form=form, store=store))
        answer.status_code = status
        return answer

    def act(self, form: Any) -> HttpResponse:
        close_store(store=self.kwargs["store_id"], actor=self.customer, now=clock.now())
        return self.done(_("The store is closed."), "sell-stores")


class StoresMap(PageOfStores, TextPage):
    """/sell/stores/map.svg?frame=&place=: a picture of our borders, with places on it"""

    template_name = "portal/selling/map.svg"
    content_type = "image/svg+xml"

    def get(self, request: HttpRequest) -> HttpResponse:
        frame = _frame_asked(request.GET)
        if frame is None:
            raise NotFound
        places = [place for text in request.GET.getlist("place")[:200] if (place := _place(*text.partition(",")[::2]))]
        positions = [position for place in places if (position := frame.position_of(*place))]
        outlines = outlines_on(frame)
        context = self.get_context_data(
            outlines=[(outline.area.level, _path(outline.rings), outline.name) for outline in outlines],
            names=[(outline.name, _drawn(outline.name_at)) for outline in _with_room(outlines)],
            places=[(number, _drawn(position)) for number, position in enumerate(positions, 1)],
            numbered=len(positions) > 1,
            width=DRAWN_WIDTH,
            height=DRAWN_HEIGHT,
        )
        return self.render_to_response(context)


# --- Maps ---------------------------------------------------------------------------------------


def map_of(frame: Frame | None, places: Sequence[tuple[float, float]]) -> dict[str, Any] | None:
    """Return what a page needs to show a map; None where we have no borders to draw."""
    whole = whole_frame()
    if whole is None:
        return None
    shown = frame if frame is not None and _shows_something(frame, whole) else whole
    written = _written(shown)
    query = urlencode({"frame": written, "place": [f"{y},{x}" for y, x in places]}, doseq=True)
    return {
        "url": f"{reverse('portal:sell-map')}?{query}",
        "frame": written,
        "wider": _written(shown.wider if shown.height < whole.height else whole),
        "is_whole": shown.height >= whole.height,
        "width": MAP_WIDTH,
        "height": MAP_HEIGHT,
        "beside": [place for place in places if whole.position_of(*place) is None],
    }


def _shows_something(frame: Frame, whole: Frame) -> bool:
    """A frame far from all borders that we have would be empty."""
    overlaps = frame.west <= whole.east and frame.east >= whole.west
    return overlaps and frame.south <= whole.north and frame.north >= whole.south and frame.height <= 3 * whole.height


def _frame_asked(asked: QueryDict) -> Frame | None:
    """The frame that a form or an address names; None where it is none."""
    written = asked.get("wider") or asked.get("frame") or ""
    try:
        west, south, east, north = (float(part) for part in written.split(","))
    except ValueError:
        return None
    is_frame = -540 <= west < east <= 540 and -180 <= south < north <= 180  # NaN is neither.
    return Frame(west, south, east, north) if is_frame else None


def _written(frame: Frame) -> str:
    return ",".join(f"{degrees:.6f}" for degrees in (frame.west, frame.south, frame.east, frame.north))


def _with_room(outlines: Iterable[Outline]) -> Iterator[Outline]:
    """Names do not stand on each other: of two the one that was drawn first stays."""
    taken: list[tuple[float, float, float]] = []
    for outline in outlines:
        if outline.name_at is None:
            continue
        across, down = outline.name_at[0] * DRAWN_WIDTH, outline.name_at[1] * DRAWN_HEIGHT
        half = sum(1.0 if ord(letter) > 0x2E80 else 0.6 for letter in outline.name) * LETTER / 2
        if all(abs(across - x) > half + other or abs(down - y) > LETTER * 1.2 for x, y, other in taken):
            taken.append((across, down, half))
            yield outline


def _part(pixels: str | None, of: int) -> float:
    try:
        part = float(pixels or "") / of
    except ValueError:
        return 0.5
    return min(max(part, 0.0), 1.0) if math.isfinite(part) else 0.5


def _path(rings: Iterable[Iterable[tuple[float, float]]]) -> str:
    return "".join(f"M{'L'.join(_drawn_pair(position) for position in ring)}Z" for ring in rings)


def _drawn_pair(position: tuple[float, float]) -> str:
    return f"{position[0] * DRAWN_WIDTH:.1f} {position[1] * DRAWN_HEIGHT:.1f}"


def _drawn(position: tuple[float, float] | None) -> tuple[str, str] | None:
    """As SVG writes numbers, whatever the reader's language."""
    if position is None:
        return None
    return f"{position[0] * DRAWN_WIDTH:.1f}", f"{position[1] * DRAWN_HEIGHT:.1f}"


# --- Places -------------------------------------------------------------------------------------


def _places(stores: Iterable[Store]) -> list[tuple[float, float]]:
    return [
        (store.latitude, store.longitude)
        for store in stores
        if store.latitude is not None and store.longitude is not None
    ]


def _place_typed(form: Any) -> tuple[float, float] | None:
    return _place(form["latitude"].value(), form["longitude"].value())


def _place(latitude: Any, longitude: Any) -> tuple[float, float] | None:
    try:
        y, x = float(latitude), float(longitude)
    except (TypeError, ValueError):
        return None
    return (y, x) if -90 <= y <= 90 and -180 <= x <= 180 else None


def said_of(standing: Standing | None) -> dict[str, Any]:
    """Return in words where a store stands, by which evidence, and whether somebody has yet to decide."""
    if standing is None:
        return {"state": NOWHERE}
    return {
        "state": WAITS if standing.is_waiting else SETTLED,
        "areas": standing.areas,
        "evidence": _EVIDENCE[standing.evidence],
        "border_m": None if standing.border_m is None else round(standing.border_m),
        "doubt": _DOUBTS.get(standing.doubt) if standing.is_waiting else None,
        "rule_number": standing.rule_number,
    }
