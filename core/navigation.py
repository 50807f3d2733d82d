"""The sidebar and the first page of the operators' pages: one group for each room, the highest room first."""

from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from core.admin import HouseAdmin

Section = Callable[[HttpRequest], str]

_sections: list[Section] = []


def on_start_page(section: Section) -> Section:
    """Register what a room shows first: HTML, or nothing for those who may not see it."""
    _sections.append(section)
    return section


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the lists that this operator may see, by room."""
    return [
        {"title": room["name"], "separator": True, "items": _items(room["models"], request)} for room in rooms(request)
    ]


def start_page(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The first page shows what waits, and then the rooms in the same order as the sidebar."""
    shown = [section(request) for section in _sections]
    return context | {"title": "Rooms", "app_list": rooms(request), "sections": [html for html in shown if html]}


def rooms(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the rooms of which this operator may see something, in the order of INSTALLED_APPS turned round."""
    seen = {room["app_label"]: room for room in admin.site.get_app_list(request)}
    return [seen[room.label] for room in reversed(list(apps.get_app_configs())) if room.label in seen]


def _items(models: list[dict[str, Any]], request: HttpRequest) -> list[dict[str, Any]]:
    items = []
    for model in models:
        registered = admin.site._registry.get(model["model"])
        house = registered if isinstance(registered, HouseAdmin) else None
        items.append(
            {
                "title": model["name"],
                "icon": house.icon if house else "table_rows",
                "link": model["admin_url"],
                "active": request.path.startswith(model["admin_url"] or "-"),
                "badge": house.badge() if house else "",
            }
        )
        items += _beside(house, request, items[-1]) if house else []
    return items


def _beside(house: HouseAdmin, request: HttpRequest, list_: dict[str, Any]) -> list[dict[str, Any]]:
    """Pages of a list's own that stand beside it; of the two only one is lit."""
    items = []
    for title, icon, method in house.beside:
        link = reverse(f"admin:{house.page_name(method)}")
        active = request.path.startswith(link)
        list_["active"] = list_["active"] and not active
        items.append({"title": title, "icon": icon, "link": link, "active": active, "badge": ""})
    return items
