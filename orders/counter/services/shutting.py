"""Taking a till out of service as an operator: somebody else has its key, or its seller does not answer."""

from datetime import datetime

from django.db import transaction

from accounts.actor import Actor
from core.errors import NotFound
from orders.counter.errors import TerminalRevoked
from orders.counter.models import Terminal


@transaction.atomic
def shut_terminal(*, terminal: str, reason: str, actor: Actor, now: datetime) -> Terminal:
    """
    Take any till (its public id) out of service, at once and for good, for a reason that is kept.

    What it is doing just now is waited for; what it did stays, and the store's other tills can give it back.

    :raises NotFound: there is no such till.
    :raises TerminalRevoked: it is out of service.
    """
    shut = Terminal.objects.select_for_update(no_key=True).filter(public_id=terminal).first()
    if shut is None:
        raise NotFound
    if shut.revoked_at is not None:
        raise TerminalRevoked
    shut.revoked_at, shut.revoked_by, shut.revoke_reason = now, actor.acting, reason
    shut.save(update_fields=["revoked_at", "revoked_by", "revoke_reason"])
    return shut
