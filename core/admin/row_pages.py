"""What higher rooms show on the page of a row: they register it for the row's list, which knows none of them."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from django.db.models import Model
from django.http import HttpRequest, HttpResponse

from core.admin.house import HouseAdmin

Section = Callable[[HttpRequest, Any], str]

_sections: dict[str, list[Section]] = defaultdict(list)


def on_row_page(label: str) -> Callable[[Section], Section]:
    """Register what is shown on the pages of a model (`orders.order`): HTML, or nothing."""

    def register(section: Section) -> Section:
        _sections[label].append(section)
        return section

    return register


class ShowsSections(HouseAdmin):
    """A list whose rows' pages begin with what others registered for them."""

    change_form_before_template = "core/row_sections.html"

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Model | None = None, **kwargs: Any
    ) -> HttpResponse:
        found = [section(request, obj) for section in _sections[self.opts.label_lower]] if obj is not None else []
        context["row_sections"] = [html for html in found if html]
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)
