"""The accounts and items that stand for the names of a history, made when they first appear."""

import re
from datetime import datetime

from django.db import transaction

from accounts.actor import Actor
from accounts.errors import UsernameTaken
from accounts.models import Account
from accounts.services import register_account
from catalog.models import TITLE_LENGTH_MAX, Item
from catalog.services import offer_item
from core.money import Money
from replay.models import Article, Party
from replay.reading import Customer, Line

_NOT_IN_USERNAMES = re.compile(r"[^a-z0-9]+")
_USERNAME_PART_LENGTH_MAX = 60
_NAME_LENGTH_MAX = 200


class World:
    """
    One history's sellers, customers and items by their names; remembered, since every line asks for them.

    After a lost connection a new one is made: what was remembered may not have been committed.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self._parties: dict[tuple[str, str], Party] = {}
        self._items: dict[tuple[int, str, str], str] = {}
        self._newest_party = self._newest_article = 0
        self.look_again()

    def look_again(self) -> None:
        """Learn what other processes have made meanwhile."""
        parties = Party.objects.filter(source=self.source, pk__gt=self._newest_party).select_related("account")
        for party in parties.order_by("pk"):
            self._parties[party.role, party.key] = party
            self._newest_party = party.pk
        articles = Article.objects.filter(seller__source=self.source, pk__gt=self._newest_article).order_by("pk")
        for key, seller, stock_code, currency, item in articles.values_list(
            "pk", "seller_id", "stock_code", "currency", "item__public_id"
        ):
            self._items[seller, stock_code, currency] = item
            self._newest_article = key

    def find(self, role: Party.Role, key: str) -> Party | None:
        """Return the party of this name; None if it has not appeared yet."""
        return self._parties.get((role, key))

    def seller(self, name: str, *, now: datetime) -> Party:
        """Return the seller of this name, registered if need be; nobody can log in to it until it has a password."""
        return self.find(Party.Role.SELLER, name) or self._register(
            Party.Role.SELLER, name, name, kind=Account.Kind.ENTERPRISE, side=Account.Side.SELLER, now=now
        )

    def customer(self, customer: Customer, *, now: datetime) -> Party:
        """Return a customer, registered if need be; nobody can log in to it until it has a password."""
        return self.find(Party.Role.CUSTOMER, customer.key) or self._register(
            Party.Role.CUSTOMER,
            customer.key,
            customer.name,
            kind=Account.Kind.PERSONAL,
            side=Account.Side.BUYER,
            now=now,
        )

    def item(self, seller: Party, line: Line, currency: str, *, now: datetime) -> str:
        """Return the item (public id) of a stock code, offered at this line's price when it first appears."""
        key = (seller.pk, line.stock_code, currency)
        if key not in self._items:
            self._items[key] = self._offer(seller, line, currency, now)
        return self._items[key]

    def known_item(self, seller: Party, stock_code: str, currency: str) -> str | None:
        """Return the item of a stock code; None if nothing of it was sold yet."""
        return self._items.get((seller.pk, stock_code, currency))

    @transaction.atomic
    def _register(self, role: Party.Role, key: str, name: str, *, kind: str, side: str, now: datetime) -> Party:
        account = _register_under_free_name(
            f"{_username_part(self.source)}.{_username_part(key)}", name=name, kind=kind, side=side, now=now
        )
        party = Party.objects.create(source=self.source, role=role, key=key, account=account)
        self._parties[role, key] = party
        return party

    @transaction.atomic
    def _offer(self, seller: Party, line: Line, currency: str, now: datetime) -> str:
        item = offer_item(
            title=line.title[:TITLE_LENGTH_MAX],
            price=Money(line.unit_minor, currency),
            kind=Item.Kind.GOODS,
            actor=Actor.own(seller.account),
            now=now,
        )
        Article.objects.create(seller=seller, stock_code=line.stock_code, currency=currency, item=item)
        return item.public_id


def _register_under_free_name(username: str, *, name: str, kind: str, side: str, now: datetime) -> Account:
    """Somebody may have the name by chance; a stranger's account is never taken for the history's."""
    number = 1
    while True:
        try:
            return register_account(
                username=username if number == 1 else f"{username}-{number}",
                password=None,
                kind=kind,
                side=side,
                name=name[:_NAME_LENGTH_MAX],
                now=now,
            )
        except UsernameTaken:
            number += 1


def _username_part(text: str) -> str:
    return _NOT_IN_USERNAMES.sub("-", text.lower())[:_USERNAME_PART_LENGTH_MAX].strip("-") or "nobody"
