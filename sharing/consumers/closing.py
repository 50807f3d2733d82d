"""Closings, as programs and shares hear them."""

from collections.abc import Sequence

from accounts.models import Account
from events.consumers import consumes
from events.models import EventRecord
from sharing.services import end_programs_of, revoke_shares_of


@consumes("account.closed", name="closed_sharers")
def end_what_closed_accounts_share(events: Sequence[EventRecord]) -> None:
    """
    End the programs and revoke the shares of accounts that have closed, as of then.

    Orders look at the account itself: from the moment of closing nobody earns by it.
    """
    closed_at = {event.subject: event.occurred_at for event in events}
    for account in Account.objects.filter(public_id__in=closed_at):
        end_programs_of(seller=account, now=closed_at[account.public_id])
        revoke_shares_of(sharer=account, now=closed_at[account.public_id])
