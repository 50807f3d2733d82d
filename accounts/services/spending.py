"""
Paying from a wallet that the session's login account does not own: only within the link's cap, which
counts everything since linking, whatever way the session acts; refunds give it back.
"""

from django.db import connection

from accounts.actor import Actor
from accounts.errors import AccountNotLinked, SpendingCapExceeded
from accounts.models import Account, Link, LinkSpending
from accounts.selectors import links_between, links_of
from core.money import Money


def ensure_lets_spend(*, owner: Account, amount: Money, actor: Actor) -> None:
    """
    Look whether a payment from `owner`'s wallet would be let through now, without counting it.

    :raises AccountNotLinked, SpendingCapExceeded: as `spend_through_link`.
    """
    if actor.login.pk == owner.pk:
        return
    link = links_between(actor.login, owner.public_id).first()
    if link is None or not link.other(actor.login).is_active:
        raise AccountNotLinked
    spent = link.spendings.filter(owner=owner, currency=amount.currency).first()
    if not link.terms.lets_spend(Money(amount.minor + (spent.spent_minor if spent else 0), amount.currency)):
        raise SpendingCapExceeded


def owners_who_let_spend(*, amount: Money, actor: Actor) -> list[Account]:
    """
    Return the accounts linked with the login account from whose wallets it may pay so much now, the newest link
    first; two statements. What is chosen is looked at again when it is paid.
    """
    login = actor.login
    links = list(links_of(visible_to=login).order_by("-id"))
    spendings = LinkSpending.objects.filter(link__in=links, currency=amount.currency)
    spent = {(row.link_id, row.owner_id): row.spent_minor for row in spendings}

    def lets(link: Link) -> bool:
        owner = link.other(login)
        total = Money(amount.minor + spent.get((link.pk, owner.pk), 0), amount.currency)
        return owner.is_active and link.terms.lets_spend(total)

    return [link.other(login) for link in links if lets(link)]


def spend_through_link(*, owner: Account, amount: Money, actor: Actor) -> int | None:
    """
    Count a payment from `owner`'s wallet against the link with the session's login account.

    Returns the link's key, to be kept with what was paid; None where the owner's own login pays. The
    link stays locked until the caller's transaction ends, so that payments at the same moment cannot
    pass the cap together.

    :raises AccountNotLinked: the login account owns neither the wallet nor a living link with its owner.
    :raises SpendingCapExceeded: the terms do not let so much be spent.
    """
    if actor.login.pk == owner.pk:
        return None
    link = links_between(actor.login, owner.public_id).select_for_update(no_key=True, of=("self",)).first()
    if link is None or not link.other(actor.login).is_active:  # An operator has shut the owner out: nobody spends.
        raise AccountNotLinked
    if not link.terms.lets_spend(_count(link, owner, amount)):
        raise SpendingCapExceeded
    return link.pk


_COUNT = """
INSERT INTO accounts_linkspending AS s (link_id, owner_id, currency, spent_minor)
VALUES (%(link)s, %(owner)s, %(currency)s, %(minor)s)
ON CONFLICT (link_id, owner_id, currency)
    DO UPDATE SET spent_minor = s.spent_minor + excluded.spent_minor, updated_at = statement_timestamp()
RETURNING s.spent_minor
"""


def _count(link: Link, owner: Account, amount: Money) -> Money:
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"link": link.pk, "owner": owner.pk, "currency": amount.currency, "minor": amount.minor})
        return Money(cursor.fetchone()[0], amount.currency)


def give_back(*, link_id: int | None, owner: Account, amount: Money) -> None:
    """Take a refund off what was counted, also where the link has ended; nothing where no link was used."""
    if link_id is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE accounts_linkspending SET spent_minor = spent_minor - %s, updated_at = statement_timestamp()
            WHERE link_id = %s AND owner_id = %s AND currency = %s
            """,
            [amount.minor, link_id, owner.pk, amount.currency],
        )
