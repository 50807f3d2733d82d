"""Where one can go: the pages beside every page, by what an account is for."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from accounts.actor import Actor

BUYERS = frozenset({"buyer"})
SELLERS = frozenset({"seller"})
EVERYBODY = BUYERS | SELLERS


@dataclass(frozen=True, slots=True)
class Entry:
    """One page: its name among the addresses, what it is called, its picture (Lucide), and whose it is."""

    page: str
    title: str | Promise
    icon: str
    sides: frozenset[str] = EVERYBODY


@dataclass(frozen=True, slots=True)
class Place:
    """An entry as somebody sees it."""

    address: str
    title: str | Promise
    icon: str
    is_here: bool


@dataclass(frozen=True, slots=True)
class Group:
    title: str | Promise
    places: Sequence[Place]


BUYING: list[Entry] = [
    Entry("cart", gettext_lazy("Cart"), "shopping-cart", BUYERS),
    Entry("orders", gettext_lazy("Orders"), "package", BUYERS),
    Entry("pay-code", gettext_lazy("Pay code"), "qr-code", BUYERS),
]
COUNTER: list[Entry] = [
    Entry("counter", gettext_lazy("Counter"), "calculator", SELLERS),
]
SELLING: list[Entry] = [
    Entry("sell", gettext_lazy("Overview"), "layout-dashboard", SELLERS),
    Entry("sell-orders", gettext_lazy("Orders"), "package", SELLERS),
    Entry("sell-refund-requests", gettext_lazy("Refund requests"), "undo-2", SELLERS),
    Entry("sell-items", gettext_lazy("Items"), "tag", SELLERS),
    Entry("sell-stores", gettext_lazy("Stores"), "map-pin", SELLERS),
    Entry("sell-programs", gettext_lazy("Share programs"), "megaphone", SELLERS),
    Entry("sell-earnings", gettext_lazy("Income"), "coins", SELLERS),
    Entry("sell-statement", gettext_lazy("Statement"), "scroll-text", SELLERS),
]
EARNING: list[Entry] = [
    Entry("earnings", gettext_lazy("Earnings"), "coins"),
    Entry("shares", gettext_lazy("Shares"), "qr-code"),
    Entry("network", gettext_lazy("My network"), "users"),
    Entry("agent", gettext_lazy("My areas"), "map"),
]
MONEY: list[Entry] = [
    Entry("wallet", gettext_lazy("Wallet"), "wallet"),
    Entry("statement", gettext_lazy("Statement"), "scroll-text", BUYERS),
]
PEOPLE: list[Entry] = [
    Entry("inbox", gettext_lazy("Messages"), "bell"),
    Entry("accounts", gettext_lazy("Accounts"), "users"),
    Entry("links", gettext_lazy("Links"), "link"),
    Entry("settings", gettext_lazy("Settings"), "settings"),
]

_GROUPS = [
    (gettext_lazy("Buying"), [Entry("browse", gettext_lazy("Browse"), "store", BUYERS), *BUYING]),
    (gettext_lazy("Selling"), [*SELLING, *COUNTER]),
    (gettext_lazy("Money"), MONEY),
    (gettext_lazy("Earning"), EARNING),
    (gettext_lazy("My account"), PEOPLE),
]


def groups_for(actor: Actor, *, path: str) -> list[Group]:
    """Return the groups with their pages for the acting account; the page that a path belongs to is marked."""
    side = actor.acting.side
    shown = [
        (title, [(entry, reverse(f"portal:{entry.page}")) for entry in entries if side in entry.sides])
        for title, entries in _GROUPS
    ]
    here = max(
        (address for _, places in shown for _, address in places if _leads_to(path, address)), default="", key=len
    )
    return [
        Group(title, [Place(address, entry.title, entry.icon, address == here) for entry, address in places])
        for title, places in shown
        if places
    ]


def _leads_to(path: str, address: str) -> bool:
    return path == address or (address != "/" and path.startswith(f"{address}/"))
