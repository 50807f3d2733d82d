"""Binding scans to the account that first used their tokens."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from accounts.models import Account
from core.errors import Refusal
from sharing.classifying import CLASSIFIER
from sharing.errors import ScanTokenExpired, ScanTokenForged, ScanTokenUsed
from sharing.models import ScanClaim, ScanClass, Share, Signal
from sharing.services.counting import correct_classes
from sharing.tokens import ScanTicket, read_token

TOKEN_FORGED = "token_forged"  # noqa: S105 - reasons, not secrets
TOKEN_EXPIRED = "token_expired"  # noqa: S105
TOKEN_OF_ANOTHER_ACCOUNT = "token_of_another_account"  # noqa: S105

_COLUMNS = "scan_id, share_id, item_id, account_id, login_account_id, scan_class, scanned_at, claimed_at"

# The no-op update waits for a twin that claims the same scan, and returns the row that stands: DO NOTHING would
# return nothing, and a later look would have to tell whose it is.
_CLAIM = f"""
INSERT INTO sharing_scanclaim AS claim ({_COLUMNS})
SELECT ticket.scan_id, share.id, share.item_id, %(account)s, %(login)s,
    CASE WHEN ticket.scan_class = 'human' AND share.sharer_id IN (%(account)s, %(login)s)
         THEN 'self' ELSE ticket.scan_class END,
    ticket.scanned_at, %(now)s
FROM unnest(%(scans)s::bigint[], %(shares)s::bigint[], %(classes)s::text[], %(times)s::timestamptz[])
    AS ticket(scan_id, share_id, scan_class, scanned_at)
JOIN sharing_share share ON share.id = ticket.share_id
ORDER BY ticket.scan_id
ON CONFLICT (scan_id) DO UPDATE SET scan_id = claim.scan_id
RETURNING {_COLUMNS}, xmax = 0 AS is_new
"""  # noqa: S608 - constants only

_NAME = f"""
WITH scan AS (
    INSERT INTO sharing_scan (scanned_at, share_id, scan_class, classifier, visitor, is_repeat, agent, signals)
    VALUES (%(now)s, %(share)s, %(class)s, %(classifier)s, NULL, false, '', %(signals)s)
    RETURNING id
)
INSERT INTO sharing_scanclaim ({_COLUMNS})
SELECT scan.id, %(share)s, %(item)s, %(account)s, %(login)s, %(class)s, %(now)s, %(now)s FROM scan
RETURNING {_COLUMNS}
"""  # noqa: S608 - constants only


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A token that was good: the scan is the account's, now or since an earlier use."""

    token: str
    claim: ScanClaim


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A token that cannot be used, and why: `token_forged`, `token_expired` or `token_of_another_account`."""

    token: str
    reason: str
    ticket: ScanTicket | None = None


_REFUSALS: dict[str, type[Refusal]] = {
    TOKEN_FORGED: ScanTokenForged,
    TOKEN_EXPIRED: ScanTokenExpired,
    TOKEN_OF_ANOTHER_ACCOUNT: ScanTokenUsed,
}


def claim_scan(*, token: str, account: Account, login: Account, now: datetime) -> ScanClaim:
    """
    Bind a scan to the acting account, and return the claim; a repeat returns the same one.

    :raises ScanTokenForged: nobody here wrote the token.
    :raises ScanTokenExpired: it is too old.
    :raises ScanTokenUsed: another account has used it.
    """
    (outcome,) = claim_scans(tokens=[token], account=account, login=login, now=now)
    if isinstance(outcome, Refused):
        raise _REFUSALS[outcome.reason]
    return outcome.claim


@transaction.atomic
def claim_scans(*, tokens: Sequence[str], account: Account, login: Account, now: datetime) -> list[Claimed | Refused]:
    """
    Bind scans to the acting account and say of each token, in order, what became of it; refuses nothing.

    The first use wins, for good. A scan that the account or its log-in has claimed before is claimed. What the sharer
    claims itself is of class `self` from now on, in the log as well. One statement, however many tokens; two more
    where the sharer claims.
    """
    tickets = {token: _ticket_or_reason(token, now) for token in tokens}
    claims = _claim((ticket for ticket in tickets.values() if isinstance(ticket, ScanTicket)), account, login, now)
    return [_outcome(token, tickets[token], claims, account, login) for token in tokens]


@transaction.atomic
def record_named_scan(*, share: Share, account: Account, login: Account, now: datetime) -> ScanClaim:
    """
    Record that a customer named the sharer's code, at a till or in an order, and bind it at once: one statement.

    Nobody was redirected and nothing was classified: it is human, or the sharer's own.
    """
    own = share.sharer_id in (account.pk, login.pk)
    named = {
        "share": share.pk,
        "item": share.item_id,
        "account": account.pk,
        "login": login.pk,
        "class": ScanClass.SELF if own else ScanClass.HUMAN,
        "classifier": CLASSIFIER,
        "signals": [Signal.NAMED],
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_NAME, named)
        return _claim_of(cursor.fetchone())


def _ticket_or_reason(token: str, now: datetime) -> ScanTicket | str:
    try:
        return read_token(token, now=now)
    except ScanTokenForged:
        return TOKEN_FORGED
    except ScanTokenExpired:
        return TOKEN_EXPIRED


def _claim(tickets: Iterable[ScanTicket], account: Account, login: Account, now: datetime) -> dict[int, ScanClaim]:
    """The claims that stand, by scan, whoever has them."""
    wanted = list({ticket.scan_id: ticket for ticket in tickets}.values())
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM,
            {
                "account": account.pk,
                "login": login.pk,
                "now": now,
                "scans": [ticket.scan_id for ticket in wanted],
                "shares": [ticket.share_id for ticket in wanted],
                "classes": [ticket.scan_class for ticket in wanted],
                "times": [ticket.scanned_at for ticket in wanted],
            },
        )
        rows = cursor.fetchall()
    claims = {row[0]: _claim_of(row[:-1]) for row in rows}
    own = [scan_id for scan_id, *_rest, is_new in rows if is_new and claims[scan_id].scan_class == ScanClass.SELF]
    if own:
        correct_classes(dict.fromkeys(own, ScanClass.SELF))
    return claims


def _claim_of(row: Sequence) -> ScanClaim:
    return ScanClaim.from_db(None, _COLUMNS.split(", "), row)


def _outcome(
    token: str, ticket: ScanTicket | str, claims: dict[int, ScanClaim], account: Account, login: Account
) -> Claimed | Refused:
    if isinstance(ticket, str):
        return Refused(token=token, reason=ticket)
    claim = claims.get(ticket.scan_id)
    if claim is None:  # Our signature, and yet no such share: the token is of another copy of the house.
        return Refused(token=token, reason=TOKEN_FORGED)
    if claim.account_id not in (account.pk, login.pk):
        return Refused(token=token, reason=TOKEN_OF_ANOTHER_ACCOUNT, ticket=ticket)
    return Claimed(token=token, claim=claim)
