"""
How fast the operators' lists are with a million rows in each table.

`python -m benchmarks.admin_lists` fills a scratch database beside the one of VAR_DIR (two minutes), asks
every list for its first and last page, its searches and its filters, prints the medians, and drops the
database. `ROWS=100000` makes it smaller, `KEEP=1` keeps the database for the next run.

Exit code 1 where a list's median is above the limit.
"""

import logging
import os
import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import django
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.local")

ROWS = int(os.environ.get("ROWS", "1000000"))
ROUNDS = int(os.environ.get("ROUNDS", "11"))
LIMIT_MS = 300
DATABASE = f"admin_lists_{ROWS}"
PAGES = (  # Beside the lists; the first one is the cockpit, then its tiles that come by themselves.
    "",
    "cockpit/money",
    "cockpit/sellers",
    "cockpit/areas",
    "billing/ruleset/compare",
    "billing/ruleset/write",
)

OWNER = "'acc_' || lpad(upper(to_hex({n})), 26, '0')"
PADDED = "lpad(upper(to_hex(n)), 26, '0')"
NUMBERS = "generate_series(1, %(rows)s) AS n"
LONG_AGO = "timestamptz '2026-01-01' + n * interval '1 second'"
SOME_OWNER = "1000000000 + CASE WHEN n %% 2 = 0 THEN 1 ELSE n END"  # One has half of everything.
TYPES = """
CASE WHEN n %% 100000 = 0 THEN 'topup.reversed' WHEN n %% 10 < 6 THEN 'order.paid'
     WHEN n %% 10 < 8 THEN 'wallet.topped_up' ELSE 'earnings.released' END
"""

FILLED = {
    "ledger_ledgeraccount": f"""
        INSERT INTO ledger_ledgeraccount (id, code, currency, debits_minor, credits_minor)
        SELECT n, CASE WHEN n = 1 THEN 'platform:fees'
                       ELSE (ARRAY['wallet', 'pending', 'debt'])[1 + n %% 3] || ':' || {OWNER.format(n="n / 3")} END,
               'GBP', n * 7, n * 11 FROM {NUMBERS}""",
    "ledger_hold": f"""
        INSERT INTO ledger_hold (account_id, amount_minor, key) SELECT n, n, 'order.paid:ord_' || n FROM {NUMBERS}""",
    "ledger_movementlegs": f"""
        INSERT INTO ledger_movementlegs (batch_id, account_id, transfer_ids)
        SELECT n, n + 1, ARRAY[n * 256] FROM {NUMBERS}""",
    "ledger_batch": f"""
        INSERT INTO ledger_batch
               (id, trigger, events_count, transfers_count, accounts_count, opened_at, booked_at)
        SELECT n, CASE WHEN n %% 100000 = 0 THEN 'manual' ELSE 'period' END, 1, 1, 2, {LONG_AGO}, {LONG_AGO}
        FROM {NUMBERS}""",
    "ledger_journal": f"""
        INSERT INTO ledger_journal (event_id, batch_id, rule_set_id, rule, effective_at)
        SELECT n, n, 1, 'default', {LONG_AGO} FROM {NUMBERS}""",
    "ledger_transfer": f"""
        INSERT INTO ledger_transfer (id, batch_id, debit_id, credit_id, amount_minor, currency)
        SELECT n * 256, n, n + 1, CASE WHEN n %% 2 = 0 THEN 1 ELSE n + 2 END, n, 'GBP' FROM {NUMBERS}""",
    "ledger_movement": f"""
        INSERT INTO ledger_movement (account_id, batch_id, debits_minor, credits_minor, debits_after_minor,
               credits_after_minor, effective_min, effective_max, effective_latest_after, late, booked_at)
        SELECT CASE WHEN n %% 2 = 0 THEN 1 ELSE n END, n, n, 0, n, 0, {LONG_AGO}, {LONG_AGO}, {LONG_AGO}, false,
               {LONG_AGO}
        FROM {NUMBERS}""",
    "events_eventrecord": f"""
        INSERT INTO events_eventrecord (type, key, subject, payload, occurred_at)
        SELECT {TYPES}, 'bench:' || n, 'ord_' || n / 3, '{{"currency": "GBP", "amount_minor": 1}}', {LONG_AGO}
        FROM {NUMBERS}""",
    "events_delivery": f"""
        INSERT INTO events_delivery (consumer, event_id, subject, parked_at, error_code)
        SELECT 'billing', n, 'ord_' || n / 3, CASE WHEN n %% 50000 = 0 THEN {LONG_AGO} END,
               CASE WHEN n %% 50000 = 0 THEN 'no_rule' ELSE '' END FROM {NUMBERS}""",
    "billing_externalevent": f"""
        INSERT INTO billing_externalevent (event_id, key, body_digest, sent_by, total_minor, currency)
        SELECT n, 'sent:' || n, md5(n::text), 'svc_' || n %% 100, n, 'GBP' FROM {NUMBERS}""",
    "accounts_account": f"""
        INSERT INTO accounts_account (id, public_id, username, name, email, password, kind, side, referral_code,
               is_superuser, is_staff, is_active)
        SELECT 1000000000 + n, {OWNER.format(n="n")}, 'bench-' || n, 'Bench ' || n, '', '', 'personal', 'seller',
               lpad(upper(to_hex(n)), 10, '0'), false, false, true FROM {NUMBERS}""",
    "accounts_session": f"""
        INSERT INTO accounts_session (public_id, login_account_id, acting_account_id, token_digest, device, expires_at)
        SELECT 'ses_' || {PADDED}, {SOME_OWNER}, {SOME_OWNER}, md5(n::text), '', {LONG_AGO} FROM {NUMBERS}""",
    "catalog_store": f"""
        INSERT INTO catalog_store (public_id, seller_id, name, area_code, address, trusted_providers, opened_by_id,
               opened_at, moves_count)
        SELECT 'sto_' || {PADDED}, {SOME_OWNER}, 'Store ' || n, '', '', '[]', {SOME_OWNER}, {LONG_AGO}, 0
        FROM {NUMBERS}""",
    "catalog_item": f"""
        INSERT INTO catalog_item (id, public_id, seller_id, title, description, category, kind, price_minor, currency,
               status, created_by_id, created_at, updated_at)
        SELECT n, 'itm_' || {PADDED}, {SOME_OWNER}, 'Teapot ' || n, '', '', 'goods', n, 'GBP',
               CASE WHEN n %% 100000 = 0 THEN 'paused' ELSE 'on_sale' END, {SOME_OWNER}, {LONG_AGO}, {LONG_AGO}
        FROM {NUMBERS}""",
    "orders_checkout": f"""
        INSERT INTO orders_checkout (id, public_id, buyer_id, login_account_id, total_minor, currency, placed_at)
        SELECT n, 'chk_' || {PADDED}, {SOME_OWNER}, {SOME_OWNER}, n, 'GBP', {LONG_AGO} FROM {NUMBERS}""",
    "orders_order": f"""
        INSERT INTO orders_order (id, public_id, trade_no, checkout_id, channel, status, buyer_id, seller_id,
               placed_by_id, payer_id, paid_by_id, provider, currency, total_minor, fee_minor, paid_minor,
               refunded_minor, fee_refunded_minor, placed_at, paid_at)
        SELECT n, 'ord_' || {PADDED}, 'trade' || n, n, 'online',
               CASE WHEN n %% 100000 = 0 THEN 'fulfilled' ELSE 'paid' END, {SOME_OWNER}, {SOME_OWNER}, {SOME_OWNER},
               {SOME_OWNER}, {SOME_OWNER}, '', 'GBP', n, 0, n, 0, 0, {LONG_AGO}, {LONG_AGO} FROM {NUMBERS}""",
    "ledger_purposeday": """
        INSERT INTO ledger_purposeday (day, purpose, currency, debits_minor, credits_minor)
        SELECT date '2016-01-01' + n / 80, 'purpose ' || n %% 8,
               (ARRAY['GBP', 'EUR', 'USD', 'JPY', 'KWD', 'BRL', 'CNY', 'CHF', 'SEK', 'INR'])[1 + n / 8 %% 10], n, n * 2
        FROM generate_series(1, LEAST(%(rows)s, 300000)) AS n""",  # Ten years of eight purposes in ten currencies.
    "orders_salesday": f"""
        INSERT INTO orders_salesday (day, seller_id, store_id, currency, paid_minor, refunded_minor)
        SELECT current_date - n %% 90, 1000000000 + n / 90, NULL, 'GBP', n, n / 10 FROM {NUMBERS}""",
    "orders_refund": f"""
        INSERT INTO orders_refund (id, public_id, order_id, amount_minor, reason, refunded_at)
        SELECT n, 'rfd_' || {PADDED}, n, n, 'chipped', {LONG_AGO} FROM {NUMBERS}""",
    "orders_refundrequest": f"""
        INSERT INTO orders_refundrequest (public_id, order_id, reason, status, requested_by_id, login_account_id,
               requested_at, operators_from, answer)
        SELECT 'rfq_' || {PADDED}, n, 'chipped', CASE WHEN n %% 100000 = 0 THEN 'open' ELSE 'refused' END,
               {SOME_OWNER}, {SOME_OWNER}, {LONG_AGO}, {LONG_AGO}, '' FROM {NUMBERS}""",
    "orders_providerpayment": f"""
        INSERT INTO orders_providerpayment (public_id, order_id, provider, payer_id, buyer_id, login_account_id,
               amount_minor, currency, status, failure, requested_at)
        SELECT 'ppm_' || {PADDED}, n, 'local', {SOME_OWNER}, {SOME_OWNER}, {SOME_OWNER}, n, 'GBP',
               CASE WHEN n %% 100000 = 0 THEN 'in_progress' ELSE 'succeeded' END, '', {LONG_AGO} FROM {NUMBERS}""",
    "wallets_topup": f"""
        INSERT INTO wallets_topup (public_id, owner_id, login_account_id, provider, amount_minor, currency, status,
               provider_reference, failure, requested_at, finished_at, recorded_at)
        SELECT 'top_' || lpad(upper(to_hex(n)), 26, '0'), {SOME_OWNER}, {SOME_OWNER}, 'local', n, 'GBP', 'succeeded',
               '', '', {LONG_AGO}, {LONG_AGO}, {LONG_AGO} FROM {NUMBERS}""",
    "wallets_withdrawal": f"""
        INSERT INTO wallets_withdrawal (public_id, owner_id, login_account_id, provider, amount_minor, currency, status,
               provider_reference, failure, requested_at, finished_at, recorded_at)
        SELECT 'wdr_' || lpad(upper(to_hex(n)), 26, '0'), {SOME_OWNER}, {SOME_OWNER}, 'local', n, 'GBP', 'succeeded',
               '', '', {LONG_AGO}, {LONG_AGO}, {LONG_AGO} FROM {NUMBERS}""",
    "orders_terminal": f"""
        INSERT INTO orders_terminal (id, public_id, store_id, name, institution, key_digest, created_by_id, created_at)
        SELECT n, 'trm_' || {PADDED}, (SELECT min(id) FROM catalog_store), 'Till', '', md5(n::text),
               {SOME_OWNER}, {LONG_AGO} FROM {NUMBERS}""",
    "orders_countertrade": f"""
        INSERT INTO orders_countertrade (id, order_id, store_id, terminal_id, sequence, closes_at, refusal,
               refusal_detail, paid_at_till_by)
        SELECT n, n, (SELECT min(id) FROM catalog_store), CASE WHEN n %% 2 = 0 THEN 1 ELSE n END, n,
               {LONG_AGO}, CASE WHEN n %% 100000 = 0 THEN 'insufficient_funds' ELSE '' END, '',
               CASE WHEN n %% 100000 = 1 THEN 'identity' ELSE 'pay_code' END FROM {NUMBERS}""",
    "orders_tillrequest": f"""
        INSERT INTO orders_tillrequest (terminal_id, sequence, kind, answer, trade_id)
        SELECT CASE WHEN n %% 2 = 0 THEN 1 ELSE n END, n,
               CASE WHEN n %% 100000 = 0 THEN 'cancelled' ELSE 'trade' END, '{{}}',
               CASE WHEN n %% 100000 = 0 THEN NULL ELSE n END FROM {NUMBERS}""",
    "wallets_paycode": f"""
        INSERT INTO wallets_paycode (account_id, code_digest, made_at, expires_at, used_at, used_for, refusal)
        SELECT {SOME_OWNER}, md5(n::text), {LONG_AGO}, {LONG_AGO}, {LONG_AGO}, 'ord_' || {PADDED}, '' FROM {NUMBERS}""",
    "wallets_providerattempt": f"""
        INSERT INTO wallets_providerattempt (provider, reference, what, answer, reason, started_at, answered_at)
        SELECT 'local', 'top_' || {PADDED}, 'charge', CASE WHEN n %% 100000 = 0 THEN '' ELSE 'succeeded' END, '',
               {LONG_AGO}, CASE WHEN n %% 100000 = 0 THEN NULL ELSE {LONG_AGO} END FROM {NUMBERS}""",
    "wallets_earning": f"""
        INSERT INTO wallets_earning ("order", owner_id, role, currency, channel, institution, original_minor,
               reversed_minor, clawed_back_minor, released_minor, status, earned_at, why)
        SELECT 'ord_' || n, {SOME_OWNER}, 'seller', 'GBP', 'online', '', n, 0, 0, 0, 'pending', {LONG_AGO}, ''
        FROM {NUMBERS}""",
    "wallets_debt": f"""
        INSERT INTO wallets_debt (owner_id, currency, amount_minor, repaid_minor, subject, event_id, opened_at)
        SELECT {SOME_OWNER}, 'GBP', n, n %% 2 * n, 'ord_' || n, n, {LONG_AGO} FROM {NUMBERS}""",
    "distribution_allocatedline": f"""
        INSERT INTO distribution_allocatedline (line, "order", plan_id, seller, buyer, currency, paid_at, fee_minor,
               pool_minor, agents_minor, referrers_minor, merchant_referrer_minor, cashback_minor, platform_minor,
               chain, not_paid)
        SELECT n, 'ord_' || n, 1, 'acc_1', 'acc_2', 'GBP', {LONG_AGO}, n, n, n, 0, 0, 0, 0, '{{}}', '[]'
        FROM {NUMBERS}""",
    "sharing_shareprogram": f"""
        INSERT INTO sharing_shareprogram (id, public_id, item_id, version, rate_bps, currency, window_days, model,
               hosts, made_by_id, login_account_id, from_at, until_at, ended_at)
        SELECT n, 'spr_' || {PADDED}, 1 + (n - 1) / 2, 1 + n %% 2, 500, 'GBP', 30, 'last_touch', '[]', 1000000001,
               1000000001, {LONG_AGO}, CASE WHEN n %% 2 = 0 OR n %% 100000 = 1 THEN {LONG_AGO} END,
               CASE WHEN n %% 100000 < 2 THEN {LONG_AGO} END
        FROM {NUMBERS}""",
    "sharing_share": f"""
        INSERT INTO sharing_share (id, public_id, program_id, item_id, sharer_id, activity_url, login_account_id,
               made_at)
        SELECT n, 'shr_' || {PADDED}, n, 1 + (n - 1) / 2, {SOME_OWNER}, 'https://blog.example/' || n, 1000000001,
               {LONG_AGO}
        FROM {NUMBERS}""",
    "sharing_scan": f"""
        INSERT INTO sharing_scan (id, scanned_at, share_id, scan_class, classifier, visitor, is_repeat, agent, signals)
        SELECT n, {LONG_AGO}, CASE WHEN n %% 2 = 0 THEN 2 ELSE n END,
               CASE WHEN n %% 100000 = 0 THEN 'self' WHEN n %% 10 = 0 THEN 'bot' ELSE 'human' END, 1, n, n %% 5 = 0,
               'Mozilla/5.0', '{{}}'
        FROM {NUMBERS}""",
    "distribution_allocation": f"""
        INSERT INTO distribution_allocation (line_id, "order", role, level, account_id, area_id, rate_bps,
               original_minor, reversed_minor, escrow, escrow_ended_at, why)
        SELECT n, 'ord_' || n,
               CASE WHEN n %% 100000 = 0 THEN 'merchant_referrer' WHEN n %% 2 = 0 THEN 'cashback' ELSE 'agent' END,
               CASE WHEN n %% 2 = 1 THEN 3 END, CASE WHEN n %% 10 <> 1 THEN {SOME_OWNER} END,
               CASE WHEN n %% 2 = 1 THEN n %% 5000 END, 1000, n, CASE WHEN n %% 10 = 1 THEN 0 ELSE n END,
               CASE WHEN n %% 10 = 1 THEN 'escrow:ZZ:' || n %% 5000 ELSE '' END,
               CASE WHEN n %% 1000 = 1 THEN {LONG_AGO} END, ''
        FROM {NUMBERS}""",
}


@dataclass(frozen=True)
class Timing:
    """One list asked in one way."""

    list: str
    asked: str
    median_ms: float
    slowest_ms: float
    statements: int


def main() -> int:
    django.setup()
    from marketplace.servers import using

    with using(settings.EMBEDDED_SERVERS), scratch_database():
        fill()
        timings = list(measure())
    show(timings)
    return 1 if any(timing.median_ms > LIMIT_MS for timing in timings) else 0


@contextmanager
def scratch_database() -> Iterator[None]:
    from django.core.management import call_command
    from django.db import connection

    keep = bool(os.environ.get("KEEP"))
    with connection._nodb_cursor() as cursor:
        if not keep:
            cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
        if not cursor.fetchone():
            cursor.execute(f"CREATE DATABASE {DATABASE}")
    connection.close()
    connection.settings_dict["NAME"] = DATABASE
    connection.settings_dict["OPTIONS"] = {}  # Filling takes longer than a request may.
    call_command("migrate", verbosity=0, interactive=False)
    yield
    connection.close()
    if not keep:
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")


def give_defaults() -> None:
    """Let columns have in the database what a model gives them, so that the rows above name what matters to lists."""
    from django.apps import apps
    from django.db import connection
    from django.db.models import NOT_PROVIDED

    with connection.cursor() as cursor:
        for model in apps.get_models():
            for column in model._meta.local_concrete_fields:
                is_made = column.has_default() and callable(column.default)  # A new value for each row.
                has_own = column.null or column.generated or column.db_default is not NOT_PROVIDED
                default = None if has_own or is_made or column.primary_key else column.get_default()
                if default is not None:
                    alter = f'ALTER TABLE "{model._meta.db_table}" ALTER COLUMN "{column.column}" SET DEFAULT %s'
                    cursor.execute(alter, [default])


def fill() -> None:
    from django.db import connection

    give_defaults()
    for table, statement in FILLED.items():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM (SELECT 1 FROM {table} LIMIT %s) AS found", [ROWS])
            if cursor.fetchone()[0] >= ROWS:
                continue
            began = time.perf_counter()
            cursor.execute(statement, {"rows": ROWS})
            cursor.execute(f"ANALYZE {table}")
            print(f"{table}: {ROWS:,} rows in {time.perf_counter() - began:.0f} s", file=sys.stderr)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def asked_of_lists() -> dict[str, Mapping[str, str]]:
    """What is asked of each list, beside its first and last page."""
    from core.ids import encode_key

    some, hot = ROWS // 2, "platform:fees"
    owner = "acc_" + f"{some // 3:X}".rjust(26, "0")
    wallet, hot_owner = f"wallet:{owner}", "acc_" + "1".rjust(26, "0")
    return {
        "ledger/ledgeraccount": {"code": f"q={wallet}", "prefix": "q=wallet:acc_00", "purpose": "purpose=debt"},
        "ledger/hold": {"key": f"q=order.paid:ord_{some}", "code": f"q={wallet}"},
        "ledger/batch": {"id": f"q={encode_key('bat', some)}"},
        "ledger/journal": {"id": f"q={encode_key('jrn', some)}", "batch": f"q={encode_key('bat', some)}"},
        "ledger/transfer": {
            "id": f"q={encode_key('trf', some * 256)}",
            "owner": f"q={owner}",
            "hot account": f"q={hot}",
        },
        "ledger/movement": {"batch": f"q={encode_key('bat', some)}", "hot account": f"q={hot}"},
        "events/eventrecord": {
            "id": f"q={encode_key('evt', some)}",
            "subject": f"q=ord_{some // 3}",
            "type": "type=order.paid",
            "rare type": "type=topup.reversed",
        },
        "events/delivery": {
            "id": f"q={encode_key('evt', some)}",
            "parked": "state=parked",
            "consumer": "consumer=billing",
            "parked of it": "consumer=billing&state=parked",
        },
        "billing/externalevent": {"key": f"q=sent:{some}", "sender": "q=svc_7"},
        "orders/order": {
            "id": f"q=ord_{some:026X}",
            "status": "status__exact=paid",
            "rare status": "status__exact=fulfilled",
        },
        "orders/checkout": {"id": f"q=chk_{some:026X}"},
        "orders/refund": {"id": f"q=rfd_{some:026X}"},
        "orders/refundrequest": {"rare status": "status__exact=open"},
        "orders/providerpayment": {"rare status": "status__exact=in_progress"},
        "orders/countertrade": {
            "order": f"q=ord_{some:026X}",
            "sequence": f"q=trm_{1:026X}:{some}",
            "hot till": f"q=trm_{1:026X}",
            "paid": "state=paid",
            "rare state": "state=pending",
            "rare way": "way=identity",
            "no such way": "way=phone",
            "refused": "refused=yes",
        },
        "orders/tillrequest": {"hot till": f"q=trm_{1:026X}", "tombstones": "kind=cancelled"},
        "orders/terminal": {"id": f"q=trm_{some:026X}"},
        "wallets/paycode": {"refused": "state=refused", "unused": "state=unused"},
        "wallets/providerattempt": {"payment": f"q=top_{some:026X}", "unanswered": "answer=none"},
        "catalog/item": {
            "id": f"q=itm_{some:026X}",
            "words": f"q=teapot+{some}",
            "rare status": "status__exact=paused",
        },
        "catalog/store": {"id": f"q=sto_{some:026X}"},
        "accounts/account": {"id": f"q={owner}", "name": f"q=bench-{some}", "operators": "is_staff__exact=1"},
        "accounts/session": {"id": f"q=ses_{some:026X}", "owner": f"q={hot_owner}"},
        "wallets/topup": {"id": f"q=top_{some:026X}", "owner": f"q={owner}", "hot owner": f"q={hot_owner}"},
        "wallets/withdrawal": {"id": f"q=wdr_{some:026X}", "hot owner": f"q={hot_owner}"},
        "wallets/earning": {"order": f"q=ord_{some}", "owner": f"q={owner}", "hot owner": f"q={hot_owner}"},
        "wallets/debt": {"subject": f"q=ord_{some}", "hot owner": f"q={hot_owner}"},
        "sharing/shareprogram": {
            "id": f"q=spr_{some:026X}",
            "item": f"q=itm_{some:026X}",
            "in force": "state=in_force",
            "ended": "state=ended",
        },
        "sharing/scan": {
            "one": f"q={encode_key('scn', some)}",
            "hot share": f"q=shr_{2:026X}",
            "hot share, rare class": f"q=shr_{2:026X}&class=self",
            "rare class": "class=self",
        },
        "sharing/share": {
            "id": f"q=shr_{some:026X}",
            "program": f"q=spr_{some:026X}",
            "item": f"q=itm_{some:026X}",
            "hot sharer": f"q={hot_owner}",
        },
        "distribution/allocation": {
            "id": f"q={encode_key('alc', some)}",
            "order": f"q=ord_{some}",
            "owner": f"q={owner}",
            "hot owner": f"q={hot_owner}",
            "role": "role__exact=agent",
            "rare role": "role__exact=merchant_referrer",
            "escrow": "kept=now",
            "given up": "kept=given_up",
            "no such state": "kept=given",
        },
        "billing/unpostedevent": {"id": f"q={encode_key('evt', 50_000)}", "type": "type=order.paid"},
        "billing/journalreversal": {"state": "state=requested"},
        "core/job": {"id": "q=job_none"},
        "billing/ruleset": {},
        "billing/servicekey": {},
        "billing/eventtype": {},
    }


def measure() -> Iterator[Timing]:
    from django.test import Client
    from django.test.utils import setup_test_environment

    from accounts.models import Account
    from accounts.sessions import open_session

    setup_test_environment()
    logging.disable(logging.INFO)
    operator = Account.objects.filter(username="olga").first() or Account.objects.create_superuser("olga")
    client = Client()
    client.force_login(operator)
    open_session(account=operator, token=client.session.session_key)
    for path in PAGES:
        yield timed(client, path, "page", "")
    for path, queries in asked_of_lists().items():
        pages = client.get(f"/admin/{path}/").context["cl"].paginator.num_pages
        everything = {"first page": "", "last page": f"p={pages}", **queries}
        for asked, query in everything.items():
            yield timed(client, path, asked, query)


def timed(client: object, path: str, asked: str, query: str) -> Timing:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    url = f"/admin/{path}/?{query}" if path else "/admin/"
    milliseconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        answer = client.get(url)  # type: ignore[attr-defined]
        milliseconds.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200, (path, query, answer.status_code, answer.headers)
    with CaptureQueriesContext(connection) as seen:
        client.get(url)  # type: ignore[attr-defined]
    return Timing(path or "start", asked, statistics.median(milliseconds), max(milliseconds), len(seen))


def show(timings: list[Timing]) -> None:
    print(f"{ROWS:,} rows in each table, {ROUNDS} rounds, milliseconds")
    print(f"{'list':24} {'asked for':14} {'median':>8} {'slowest':>8} {'statements':>11}")
    for t in timings:
        late = "  too slow" if t.median_ms > LIMIT_MS else ""
        print(f"{t.list:24} {t.asked:14} {t.median_ms:8.0f} {t.slowest_ms:8.0f} {t.statements:11}{late}")


if __name__ == "__main__":
    sys.exit(main())
