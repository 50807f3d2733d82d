"""Where customers begin: everything that is on sale, found by words, a page at a time."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import urlencode

from accounts.behaviours import record_behaviour
from catalog.models import Item
from catalog.search import found_by
from catalog.selectors import SORTS, items_for
from core import clock
from core.api.lists import after_cursor, write_cursor
from core.errors import InvalidInput
from portal.forms import BrowseForm
from portal.pages.base import TextPage

NEWEST = "newest"


class Browse(TextPage):
    """/, with ?search=, ?sort=, ?seller= and, further down, ?cursor="""

    template_name = "portal/browse.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        form = BrowseForm(request.GET)
        if not form.is_valid():
            answer = self.render_to_response(self.get_context_data(form=form, searches=True))
            answer.status_code = InvalidInput.status
            return answer
        wanted = {**form.cleaned_data, "seller": request.GET.get("seller", "")}
        page, following = self._page(wanted, request.GET.get("cursor"))
        # What is found while somebody types is no search yet; Enter is.
        is_search = wanted["search"] and "cursor" not in request.GET and "HX-Request" not in request.headers
        if is_search and self.actor is not None:
            record_behaviour("search.performed", by=self.actor, data={"search": wanted["search"]}, now=clock.now())
        may_buy = self.actor is not None and self.actor.acting.side == "buyer"
        keyed = {"may_buy": may_buy, "key": secrets.token_urlsafe(16)}
        return self.render_to_response(
            self.get_context_data(form=form, searches=True, **keyed, **_shown(page, wanted, following))
        )

    def _page(self, wanted: Mapping[str, str], cursor: str | None) -> tuple[Sequence[Item], str]:
        """The items of one page, and the cursor of the next; "" where there is none."""
        ordering = SORTS[wanted["sort"] or NEWEST]
        items: QuerySet[Item] = items_for(wanted["seller"] or None, visible_to=None).defer("description")
        if wanted["search"]:
            items = found_by(items, wanted["search"])
        found = list(after_cursor(items, ordering, cursor)[: settings.TILES_PER_PAGE + 1])
        page = found[: settings.TILES_PER_PAGE]
        return page, write_cursor(page[-1], ordering) if len(found) > len(page) else ""


@dataclass(frozen=True, slots=True)
class _Order:
    """What comes first, as somebody chooses it."""

    title: str
    address: str
    is_chosen: bool


def _orders(chosen: Mapping[str, str]) -> Iterator[_Order]:
    for sort, title in BrowseForm.SORTS:
        address = f"{reverse('portal:browse')}?{urlencode({**chosen, 'sort': sort})}"
        yield _Order(str(title), address, sort == chosen.get("sort", NEWEST))


def _shown(page: Sequence[Item], wanted: Mapping[str, str], following: str) -> dict[str, Any]:
    chosen = {name: value for name, value in wanted.items() if value}
    return {
        "orders": list(_orders(chosen)),
        "items": page,
        "search": wanted["search"],
        "seller": page[0].seller if wanted["seller"] and page else None,
        "more": f"{reverse('portal:browse')}?{urlencode({**chosen, 'cursor': following})}" if following else "",
    }
