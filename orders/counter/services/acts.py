"""Who did what at a till in a browser."""

from datetime import datetime

from accounts.actor import Actor
from orders.counter.models import CashierAct, CounterTrade, Terminal


def note_act(
    kind: CashierAct.Kind, *, terminal: Terminal, trade: CounterTrade, by: Actor | None, now: datetime
) -> None:
    """Keep who did something, in the transaction of its effect; `by` None is a till with a key of its own."""
    if by is not None:
        CashierAct.objects.create(
            terminal=terminal,
            trade=trade,
            kind=kind,
            login_account=by.login,
            session=by.session_id or "",
            acted_at=now,
        )
