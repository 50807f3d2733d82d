"""What customers see of their phones' secrets."""

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from accounts.models import Account
from core.errors import NotFound
from wallets.pay_codes.models import PayCode, PayCodeSecret


def get_pay_code(key: int, *, visible_to: Account) -> PayCode:
    """
    Return one of an account's own codes, with what became of it.

    :raises NotFound: it has none of this key (any more).
    """
    found = PayCode.objects.filter(pk=key, account=visible_to).first()
    if found is None:
        raise NotFound
    return found


def secrets_of(*, visible_to: Account) -> QuerySet[PayCodeSecret]:
    """Return an account's phones' secrets, dead ones as well, each with when one of its codes was last tried."""
    newest = PayCode.objects.filter(secret=OuterRef("pk")).order_by("-step").values("used_at")[:1]
    own = PayCodeSecret.objects.filter(account=visible_to).select_related("session")
    return own.annotate(last_tried_at=Subquery(newest))


def living_secrets(account: Account) -> QuerySet[PayCodeSecret]:
    """Return those with which codes can be made: not revoked, in a session that lives (by the machine's clock)."""
    own = PayCodeSecret.objects.filter(account=account, revoked_at=None)
    return own.filter(session__ended_at=None, session__expires_at__gt=timezone.now())


def is_in_force(secret: PayCodeSecret) -> bool:
    """The same of one secret, with its session at hand."""
    session = secret.session
    return secret.revoked_at is None and session.ended_at is None and session.expires_at > timezone.now()
