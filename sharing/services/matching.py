"""
Matching: an order finds the scans that its buyer has claimed, and who brought each of its lines is decided once.

One SELECT and, where there was anything to judge, one INSERT, however many scans the log has: claims are found by
buyer and item. Nothing here refuses an order.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

from accounts.actor import Actor
from core.prepared import Prepared
from sharing.codes import share_id_of
from sharing.matching import Candidate, Judged, Matched, Reason, SaleLine, match_line
from sharing.models import ScanClaim, Share
from sharing.services.claiming import Claimed, Refused, claim_scans, record_named_scan
from sharing.shares import LIVE, state_of

# Linked then, as `accounts.selectors.linked_then` has it. Of each account's claims of an item the newest are looked at.
_CANDIDATES = Prepared(
    "find_candidates",
    """
    SELECT asked.item_id, found.scan, found.scan_class, found.scanned_at, found.is_lock,
           share.id, share.public_id, sharer.id, sharer.public_id, NOT sharer.is_active,
           EXISTS (
               SELECT FROM accounts_link link
               WHERE (link.inviter_id = sharer.id AND link.invitee_id = ANY(%(accounts)s::bigint[])
                      OR link.invitee_id = sharer.id AND link.inviter_id = ANY(%(accounts)s::bigint[]))
                 AND link.linked_at <= %(now)s AND (link.ended_at IS NULL OR link.ended_at > %(now)s)
           ),
           program.public_id, program.version, program.rate_bps, program.amount_minor, program.currency,
           program.window_days, newest.model
    FROM unnest(%(items)s::bigint[]) AS asked(item_id)
    CROSS JOIN LATERAL (
        SELECT claim.* FROM unnest(%(accounts)s::bigint[]) AS who(account_id)
        CROSS JOIN LATERAL (
            SELECT c.scan_id AS scan, c.share_id, c.scan_class, c.scanned_at, false AS is_lock
            FROM sharing_scanclaim c
            WHERE c.account_id = who.account_id AND c.item_id = asked.item_id AND c.scanned_at <= %(now)s
            ORDER BY c.scanned_at DESC LIMIT %(most)s
        ) claim
        UNION ALL
        SELECT last.scan, last.share_id, last.scan_class, last.scanned_at, true FROM (
            SELECT w.* FROM sharing_wonline w
            WHERE w.buyer_id = %(buyer)s AND w.item_id = asked.item_id AND w.paid_at IS NOT NULL
            ORDER BY w.paid_at DESC, w.line DESC LIMIT 1
        ) last WHERE last.locked_until > %(now)s AND last.state <> 'rejected'
    ) found
    JOIN sharing_share share ON share.id = found.share_id
    JOIN accounts_account sharer ON sharer.id = share.sharer_id
    JOIN sharing_shareprogram program ON program.id = share.program_id
    CROSS JOIN LATERAL (
        SELECT p.model FROM sharing_shareprogram p WHERE p.item_id = asked.item_id ORDER BY p.version DESC LIMIT 1
    ) newest
    """,
)

_COLUMNS = tuple(field.name for field in fields(Candidate) if field.name != "is_named")

_RECORD = """
WITH touched AS (
    INSERT INTO sharing_touch ("order", line, scan, share_id, scan_class, scanned_at, won, reason)
    SELECT t."order", t.line, t.scan, t.share_id, t.scan_class, t.scanned_at, t.won, t.reason
    FROM ROWS FROM (jsonb_to_recordset(%(touches)s::jsonb) AS (
        "order" text, line bigint, scan bigint, share_id bigint, scan_class text, scanned_at timestamptz, won boolean,
        reason text
    )) WITH ORDINALITY AS t("order", line, scan, share_id, scan_class, scanned_at, won, reason, place)
    ORDER BY t.place
)
INSERT INTO sharing_wonline (
    line, "order", item_id, buyer_id, seller_id, share_id, sharer_id, scan, scan_class, scanned_at, is_named, placed_at,
    currency, net_minor, promised_minor, state, is_budgeted, credited_minor, refunded_net_minor, reversed_minor,
    hold_reasons, decision, decision_reason
)
SELECT w.line, w."order", w.item_id, %(buyer)s, w.seller_id, w.share_id, w.sharer_id, w.scan, w.scan_class,
       w.scanned_at, w.is_named, %(now)s, w.currency, w.net_minor, w.promised_minor, 'promised', false, 0, 0, 0,
       '[]', '', ''
FROM jsonb_to_recordset(%(won)s::jsonb) AS w(
    line bigint, "order" text, item_id bigint, seller_id bigint, share_id bigint, sharer_id bigint, scan bigint,
    scan_class text, scanned_at timestamptz, is_named boolean, currency text, net_minor bigint, promised_minor bigint
)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stray:
    """Something that was named with an order and concerns none of its lines."""

    reason: Reason
    scan: int | None = None
    share_id: int | None = None
    scan_class: str = ""
    scanned_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Matches:
    """What was decided for the lines of an order, or of several placed at once, in the order of the lines."""

    lines: Sequence[Matched]
    strays: Sequence[Stray]

    @property
    def terms(self) -> list[dict[str, Any] | None]:
        """What is written into each line; None where nobody brought it."""
        return [matched.terms for matched in self.lines]


@dataclass(frozen=True, slots=True)
class PlacedLine:
    """A line that was matched, as it was written: the public id of its order, and its key."""

    order: str
    line: int


def match_order(
    *, lines: Sequence[SaleLine], tokens: Sequence[str] = (), named: Sequence[str] = (), actor: Actor, now: datetime
) -> Matches:
    """
    Decide who brought each line of what the acting account orders at `now`.

    `tokens`: scan tokens that came with the order; good ones are bound to the account now, if they were not before.
    `named`: tokens of scans and codes of shares, as a till or a customer names them. What cannot be used is a stray
    with its reason. In the transaction that places the order; `record_matches` writes it once lines have keys.
    """
    codes = {name: share_id for name in _few(named) if (share_id := share_id_of(name)) is not None}
    by_name, ended = _claim_by_code(codes.values(), actor, now)
    claimed, refused = _claim([*tokens, *(name for name in named if name not in codes)], actor, now)
    claimed, strays = [*by_name, *claimed], [*ended, *refused]
    items = {line.item_id for line in lines}
    strays += [_stray(claim, Reason.OTHER_ITEM) for claim in claimed if claim.item_id not in items]
    candidates = _find_candidates(items, actor, now)
    if by_name:
        scans = {claim.scan_id for claim in by_name}
        candidates = [replace(one, is_named=one.scan in scans) for one in candidates]
    buyers = frozenset({actor.acting.pk, actor.login.pk})
    return Matches([match_line(line, candidates, buyers=buyers, now=now) for line in lines], strays)


def _few(names: Iterable[str]) -> list[str]:
    """So many of what came with an order, each once; more are not looked at."""
    return list(dict.fromkeys(name for name in names if name))[: settings.SCANS_PER_ORDER_MAX]


def _claim(tokens: Iterable[str], actor: Actor, now: datetime) -> tuple[list[ScanClaim], list[Stray]]:
    """Bind what is good; return the claims, and what was refused."""
    wanted = _few(tokens)
    outcomes = claim_scans(tokens=wanted, account=actor.acting, login=actor.login, now=now) if wanted else []
    claims = {one.claim.scan_id: one.claim for one in outcomes if isinstance(one, Claimed)}
    return list(claims.values()), [_refused(one) for one in outcomes if isinstance(one, Refused)]


def _claim_by_code(share_ids: Iterable[int], actor: Actor, now: datetime) -> tuple[list[ScanClaim], list[Stray]]:
    """Record for each share that was named that it was; one that leads nowhere any more is a stray."""
    wanted = set(share_ids)
    if not wanted:
        return [], []
    claims: list[ScanClaim] = []
    strays: list[Stray] = []
    for share in Share.objects.select_related("program", "item").filter(pk__in=wanted).order_by("pk"):
        if state_of(share) == LIVE:
            claims.append(record_named_scan(share=share, account=actor.acting, login=actor.login, now=now))
        else:
            strays.append(Stray(reason=Reason.SHARE_ENDED, share_id=share.pk))
    return claims, strays


def _stray(claim: ScanClaim, reason: Reason) -> Stray:
    return Stray(
        reason=reason,
        scan=claim.scan_id,
        share_id=claim.share_id,
        scan_class=claim.scan_class,
        scanned_at=claim.scanned_at,
    )


def _refused(refused: Refused) -> Stray:
    if refused.ticket is None:
        return Stray(reason=Reason(refused.reason))
    ticket = refused.ticket
    return Stray(
        reason=Reason(refused.reason),
        scan=ticket.scan_id,
        share_id=ticket.share_id,
        scan_class=ticket.scan_class,
        scanned_at=ticket.scanned_at,
    )


def _find_candidates(items: Iterable[int], actor: Actor, now: datetime) -> list[Candidate]:
    wanted = sorted(items)
    if not wanted:
        return []
    rows = _CANDIDATES.rows(
        items=wanted,
        accounts=sorted({actor.acting.pk, actor.login.pk}),
        buyer=actor.acting.pk,
        now=now,
        most=settings.SCANS_JUDGED_MAX,
    )
    return [Candidate(**dict(zip(_COLUMNS, row, strict=True))) for row in rows]


def record_matches(*, matches: Matches, order: str, lines: Sequence[PlacedLine], buyer_id: int, now: datetime) -> None:
    """
    Write what was decided, for `lines` as they were matched; nothing where there was nothing to decide.

    `order`: with which what concerns no line is kept.
    """
    placed = list(zip(matches.lines, lines, strict=True))
    touches = [_touch_row(judged, at) for matched, at in placed for judged in matched.touches]
    touches += [_stray_row(stray, order) for stray in matches.strays]
    if not touches:
        return
    won = [_won_row(matched.line, matched.winner, at) for matched, at in placed if matched.winner]
    parameters: dict[str, Any] = {"touches": json.dumps(touches), "won": json.dumps(won), "buyer": buyer_id, "now": now}
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, parameters)


def _touch_row(judged: Judged, at: PlacedLine) -> dict[str, Any]:
    candidate = judged.candidate
    return {
        "order": at.order,
        "line": at.line,
        "scan": candidate.scan,
        "share_id": candidate.share_id,
        "scan_class": candidate.scan_class,
        "scanned_at": candidate.scanned_at.isoformat(),
        "won": judged.won,
        "reason": judged.reason,
    }


def _stray_row(stray: Stray, order: str) -> dict[str, Any]:
    return {
        "order": order,
        "line": None,
        "scan": stray.scan,
        "share_id": stray.share_id,
        "scan_class": stray.scan_class,
        "scanned_at": stray.scanned_at.isoformat() if stray.scanned_at else None,
        "won": False,
        "reason": stray.reason,
    }


def _won_row(line: SaleLine, winner: Candidate, at: PlacedLine) -> dict[str, Any]:
    return {
        "line": at.line,
        "order": at.order,
        "item_id": line.item_id,
        "seller_id": line.seller_id,
        "share_id": winner.share_id,
        "sharer_id": winner.sharer_id,
        "scan": winner.scan,
        "scan_class": winner.scan_class,
        "scanned_at": winner.scanned_at.isoformat(),
        "is_named": winner.is_named,
        "currency": line.currency,
        "net_minor": line.net_minor,
        "promised_minor": winner.promise(line),
    }
