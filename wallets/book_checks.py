"""
What wallets check of the books: business rows and ledger must agree, event by event not yet booked.

Every statement looks at rows, ledger and outbox of one range of keys at one moment, so a check may run
beside the living house.
"""

from collections.abc import Iterator
from typing import Any

from django.db import connection

from billing.booking import BILLING
from billing.event_types import COMMISSION_SLOTS
from core.ids import encode_key
from core.registry import Finding, register_book_check
from core.walk import key_ranges
from ledger.models import TRANSFERS_OF_JOURNAL

# What waits at billing and will change `pending:<owner>`; what operators took back by hand left the rows as they are.
_PENDING = f"""
WITH owner AS (
    SELECT id, public_id FROM accounts_account WHERE id BETWEEN %(first)s AND %(last)s
), part AS (
    SELECT owner.public_id, e.currency, sum(e.original_minor - e.reversed_minor) AS decided, 0 AS booked, 0 AS waiting
    FROM wallets_earning e JOIN owner ON owner.id = e.owner_id
    WHERE e.status IN ('pending', 'held') AND e.owner_id BETWEEN %(first)s AND %(last)s GROUP BY 1, 2
    UNION ALL
    SELECT owner.public_id, a.currency, 0, a.credits_minor - a.debits_minor, 0
    FROM owner JOIN ledger_ledgeraccount a ON a.code = 'pending:' || owner.public_id
    UNION ALL
    SELECT owner.public_id, a.currency, 0, leg.minor, 0
    FROM billing_journalreversal j {TRANSFERS_OF_JOURNAL} t ON true
    CROSS JOIN LATERAL (VALUES (t.debit_id, t.amount_minor), (t.credit_id, -t.amount_minor)) AS leg(account_id, minor)
    JOIN ledger_ledgeraccount a ON a.id = leg.account_id
    JOIN owner ON a.code = 'pending:' || owner.public_id
    UNION ALL
    SELECT owner.public_id, e.payload ->> 'currency', 0, 0, CASE e.type
        WHEN 'order.paid' THEN (e.payload ->> 'gross_minor')::bigint - (e.payload ->> 'fee_minor')::bigint
        WHEN 'order.refunded' THEN -(e.payload ->> 'net_minor')::bigint
        WHEN 'earnings.released' THEN -(e.payload ->> 'amount_minor')::bigint
        WHEN 'commission.released' THEN -(e.payload ->> 'amount_minor')::bigint
        WHEN 'commission.reversed' THEN -(e.payload ->> 'from_pending_minor')::bigint
        WHEN 'commission.escrow_released' THEN (e.payload ->> 'to_owner_minor')::bigint
        WHEN 'share.charged' THEN -(e.payload ->> 'amount_minor')::bigint
        WHEN 'share.reversed' THEN (e.payload ->> 'from_pending_minor')::bigint
            + (e.payload ->> 'from_wallet_minor')::bigint + (e.payload ->> 'to_debt_minor')::bigint
        ELSE (e.payload ->> 'from_wallet_minor')::bigint + (e.payload ->> 'to_debt_minor')::bigint END
    FROM events_delivery d JOIN events_eventrecord e ON e.id = d.event_id
    JOIN owner ON owner.public_id = COALESCE(e.payload ->> 'seller', e.payload ->> 'owner')
    WHERE d.consumer = %(billing)s
      AND e.type IN ('order.paid', 'order.refunded', 'earnings.released', 'earnings.reversed',
                     'commission.released', 'commission.reversed', 'commission.escrow_released',
                     'share.charged', 'share.reversed')
    UNION ALL
    SELECT owner.public_id, e.payload ->> 'currency', 0, 0, CASE e.type
        WHEN 'share.charged' THEN (e.payload ->> 'amount_minor')::bigint
        ELSE -(e.payload ->> 'from_pending_minor')::bigint END
    FROM events_delivery d JOIN events_eventrecord e ON e.id = d.event_id
    JOIN owner ON owner.public_id = e.payload ->> 'sharer'
    WHERE d.consumer = %(billing)s AND e.type IN ('share.charged', 'share.reversed')
    UNION ALL
    SELECT owner.public_id, e.payload ->> 'currency', 0, 0, (e.payload ->> (slot || '_minor'))::bigint
    FROM events_delivery d JOIN events_eventrecord e ON e.id = d.event_id
    CROSS JOIN unnest(%(slots)s::text[]) AS slot
    JOIN owner ON owner.public_id = e.payload ->> slot
    WHERE d.consumer = %(billing)s AND e.type = 'commission.accrued'
)
SELECT public_id || ' ' || currency,
       format('pending earnings are %%s; booked %%s, waiting %%s', sum(decided), sum(booked), sum(waiting))
FROM part GROUP BY public_id, currency HAVING sum(decided) <> sum(booked) + sum(waiting)
"""  # noqa: S608 - nothing in it comes from outside

_DEBTS = """
WITH owner AS (
    SELECT id, public_id FROM accounts_account WHERE id BETWEEN %(first)s AND %(last)s
), part AS (
    SELECT owner.public_id, d.currency, sum(d.amount_minor - d.repaid_minor) AS decided, 0 AS booked, 0 AS waiting
    FROM wallets_debt d JOIN owner ON owner.id = d.owner_id
    WHERE d.amount_minor > d.repaid_minor AND d.owner_id BETWEEN %(first)s AND %(last)s GROUP BY 1, 2
    UNION ALL
    SELECT owner.public_id, a.currency, 0, a.debits_minor - a.credits_minor, 0
    FROM owner JOIN ledger_ledgeraccount a ON a.code = 'debt:' || owner.public_id
    UNION ALL
    SELECT owner.public_id, e.payload ->> 'currency', 0, 0, CASE e.type
        WHEN 'earnings.released' THEN -(e.payload ->> 'repaid_minor')::bigint
        WHEN 'commission.released' THEN -(e.payload ->> 'repaid_minor')::bigint
        WHEN 'debt.repaid' THEN -(e.payload ->> 'amount_minor')::bigint
        WHEN 'debt.written_off' THEN -(e.payload ->> 'amount_minor')::bigint
        ELSE (e.payload ->> 'to_debt_minor')::bigint END
    FROM events_delivery d JOIN events_eventrecord e ON e.id = d.event_id
    JOIN owner ON owner.public_id = COALESCE(e.payload ->> 'owner', e.payload ->> 'sharer')
    WHERE d.consumer = %(billing)s AND e.type IN (
        'earnings.released', 'earnings.reversed', 'commission.released', 'commission.reversed', 'share.reversed',
        'topup.reversed', 'debt.repaid', 'debt.written_off')
)
SELECT public_id || ' ' || currency,
       format('open debts are %%s; booked %%s, waiting %%s', sum(decided), sum(booked), sum(waiting))
FROM part GROUP BY public_id, currency HAVING sum(decided) <> sum(booked) + sum(waiting)
"""

_REPAYMENTS = """
SELECT d.id, format('repaid says %%s, its repayments sum to %%s', d.repaid_minor, COALESCE(sum(r.amount_minor), 0))
FROM wallets_debt d LEFT JOIN wallets_debtrepayment r ON r.debt_id = d.id
WHERE d.id BETWEEN %(first)s AND %(last)s
GROUP BY d.id HAVING d.repaid_minor <> COALESCE(sum(r.amount_minor), 0)
"""

# Events from outside have no note: what they do to a wallet is seen once it is booked.
_NOTES = """
WITH expected AS (
    SELECT e.id AS event_id, COALESCE(e.payload ->> 'owner', e.payload ->> 'payer', e.payload ->> 'sharer') AS owner,
        CASE e.type
        WHEN 'earnings.released' THEN (e.payload ->> 'amount_minor')::bigint - (e.payload ->> 'repaid_minor')::bigint
        WHEN 'commission.released' THEN (e.payload ->> 'amount_minor')::bigint - (e.payload ->> 'repaid_minor')::bigint
        WHEN 'order.refunded' THEN (e.payload ->> 'net_minor')::bigint + (e.payload ->> 'fee_minor')::bigint
        WHEN 'wallet.topped_up' THEN (e.payload ->> 'amount_minor')::bigint
        WHEN 'withdrawal.failed' THEN (e.payload ->> 'amount_minor')::bigint
        WHEN 'wallet.withdrawn' THEN -(e.payload ->> 'amount_minor')::bigint
        WHEN 'debt.repaid' THEN -(e.payload ->> 'amount_minor')::bigint
        ELSE -(e.payload ->> 'from_wallet_minor')::bigint END AS minor
    FROM events_delivery d JOIN events_eventrecord e ON e.id = d.event_id
    WHERE d.consumer = %(billing)s AND d.event_id BETWEEN %(first)s AND %(last)s
      AND e.type IN ('wallet.topped_up', 'topup.reversed', 'wallet.withdrawn', 'withdrawal.failed', 'order.refunded',
                     'earnings.released', 'earnings.reversed', 'commission.released', 'commission.reversed',
                     'share.reversed', 'debt.repaid')
      AND NOT EXISTS (SELECT FROM billing_externalevent x WHERE x.event_id = e.id)
), noted AS (
    SELECT c.event_id, a.public_id AS owner, c.amount_minor AS minor
    FROM wallets_unbookedchange c JOIN accounts_account a ON a.id = c.owner_id
    WHERE c.event_id BETWEEN %(first)s AND %(last)s AND EXISTS (
        SELECT FROM events_delivery d WHERE d.consumer = %(billing)s AND d.event_id = c.event_id)
)
SELECT event_id, format('changes the wallet of %%s by %%s, noted is %%s', owner, expected.minor, noted.minor)
FROM expected FULL JOIN noted USING (event_id, owner)
WHERE COALESCE(expected.minor, 0) <> COALESCE(noted.minor, 0)
"""

_HOLDS = """
SELECT named.id::text, 'not there; it is named by ' || e.key
FROM events_delivery d JOIN events_eventrecord e ON e.id = d.event_id
CROSS JOIN LATERAL jsonb_array_elements(e.payload -> 'holds') AS named(id)
WHERE d.consumer = %(billing)s AND d.event_id BETWEEN %(first)s AND %(last)s AND NOT EXISTS (
    SELECT FROM ledger_hold h WHERE h.id = named.id::bigint AND h.key = e.key AND h.expires_at IS NULL)
"""


# The last final answer is what became of a payment, unless a webhook came after it. What ended before calls were
# kept has none, and one that is still asked about may change.
_ANSWERS = """
SELECT payment.public_id, format('%%s; its provider''s last answer was %%s', payment.status, last.answer)
FROM {payments} payment
CROSS JOIN LATERAL (
    SELECT a.answer, a.answered_at FROM wallets_providerattempt a
    WHERE a.reference = payment.public_id AND a.answer IN ('succeeded', 'failed')
    ORDER BY a.answered_at DESC, a.id DESC LIMIT 1
) AS last
WHERE payment.id BETWEEN %(first)s AND %(last)s AND payment.next_query_at IS NULL
  AND (last.answer = 'succeeded') <> (payment.status IN ('succeeded', 'reversed'))
  AND NOT EXISTS (SELECT FROM wallets_webhooknotice n WHERE n.reference = payment.public_id
                  AND n.effect = 'finished' AND n.received_at > last.answered_at)
"""
_PAYMENTS = ("wallets_topup", "wallets_withdrawal", "wallets_identitycharge")


def register() -> None:
    """Hand the checks to `verify_books`."""
    register_book_check("wallets: pending earnings are in the ledger", check_pending)
    register_book_check("wallets: open debts are in the ledger", check_debts)
    register_book_check("wallets: debts are repaid by their repayments", check_repayments)
    register_book_check("wallets: what is not yet booked is noted", check_notes)
    register_book_check("wallets: what waits has its holds", check_holds)
    register_book_check("wallets: payments ended as their providers answered", check_answers)


def check_pending() -> Iterator[Finding]:
    return _walk("pending earnings", _PENDING, "accounts_account")


def check_debts() -> Iterator[Finding]:
    return _walk("open debts", _DEBTS, "accounts_account")


def check_repayments() -> Iterator[Finding]:
    for finding in _walk("debt repayments", _REPAYMENTS, "wallets_debt"):
        yield Finding(finding.check, f"debt {finding.subject}", finding.detail)


def check_notes() -> Iterator[Finding]:
    for finding in _walk("unbooked changes", _NOTES, "events_delivery", "event_id"):
        yield Finding(finding.check, encode_key("evt", int(finding.subject)), finding.detail)


def check_holds() -> Iterator[Finding]:
    for finding in _walk("holds of waiting events", _HOLDS, "events_delivery", "event_id"):
        yield Finding(finding.check, f"ledger_hold {finding.subject}", finding.detail)


def check_answers() -> Iterator[Finding]:
    for payments in _PAYMENTS:
        yield from _walk("provider's answer", _ANSWERS.replace("{payments}", payments), payments)


def _walk(check: str, statement: str, table: str, key: str = "id") -> Iterator[Finding]:
    for first, last in key_ranges(table, key):
        parameters: dict[str, Any] = {"first": first, "last": last, "billing": BILLING, "slots": list(COMMISSION_SLOTS)}
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            rows = cursor.fetchall()
        for subject, detail in rows:
            yield Finding(check, str(subject), detail)
