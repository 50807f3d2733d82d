"""
The events that booking is measured with: three transfers each, ten thousand accounts, one hot account.

They are of declared types, as a payment server of somebody else's would send them. `sale.made`: a deposit
pays a seller's wallet, a platform's fee (the hot account) and an agent's wallet. `sale.spread` has a third
wallet in the platform's place; in `sale.hot` all three transfers go out of one account.
"""

from typing import Any

OWNERS = 5000  # Each with a deposit and a wallet: 10,000 accounts, beside the hot one.
TRANSFERS_PER_EVENT = 3
MADE, SPREAD, HOT = "sale.made", "sale.spread", "sale.hot"

HOT_CODE = "platform:fees"
PARTIES = ("customer", "seller", "agent", "sharer")
FEE = {
    MADE: ("deposit:{customer}", HOT_CODE),
    SPREAD: ("deposit:{customer}", "wallet:{sharer}"),
    HOT: ("platform:payouts", "wallet:{sharer}"),
}

_RECORD = """
WITH given AS (
    SELECT n, 1 + floor(random() * %(owners)s)::int AS customer, 1 + floor(random() * %(owners)s)::int AS seller,
           1 + floor(random() * %(owners)s)::int AS agent, 1 + floor(random() * %(owners)s)::int AS sharer,
           1000 + floor(random() * 100000)::int AS gross
    FROM generate_series(1, %(events)s) AS n
), recorded AS (
    INSERT INTO events_eventrecord (type, key, subject, payload, occurred_at, recorded_at)
    SELECT %(type)s, %(round)s || ':' || n, %(round)s || ':' || n,
           jsonb_build_object('currency', 'GBP', 'institution', 'ACME', 'channel', 'online',
               'customer', 'acc_' || lpad(customer::text, 26, '0'), 'seller', 'acc_' || lpad(seller::text, 26, '0'),
               'agent', 'acc_' || lpad(agent::text, 26, '0'), 'sharer', 'acc_' || lpad(sharer::text, 26, '0'),
               'gross_minor', gross, 'fee_minor', gross / 20, 'commission_minor', gross / 50),
           now(), now() - interval '1 minute'
    FROM given ORDER BY n
    RETURNING id, subject
)
INSERT INTO events_delivery (consumer, event_id, subject) SELECT 'billing', id, subject FROM recorded ORDER BY id
"""


def declare() -> None:
    """The three event types."""
    from billing.models import EventType

    for type_ in FEE:
        EventType.objects.create(
            type=type_,
            parties=[{"name": name, "is": "account"} for name in PARTIES],
            amounts=[
                {"name": "gross"},
                {"name": "fee", "part_of": "gross"},
                {"name": "commission", "part_of": "gross"},
            ],
            parameters=["institution", "channel", "currency"],
            external=True,
        )


def put_in_force(**batch: int) -> None:
    """Another version of the rules, whose batch settings differ from the shipped ones by these."""
    from billing.models import RuleSet

    latest = RuleSet.objects.order_by("-version").first()
    document = {**latest.document, "types": {**latest.document["types"], **{type_: [rule(type_)] for type_ in FEE}}}
    document["batch"] = {**RuleSet.objects.get(version=1).document["batch"], **batch}
    RuleSet.objects.create(
        name="benchmark", version=latest.version + 1, document=document, status=RuleSet.Status.ACTIVE
    )


def record(type_: str, events: int, round_: str) -> None:
    """Record events for billing to book, a minute old; in one statement, as if they had come in before."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(_RECORD, {"type": type_, "events": events, "owners": OWNERS, "round": f"{type_}:{round_}"})
        cursor.execute("ANALYZE events_eventrecord, events_delivery")


def wallet_code(number: int) -> str:
    return f"wallet:acc_{number:026d}"


def rule(type_: str) -> dict[str, Any]:
    debit, third = FEE[type_]
    lines = [(debit, "wallet:{seller}", {"rest_of": "gross"}), (debit, third, "fee")]
    lines.append((debit, "wallet:{agent}", "commission"))
    return {
        "name": "default",
        "match": {},
        "transfers": [{"debit": paid_by, "credit": paid_to, "amount": amount} for paid_by, paid_to, amount in lines],
    }
