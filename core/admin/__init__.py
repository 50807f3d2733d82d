"""What the operators' pages have in common. Rooms register their own; here are the jobs, which no room owns."""

from core.admin.cells import (
    facts,
    link_to,
    list_link,
    money_field,
    page_link,
    payload_table,
    pretty_json,
    shown_money,
    table,
)
from core.admin.house import HouseAdmin, ReadOnlyAdmin
from core.admin.jobs import shows_result
from core.admin.pages import attempt, back_to, page, show_page

__all__ = [
    "HouseAdmin",
    "ReadOnlyAdmin",
    "attempt",
    "back_to",
    "facts",
    "link_to",
    "list_link",
    "money_field",
    "page",
    "page_link",
    "payload_table",
    "pretty_json",
    "show_page",
    "shown_money",
    "shows_result",
    "table",
]
