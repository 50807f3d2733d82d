"""
Which of a person's other accounts a page belongs to, where the one that acts may not see it.

Only the log-in's own account and those linked with it are ever named, and only where the link's terms let it act as
them: nobody learns of anything that a switch would not show.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from accounts.actor import Actor
from accounts.models import Account
from accounts.selectors import identities_of, sides_of_link
from catalog.selectors import sellers_of
from orders.counter.selectors import customers_of_trade, sellers_of_till
from orders.selectors import parties_of
from sharing.shares import sharers_of
from wallets.selectors import owners_of

Parties = Callable[[str], Collection[int] | None]

_BY_PREFIX: dict[str, Parties] = {
    "chk": parties_of,
    "ord": parties_of,
    "rfd": parties_of,
    "itm": sellers_of,
    "sto": sellers_of,
    "shr": sharers_of,
    "trm": sellers_of_till,
    "lnk": sides_of_link,
    "top": owners_of,
    "wdr": owners_of,
}
_BY_NAME: dict[str, Parties] = {"trade_no": customers_of_trade}
_ANY_BUYERS = frozenset({"itm", "sto"})  # What buyers do with them, any buyer may.
_BUYERS_OWN = frozenset({"trade_no"})  # To sellers it is a sale of the till or the store that is named beside it.


def others_for(actor: Actor, *, side: str, address: Mapping[str, Any]) -> list[Account]:
    """
    Return the person's other accounts that may see what a page's address names; all of a side where it names nothing.

    `side`: buyer or seller, where a page is for one of them. One statement for the accounts, and one for what is named.
    """
    others = [
        identity.account
        for identity in identities_of(actor.login)
        if identity.is_open_to and identity.account.pk != actor.acting.pk and identity.account.side
    ]
    fitting = [account for account in others if side in ("", account.side)]
    for parties in _parties_named(address, side=side) if fitting else ():
        fitting = [account for account in fitting if account.pk in parties]
    return fitting


def belongs_to(account: Account, *, side: str, address: Mapping[str, Any]) -> bool:
    """Whether an account is one of those whose what a page's address names is."""
    return all(account.pk in parties for parties in _parties_named(address, side=side))


def _parties_named(address: Mapping[str, Any], *, side: str) -> Iterator[Collection[int]]:
    """Yield whose (by key) each thing is that an address names; nothing for what is anybody's of this side."""
    for name, value in address.items():
        prefix = str(value).partition("_")[0]
        find = _BY_NAME.get(name) or _BY_PREFIX.get(prefix)
        is_anybodys = side == Account.Side.BUYER and prefix in _ANY_BUYERS
        is_their_customers = side == Account.Side.SELLER and name in _BUYERS_OWN
        if find is None or is_anybodys or is_their_customers:
            continue
        parties = find(str(value))
        if parties is not None:
            yield parties
