"""
Books of any size, written straight into the tables: what the benchmarks read from, and book on top of.

The rows are those that booking would have written for as many `sale.made` events (benchmarks/harness/sales.py),
ten thousand transfers to a batch and a batch a minute; `verify_books` finds nothing in them.
`grow_to(1_000_000)`, measure, `grow_to(20_000_000)`, measure again: books only grow. A million transfers take
about half a minute.
"""

from datetime import timedelta

from benchmarks.harness.sales import FEE, MADE, OWNERS, TRANSFERS_PER_EVENT

EVENTS_PER_BATCH = 3333  # Times three: what the shipped `max_transfers` lets through.
BATCHES_AT_ONCE = 60
LARGEST = timedelta(days=30)  # The first batch of all is so long ago; enough for 400 million transfers.

_RULES = """
INSERT INTO billing_ruleset (public_id, name, version, status, document, effective_from, activated_at, created_at)
SELECT 'rls_made', 'made books', latest.version + 1, 'active', %(document)s, began.at, began.at, began.at
FROM (SELECT max(version) AS version FROM billing_ruleset) latest, (SELECT now() - %(largest)s::interval AS at) began
ON CONFLICT DO NOTHING
"""

_ACCOUNTS = """
INSERT INTO ledger_ledgeraccount (code, currency, must_cover)
SELECT 'platform:fees', 'GBP', false
UNION ALL SELECT 'deposit:acc_' || lpad(n::text, 26, '0'), 'GBP', false FROM generate_series(1, %(owners)s) AS n
UNION ALL SELECT 'wallet:acc_' || lpad(n::text, 26, '0'), 'GBP', true FROM generate_series(1, %(owners)s) AS n
ON CONFLICT DO NOTHING
"""

# Sales happen within two minutes before their batch is booked, so that neighbouring batches overlap.
_SALES = """
CREATE TEMPORARY TABLE made ON COMMIT DROP AS
WITH place AS (
    SELECT COALESCE(max(id), 0) AS last_batch, COALESCE(max(booked_at), now() - %(largest)s::interval) AS last_at
    FROM ledger_batch
), last AS (
    SELECT COALESCE(max(id), 0) AS event FROM events_eventrecord
), sale AS (
    SELECT n, (n - 1) / %(per_batch)s AS nth, 1 + floor(random() * %(owners)s)::int AS customer,
           1 + floor(random() * %(owners)s)::int AS seller, 1 + floor(random() * %(owners)s)::int AS agent,
           1000 + floor(random() * 100000)::bigint AS gross, random() * interval '2 minutes' AS age
    FROM generate_series(1::bigint, %(events)s) AS n
)
SELECT last.event + n AS event_id, last_batch + 1 + nth AS batch_id,
       last_at + (1 + nth) * interval '1 minute' AS booked_at,
       last_at + (1 + nth) * interval '1 minute' - age AS effective_at, customer, seller, agent,
       gross, gross / 20 AS fee, gross / 50 AS commission
FROM sale, place, last
"""

_EVENTS = """
INSERT INTO events_eventrecord (id, type, key, subject, payload, occurred_at, recorded_at)
SELECT event_id, %(type)s, 'made:' || event_id, 'made:' || event_id,
       jsonb_build_object('currency', 'GBP', 'institution', 'ACME', 'channel', 'online',
           'customer', 'acc_' || lpad(customer::text, 26, '0'), 'seller', 'acc_' || lpad(seller::text, 26, '0'),
           'agent', 'acc_' || lpad(agent::text, 26, '0'), 'sharer', 'acc_' || lpad(seller::text, 26, '0'),
           'gross_minor', gross, 'fee_minor', fee, 'commission_minor', commission),
       effective_at, effective_at
FROM made ORDER BY event_id;
SELECT setval(pg_get_serial_sequence('events_eventrecord', 'id'), max(event_id)) FROM made
"""

_JOURNALS = """
INSERT INTO ledger_journal (event_id, batch_id, rule_set_id, rule, effective_at)
SELECT event_id, batch_id, (SELECT id FROM billing_ruleset WHERE public_id = 'rls_made'), 'default', effective_at
FROM made ORDER BY event_id
"""

_TRANSFERS = """
CREATE TEMPORARY TABLE moved ON COMMIT DROP AS
WITH wallet AS MATERIALIZED (
    SELECT right(code, 26)::int AS owner, id FROM ledger_ledgeraccount WHERE code LIKE 'wallet:acc_0%%'
), deposit AS MATERIALIZED (
    SELECT right(code, 26)::int AS owner, id FROM ledger_ledgeraccount WHERE code LIKE 'deposit:acc_0%%'
)
SELECT (made.event_id << 8) + leg.n AS id, made.batch_id, made.booked_at, made.effective_at, deposit.id AS debit_id,
       leg.credit_id, leg.minor
FROM made JOIN deposit ON deposit.owner = customer JOIN wallet seller_wallet ON seller_wallet.owner = seller
JOIN wallet agent_wallet ON agent_wallet.owner = agent
CROSS JOIN (SELECT id FROM ledger_ledgeraccount WHERE code = 'platform:fees' AND currency = 'GBP') platform
CROSS JOIN LATERAL (VALUES (0, seller_wallet.id, gross - fee - commission), (1, platform.id, fee),
                           (2, agent_wallet.id, commission)) AS leg(n, credit_id, minor);
INSERT INTO ledger_transfer (id, batch_id, debit_id, credit_id, amount_minor, currency)
SELECT id, batch_id, debit_id, credit_id, minor, 'GBP' FROM moved ORDER BY id
"""

_LEGS = """
INSERT INTO ledger_movementlegs (batch_id, account_id, transfer_ids)
SELECT batch_id, account_id, array_agg(id ORDER BY id)
FROM (SELECT batch_id, debit_id AS account_id, id FROM moved UNION ALL SELECT batch_id, credit_id, id FROM moved) legs
GROUP BY batch_id, account_id ORDER BY batch_id, account_id
"""

_MOVEMENTS = """
INSERT INTO ledger_movement (account_id, batch_id, debits_minor, credits_minor, debits_after_minor, credits_after_minor,
                             effective_min, effective_max, effective_latest_after, late, booked_at)
SELECT account_id, batch_id, debits, credits, a.debits_minor + sum(debits) OVER up_to,
       a.credits_minor + sum(credits) OVER up_to, earliest, latest,
       GREATEST(a.effective_latest, max(latest) OVER up_to), false, net.booked_at
FROM (
    SELECT account_id, batch_id, booked_at, sum(debit) AS debits, sum(credit) AS credits,
           min(effective_at) AS earliest, max(effective_at) AS latest
    FROM (SELECT debit_id AS account_id, batch_id, booked_at, effective_at, minor AS debit, 0 AS credit FROM moved
          UNION ALL SELECT credit_id, batch_id, booked_at, effective_at, 0, minor FROM moved) legs
    GROUP BY account_id, batch_id, booked_at
) net JOIN ledger_ledgeraccount a ON a.id = net.account_id
WINDOW up_to AS (PARTITION BY account_id ORDER BY batch_id)
ORDER BY batch_id, account_id;

UPDATE ledger_ledgeraccount a SET debits_minor = a.debits_minor + net.debits,
       credits_minor = a.credits_minor + net.credits, effective_latest = GREATEST(a.effective_latest, net.latest)
FROM (
    SELECT m.account_id, sum(m.debits_minor) AS debits, sum(m.credits_minor) AS credits, max(m.effective_max) AS latest
    FROM ledger_movement m WHERE m.batch_id >= (SELECT min(batch_id) FROM made) GROUP BY m.account_id
) net WHERE net.account_id = a.id
"""

_BATCHES = """
INSERT INTO ledger_batch (id, trigger, events_count, transfers_count, accounts_count, opened_at, booked_at)
SELECT made.batch_id, 'transfers', count(*), 3 * count(*),
       (SELECT count(*) FROM ledger_movement m WHERE m.batch_id = made.batch_id), min(effective_at), booked_at
FROM made GROUP BY made.batch_id, booked_at ORDER BY made.batch_id;
SELECT setval('ledger_batch_ids', max(batch_id)) FROM made
"""


def begin() -> None:
    """The event types (`sales.declare`) are there; accounts and a version of the rules for all of the books."""
    import json

    from django.db import connection

    from benchmarks.harness import sales
    from billing.models import RuleSet

    shipped = RuleSet.objects.get(version=1).document
    document = {**shipped, "types": {**shipped["types"], **{type_: [sales.rule(type_)] for type_ in FEE}}}
    with connection.cursor() as cursor:
        cursor.execute(_RULES, {"document": json.dumps(document), "largest": LARGEST})
        cursor.execute(_ACCOUNTS, {"owners": OWNERS})


def grow_to(transfers: int) -> None:
    """Add whole batches until the books have at least so many transfers, an hour's worth in each transaction."""
    from django.db import connection

    while True:
        with connection.cursor() as cursor:
            cursor.execute("SELECT COALESCE(sum(transfers_count), 0) FROM ledger_batch")
            missing = transfers - cursor.fetchone()[0]
        if missing <= 0:
            break
        batches = -(-missing // (EVENTS_PER_BATCH * TRANSFERS_PER_EVENT))
        _grow(min(batches, BATCHES_AT_ONCE))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _grow(batches: int) -> None:
    from django.db import connection, transaction

    parameters = {
        "events": batches * EVENTS_PER_BATCH,
        "per_batch": EVENTS_PER_BATCH,
        "owners": OWNERS,
        "type": MADE,
        "largest": LARGEST,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in (_SALES, _EVENTS, _JOURNALS, _TRANSFERS, _LEGS, _MOVEMENTS, _BATCHES):
            cursor.execute(statement, parameters)
