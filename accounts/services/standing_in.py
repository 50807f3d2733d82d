"""Operators act as a customer: for a reason that the customer reads, for a short time, and never with money."""

from dataclasses import replace
from datetime import datetime

from django.conf import settings
from django.db import transaction

from accounts import sessions
from accounts.actor import Actor
from accounts.behaviours import record_behaviour
from accounts.errors import NotACustomer
from accounts.mails import write_mail
from accounts.models import Account
from accounts.services.second_factors import ensure_stepped_up
from core.errors import Forbidden


@transaction.atomic
def stand_in(*, customer: Account, reason: str, actor: Actor, now: datetime) -> sessions.Opened:
    """
    Open a session in which an operator acts as a customer, beside the operator's own one, which it never outlives.

    The operator stays who logged in, so that every row says who really acted, no wallet pays and nothing that needs
    the owner's own log-in is done; views say what else it may write (`assisted`). The customer is told at once.

    :raises Forbidden: the actor is no operator, or has yet to show a second factor.
    :raises NotACustomer: the account is an operator's, or nobody may log in to it.
    :raises StepUpRequired: the account demands a fresh second factor of whoever acts as it.
    :raises SessionEnded: the operator's own session ended meanwhile.
    """
    if not actor.acting.is_staff or not actor.is_proven or not actor.is_own_login:
        raise Forbidden
    if customer.is_staff or not customer.is_active:
        raise NotACustomer
    ensure_stepped_up(customer, actor=actor)
    opened = sessions.open_stand_in(operator=actor, customer=customer, reason=reason)
    record_behaviour(
        "session.switched",
        by=replace(actor, acting=customer),
        object_id=opened.session.public_id,
        data={"from": actor.login.public_id, "to": customer.public_id, "reason": reason},
        mirrored=False,
        now=now,
    )
    minutes = int(settings.STAND_IN_LIFETIME.total_seconds() // 60)
    subject, facts = "Support is looking at your account", {"operator": actor.login, "reason": reason}
    write_mail(customer, subject=subject, template="stand_in", minutes=minutes, **facts)
    return opened
