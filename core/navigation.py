"""The sidebar of the operators' pages: one group for each room, the highest room first, and what waits in each."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse

from core.admin.house import HouseAdmin

BADGE_MAX = 99
Found = TypeVar("Found")


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the lists that this operator may see, by room."""
    shown = rooms(request)
    badges = {model: _badge(count) for model, count in waiting_counts(request).items()}
    return [
        {"title": room["name"], "separator": True, "items": _items(room["models"], badges, request)} for room in shown
    ]


def waiting_counts(request: HttpRequest) -> dict[type[Model], int]:
    """
    How much waits of each model that this operator may see, counted no further than is shown.

    One statement for all of them, once for each request: sidebar and first page show the same.
    """
    return _once(
        request, "waiting", lambda: _count([model["model"] for room in rooms(request) for model in room["models"]])
    )


def _once(request: HttpRequest, name: str, find: Callable[[], Found]) -> Found:
    """Find something once for each request: the sidebar and a page beside it ask for the same."""
    kept: dict[str, Any] = request.META.setdefault("marketplace.navigation", {})
    if name not in kept:
        kept[name] = find()
    return kept[name]


def _count(models: Iterable[type[Model]]) -> dict[type[Model], int]:
    waiting = {
        model: rows for model in models if (house := house_of(model)) and (rows := house.rows_waiting()) is not None
    }
    if not waiting:
        return {}
    pieces = [rows.order_by().values("pk")[: BADGE_MAX + 1].query.sql_with_params() for rows in waiting.values()]
    counts = ", ".join(f"(SELECT count(*) FROM ({sql}) AS waiting)" for sql, _parameters in pieces)  # noqa: S608 - SQL of our own query sets
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {counts}", [value for _sql, parameters in pieces for value in parameters])
        return dict(zip(waiting, cursor.fetchone(), strict=True))


def _badge(count: int) -> str:
    return f"{BADGE_MAX}+" if count > BADGE_MAX else str(count or "")


def house_of(model: type[Model]) -> HouseAdmin | None:
    registered = admin.site._registry.get(model)
    return registered if isinstance(registered, HouseAdmin) else None


def rooms(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the rooms of which this operator may see something, in the order of INSTALLED_APPS turned round."""
    return _once(request, "rooms", lambda: _rooms(request))


def _rooms(request: HttpRequest) -> list[dict[str, Any]]:
    seen = {room["app_label"]: room for room in admin.site.get_app_list(request)}
    return [seen[room.label] for room in reversed(list(apps.get_app_configs())) if room.label in seen]


def _items(
    models: list[dict[str, Any]], badges: Mapping[type[Model], str], request: HttpRequest
) -> list[dict[str, Any]]:
    items = []
    for model in models:
        house = house_of(model["model"])
        items.append(
            {
                "title": model["name"],
                "icon": house.icon if house else "table_rows",
                "link": model["admin_url"],
                "active": request.path.startswith(model["admin_url"] or "-"),
                "badge": badges.get(model["model"], ""),
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
