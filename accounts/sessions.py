"""Sessions: opened by a log-in, found by the digest of their credential in one statement, ended once."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.actor import Actor
from accounts.errors import SessionEnded
from accounts.models import Account, Session
from core.errors import NotFound
from core.prepared import Columns, Prepared

TOKEN_BYTES = 32  # 256 bits: no need for a slow hash.
SEEN_EVERY = timedelta(minutes=5)
DEVICE_LENGTH_MAX = 200

_SESSION, _LOGIN, _ACTING = Columns(Session, "s"), Columns(Account, "l"), Columns(Account, "a")
_FIND = Prepared(
    "find_session",
    f"""
    SELECT {_SESSION}, {_LOGIN}, {_ACTING} FROM accounts_session s
    JOIN accounts_account l ON l.id = s.login_account_id JOIN accounts_account a ON a.id = s.acting_account_id
    WHERE s.token_digest = %(digest)s
    """,  # noqa: S608 - names of columns
)


@dataclass(frozen=True, slots=True)
class Opened:
    """A new session with its credential, which exists nowhere else."""

    session: Session
    token: str


def open_session(
    *, account: Account, device: str = "", token: str | None = None, second_factor_at: datetime | None = None
) -> Opened:
    """
    Open a session in which an account acts for itself. The caller has checked who it is.

    `token`: the credential, where somebody else made it (a browser's cookie); else a new one is made.
    """
    token = token or secrets.token_urlsafe(TOKEN_BYTES)
    session = Session.objects.create(
        login_account=account,
        acting_account=account,
        token_digest=digest_token(token),
        device=printable(device)[:DEVICE_LENGTH_MAX],
        expires_at=timezone.now() + settings.SESSION_LIFETIME,
        second_factor_at=second_factor_at,
    )
    return Opened(session, token)


def open_stand_in(*, operator: Actor, customer: Account, reason: str) -> Opened:
    """
    Open a session in which an operator acts as a customer: for a short time, and no longer than the operator's own.

    :raises SessionEnded: the operator's own session has ended.
    """
    now = timezone.now()
    own = Session.objects.select_for_update(no_key=True).filter(public_id=operator.session_id, ended_at=None).first()
    if own is None:  # Locked, then looked at: who logs out meanwhile ends this one as well, or has ended it.
        raise SessionEnded
    token = secrets.token_urlsafe(TOKEN_BYTES)
    session = Session.objects.create(
        login_account=operator.login,
        acting_account=customer,
        token_digest=digest_token(token),
        device=own.device,
        expires_at=min(now + settings.STAND_IN_LIFETIME, own.expires_at),
        second_factor_at=own.second_factor_at,
        reason=reason,
        opened_in=own,
    )
    return Opened(session, token)


def find_session(token: str) -> Session | None:
    """Return the session of a credential with both its accounts, ended or not; one statement."""
    found = _FIND.row(digest=digest_token(token))
    if found is None:
        return None
    values = iter(found)
    session = _SESSION.take(values)
    session.login_account, session.acting_account = _LOGIN.take(values), _ACTING.take(values)
    return session


def actor_of(session: Session) -> Actor:
    """
    Return who acts in a session.

    :raises SessionEnded: it was ended, has expired, or one of its accounts is closed.
    """
    both_active = session.login_account.is_active and session.acting_account.is_active
    if session.ended_at is not None or session.expires_at <= timezone.now() or not both_active:
        raise SessionEnded
    return Actor(
        login=session.login_account,
        acting=session.acting_account,
        session_id=session.public_id,
        token_digest=session.token_digest,
        second_factor_at=session.second_factor_at,
        stands_in=session.stands_in,
    )


def replace_credential(actor: Actor, *, acting: Account, token: str | None = None) -> Opened:
    """
    Let a session act as `acting` from now on, under another credential; the old one answers 401.

    :raises SessionEnded: it was ended, or got another credential, since the actor came.
    """
    token = token or secrets.token_urlsafe(TOKEN_BYTES)
    session = Session(
        public_id=actor.session_id or "",
        login_account=actor.login,
        acting_account=acting,
        token_digest=digest_token(token),
    )
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE accounts_session SET token_digest = %s, acting_account_id = %s
            WHERE public_id = %s AND token_digest = %s AND ended_at IS NULL RETURNING expires_at
            """,
            [session.token_digest, acting.pk, actor.session_id, actor.token_digest],
        )
        living = cursor.fetchone()
    if living is None:
        raise SessionEnded
    session.expires_at = living[0]
    return Opened(session, token)


def of_owner(owner: Account) -> Q:
    """Which sessions are an account's own to see and to end: its log-ins, and operators' that stand in for it."""
    return Q(login_account=owner) | Q(acting_account=owner) & ~Q(reason="")


def end_session(*, public_id: str, owner: Account) -> None:
    """
    End one of an account's own sessions; from now on its credential answers 401. Ending it twice is fine.

    A customer ends an operator's session that stands in for it in the same way.

    :raises NotFound: the account has no such session.
    """
    own = Session.objects.filter(of_owner(owner), public_id=public_id)
    if not own.filter(ended_at=None).update(ended_at=timezone.now()) and not own.exists():
        raise NotFound
    if owner.is_staff:
        Session.objects.filter(opened_in__public_id=public_id, ended_at=None).update(ended_at=timezone.now())


def end_sessions(*, owner: Account, keep: str | None = None) -> int:
    """End all of an account's sessions but `keep` (a public id), and those that stand in for it; return how many."""
    living = Session.objects.filter(of_owner(owner), ended_at=None)
    return living.exclude(public_id=keep).update(ended_at=timezone.now())


def note_seen(session: Session) -> None:
    """Note that a session is in use: every few minutes, and never waiting for a twin that notes the same."""
    before = timezone.now() - SEEN_EVERY
    if session.last_seen_at > before:
        return
    stale = Session.objects.filter(pk=session.pk, last_seen_at__lte=before).select_for_update(
        skip_locked=True, no_key=True
    )
    with transaction.atomic():  # Most requests are outside one, and locking is not.
        Session.objects.filter(pk__in=stale.values("pk")).update(last_seen_at=timezone.now())


def digest_token(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def printable(text: str) -> str:
    return "".join(character for character in text if character.isprintable())
