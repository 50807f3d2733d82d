"""What the operators' pages have in common. Rooms register their own; here are the jobs, which no room owns."""

from core.admin.cells import (
    change_url,
    facts,
    link_to,
    list_link,
    list_url,
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
from core.admin.start import first_page, tile_page
from core.admin.verdicts import BookVerdictAdmin

__all__ = [
    "BookVerdictAdmin",
    "HouseAdmin",
    "ReadOnlyAdmin",
    "attempt",
    "back_to",
    "change_url",
    "facts",
    "first_page",
    "link_to",
    "list_link",
    "list_url",
    "money_field",
    "page",
    "page_link",
    "payload_table",
    "pretty_json",
    "show_page",
    "shown_money",
    "shows_result",
    "table",
    "tile_page",
]
