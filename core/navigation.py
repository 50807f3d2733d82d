"""The sidebar of the operators' pages: one group for each room, the highest room first."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest

from core.admin import HouseAdmin


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the lists that this operator may see, by room."""
    return [
        {"title": room["name"], "separator": True, "items": [_item(model, request) for model in room["models"]]}
        for room in rooms(request)
    ]


def start_page(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The first page shows the rooms in the same order as the sidebar."""
    return context | {"title": "Rooms", "app_list": rooms(request)}


def rooms(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the rooms of which this operator may see something, in the order of INSTALLED_APPS turned round."""
    seen = {room["app_label"]: room for room in admin.site.get_app_list(request)}
    return [seen[room.label] for room in reversed(list(apps.get_app_configs())) if room.label in seen]


def _item(model: dict[str, Any], request: HttpRequest) -> dict[str, Any]:
    registered = admin.site._registry.get(model["model"])
    house = registered if isinstance(registered, HouseAdmin) else None
    return {
        "title": model["name"],
        "icon": house.icon if house else "table_rows",
        "link": model["admin_url"],
        "active": request.path.startswith(model["admin_url"] or "-"),
        "badge": house.badge() if house else "",
    }
