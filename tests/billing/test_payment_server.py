"""An outside payment server uses the engine alone: everything over HTTP, from the type to the trial balance."""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import F, Sum

from accounts.models import Account
from billing.models import ExternalEvent
from billing.services import external_events
from core import clock
from ledger.models import LedgerAccount
from tests.billing.test_api import SHIPPED
from tests.conftest import Api, make_account
from tests.money_facts import book

TYPE = "parking.paid"
DECLARED = {
    "type": TYPE,
    "parties": [
        {"name": "operator", "is": "account"},
        {"name": "driver", "is": "account"},
        {"name": "desk", "is": "ledger"},
    ],
    "amounts": [{"name": "gross"}, {"name": "tax", "part_of": "gross"}, {"name": "tip"}],
    "parameters": ["zone"],
    "external": True,
}


def line(debit: str, credit: str, amount: Any) -> dict[str, Any]:
    return {"debit": debit, "credit": credit, "amount": amount}


RULES = [
    {
        "name": "cut by rate",
        "match": {},
        "transfers": [
            line("{desk}", "wallet:{operator}", {"rest_of": "gross"}),
            line("{desk}", "platform:fees", {"of": "gross", "bps": 60}),
            line("{desk}", "platform:fund", {"of": "gross", "bps": 5}),
            line("{desk}", "wallet:{operator}", "tip"),
        ],
    },
    {
        "name": "the centre is taxed",
        "match": {"zone": "centre", "channel": "meter"},
        "transfers": [
            line("{desk}", "wallet:{operator}", {"rest_of": "gross"}),
            line("{desk}", "platform:tax", "tax"),
            line("wallet:{driver}", "wallet:{operator}", "tip"),
        ],
    },
]


class Town:
    """Two operators, one who parks and one who is paid, and a payment server with a key."""

    def __init__(self, daily_limit: dict[str, Any] | None = None) -> None:
        self.office, self.second = (Api(make_account(operator=True)) for _ in range(2))
        self.garage, self.driver = make_account(side="seller"), make_account()
        assert self.office.post("/billing/event-types", DECLARED).status_code == 201
        document = SHIPPED | {"types": SHIPPED["types"] | {TYPE: RULES}}
        self.version = self.office.post("/billing/rule-sets", document).json()["id"]
        assert self.office.post(f"/billing/rule-sets/{self.version}/check").json()["ok"] is True
        refused = self.office.post(f"/billing/rule-sets/{self.version}/activate", {})
        assert (refused.status_code, refused.json()["code"]) == (409, "second_person_required")
        active = self.second.post(f"/billing/rule-sets/{self.version}/activate", {})
        assert active.status_code == 200
        self.since = active.json()["effective_from"]
        wanted = {"name": "City payments", "types": [TYPE], "daily_limit": daily_limit}
        made = self.office.post("/service-keys", wanted).json()
        self.key, self.key_id = made["key"], made["id"]
        self.attempts = 0

    def event(self, key: str, **changes: Any) -> dict[str, Any]:
        return {
            "type": TYPE,
            "key": key,
            "parameters": {"zone": "harbour"},
            "parties": {"operator": self.garage.public_id, "driver": self.driver.public_id, "desk": "cash:city"},
            "amounts": {"gross": 10_001, "tip": 5},
            "currency": "GBP",
            "occurred_at": self.since,
        } | changes

    def send(self, body: dict[str, Any]) -> Any:
        self.attempts += 1
        attempt = f"attempt-{self.attempts}-{threading.get_ident()}"
        return Api(None).post("/billing/events", body, key=attempt, authorization=f"Service {self.key}")

    def booked(self, event: str) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
        state = self.office.get(f"/billing/events/{event}").json()
        assert state["status"] == "booked", state
        journal = self.office.get(f"/ledger/journals/{state['journal']}").json()
        return journal, [(t["debit"], t["credit"], t["amount"]) for t in journal["transfers"]]


WRONG: list[tuple[dict[str, Any], int, str]] = [
    ({"type": "wallet.topped_up"}, 403, "event_type_internal"),
    ({"type": "order.paid"}, 403, "event_type_internal"),
    ({"type": "never.declared"}, 422, "unknown_event_type"),
    ({"type": "párking.paid"}, 422, "unknown_event_type"),
    ({"parameters": {"colour": "red"}}, 422, "unknown_parameter"),
    ({"parameters": {"operator": "acc_x"}}, 422, "unknown_parameter"),
    ({"parameters": {"holds": "1"}}, 422, "unknown_parameter"),
    ({"parameters": {"undoes": "x"}}, 422, "unknown_parameter"),
    ({"parameters": {"zone": ""}}, 422, "blank"),
    ({"parameters": {"zone": "z" * 121}}, 422, "max_length"),
    ({"parameters": {"zone": 7}}, 422, "invalid"),
    ({"parameters": {"currency": "EUR"}}, 422, "currency_invalid"),
    ({"currency": "gbp"}, 422, "currency_invalid"),
    ({"amounts": {"gross": 1}}, 422, "bad_amounts"),
    ({"amounts": {"gross": 1, "tip": 0, "tax": 2}}, 422, "bad_amounts"),
    ({"amounts": {"gross": 1, "tip": 0, "gross_minor": 1}}, 422, "bad_amounts"),
    ({"amounts": {"gross": -1, "tip": 0}}, 422, "amount_invalid"),
    ({"amounts": {"gross": 2**53, "tip": 0}}, 422, "amount_invalid"),
    ({"amounts": {"gross": 1.0, "tip": 0}}, 422, "amount_invalid"),
    ({"amounts": {"gross": True, "tip": 0}}, 422, "amount_invalid"),
    ({"occurred_at": "2999-01-01T00:00:00Z"}, 422, "occurred_in_future"),
    ({"occurred_at": "2026-05-01T12:00:00"}, 422, "time_invalid"),
    ({"key": ""}, 422, "blank"),
    ({"key": "k" * 121}, 422, "max_length"),
    ({"subject": "s" * 51}, 422, "max_length"),
    ({"holds": [1]}, 422, "unknown_field"),
]
NOT_TO_BE_NAMED = [
    {"operator": "acc_01JAAAAAAAAAAAAAAAAAAAAAAA"},
    {"operator": "cash:city"},
    {"operator": ""},
    {"operator": "wallet:{operator}"},
    {"desk": "wallet:SOMEBODY"},
    {"desk": "wallet"},
    {"desk": "pending:SOMEBODY"},
    {"desk": "debt:SOMEBODY"},
    {"desk": "platform:fees"},
    {"desk": "escrow:31"},
    {"desk": "SOMEBODY"},
    {"desk": "{operator}"},
    {"desk": "Cash:city"},
    {"desk": "cash:cité"},
    {"desk": "cash:ci\nty"},
    {"desk": "cash:" + "c" * 76},
    {"stranger": "cash:city"},
]


@pytest.mark.django_db
class TestAPaymentServer:
    def test_uses_the_engine_alone(self) -> None:
        town = Town()
        wallet = f"wallet:{town.garage.public_id}"
        first = town.send(town.event("p-1"))
        taxed = town.send(
            town.event(
                "p-2",
                parameters={"zone": "centre", "channel": "meter"},
                amounts={"gross": 1000, "tax": 190, "tip": 0},
                subject="ticket 7",
            )
        )
        assert (first.status_code, first.json()["status"]) == (202, "pending")
        book()

        journal, transfers = town.booked(first.json()["id"])
        assert transfers == [
            ("cash:city", wallet, 9936),
            ("cash:city", "platform:fees", 60),
            ("cash:city", "platform:fund", 5),
            ("cash:city", wallet, 5),
        ]
        assert (journal["rule_set"], journal["rule"]) == (town.version, "cut by rate")
        taxed_journal, transfers = town.booked(taxed.json()["id"])
        assert transfers == [("cash:city", wallet, 810), ("cash:city", "platform:tax", 190)]

        transfer = taxed_journal["transfers"][0]["id"]
        why = town.office.get(f"/ledger/transfers/{transfer}/explain").json()
        assert why["path"] == [TYPE, {"zone": "centre", "channel": "meter"}, "the centre is taxed"]
        assert why["near_misses"] == [{"rule": "cut by rate", "why_not": "less specific"}]
        assert (why["rule_set"]["version"], why["batch"]["trigger"], why["retried"]) == (2, "manual", False)
        first_transfer = journal["transfers"][0]["id"]
        why = town.office.get(f"/ledger/transfers/{first_transfer}/explain").json()
        assert why["near_misses"] == [{"rule": "the centre is taxed", "why_not": "parameter zone is harbour"}]

        (trial,) = town.office.get("/ledger/trial-balance").json()["currencies"]
        assert (trial["currency"], trial["debits"], trial["credits"], trial["difference"]) == ("GBP", 11_006, 11_006, 0)
        seen = [row for row in town.office.get("/billing/coverage").json()["types"] if row["type"] == TYPE]
        assert [(row["configuration"], row["state"], row["count"], row["rule"]) for row in seen] == [
            ({}, "covered", 0, "cut by rate"),
            ({"zone": "centre", "channel": "meter"}, "covered", 1, "the centre is taxed"),
            ({"zone": "harbour"}, "covered", 1, "cut by rate"),
        ]

    def test_repeats_what_it_sent_as_often_as_it_likes(self) -> None:
        town = Town()
        first = town.send(town.event("p-1")).json()
        book()
        again = town.send(town.event("p-1"))
        other = town.send(town.event("p-1", amounts={"gross": 10_002, "tip": 5}))

        assert (again.status_code, again.json()) == (202, {"id": first["id"], "status": "booked"})
        assert (other.status_code, other.json()["code"]) == (409, "event_key_reused")
        assert ExternalEvent.objects.count() == 1

    def test_is_told_what_is_wrong_and_nothing_is_kept(self) -> None:
        town = Town()
        for changes, status, code in WRONG:
            answer = town.send(town.event("p-1") | changes)
            assert (answer.status_code, answer.json()["code"]) == (status, code), changes

        assert not ExternalEvent.objects.exists()

    def test_names_accounts_and_the_worlds_ledger_accounts_and_nobodys_money(self) -> None:
        """What a wallet gives is for rules to say, by its owner as a party; an event cannot point at one."""
        town = Town()
        for named in NOT_TO_BE_NAMED:
            parties = town.event("")["parties"] | {
                name: value.replace("SOMEBODY", town.driver.public_id) for name, value in named.items()
            }
            answer = town.send(town.event("p-1", parties=parties))
            assert answer.status_code == 422, named
            assert answer.json()["code"] in ("bad_party", "blank", "max_length"), named

        assert not ExternalEvent.objects.exists()

    def test_takes_no_more_out_of_a_wallet_than_is_in_it(self) -> None:
        """A rule may debit a party's wallet; cover holds for it as for everybody."""
        town = Town()
        sent = town.send(town.event("p-1", parameters={"zone": "centre", "channel": "meter"})).json()
        book()

        unposted = town.office.get("/billing/events", {"status": "unposted"}).json()["results"]
        assert [(event["id"], event["reason"]) for event in unposted] == [(sent["id"], "insufficient_cover")]
        (row,) = [r for r in town.office.get("/billing/coverage").json()["types"] if r["state"] == "unposted"]
        assert (row["count"], row["reasons"], row["oldest"]) == (1, {"insufficient_cover": 1}, town.since)

    def test_is_set_aside_where_both_sides_are_one_account(self) -> None:
        town = Town()
        parties = town.event("")["parties"] | {"driver": town.garage.public_id}
        body = town.event("p-1", parties=parties, parameters={"zone": "centre", "channel": "meter"})
        sent = town.send(body).json()
        without_tip = town.send(body | {"key": "p-2", "amounts": {"gross": 7, "tip": 0}}).json()
        book()

        assert town.office.get(f"/billing/events/{sent['id']}").json()["reason"] == "same_account"
        assert town.booked(without_tip["id"])[1] == [("cash:city", f"wallet:{town.garage.public_id}", 7)]

    def test_may_say_what_happens_within_five_minutes(self) -> None:
        town = Town()
        now = clock.now()
        soon = town.event("p-1", occurred_at=(now + timedelta(minutes=5)).isoformat())
        later = town.event("p-2", occurred_at=(now + timedelta(minutes=5, seconds=30)).isoformat())

        assert town.send(soon).status_code == 202
        assert town.send(later).json()["code"] == "occurred_in_future"

    def test_sends_amounts_as_large_as_amounts_are(self) -> None:
        town = Town()
        largest = 2**53 - 1
        sent = town.send(town.event("p-1", amounts={"gross": largest, "tip": largest})).json()
        nothing = town.send(town.event("p-2", amounts={"gross": 0, "tip": 0})).json()
        book()

        assert sum(amount for _debit, _credit, amount in town.booked(sent["id"])[1]) == 2 * largest
        assert town.booked(nothing["id"])[1] == []

    def test_is_set_aside_where_an_accounts_totals_cannot_be_counted_and_holds_up_nobody(self) -> None:
        """Totals only grow and are bigints: a thousand of the largest amounts fill one."""
        town = Town()
        town.send(town.event("p-1"))
        book()
        almost_full = 2**63 - 1 - 20_000
        LedgerAccount.objects.filter(code="cash:city").update(
            debits_minor=F("debits_minor") + almost_full, credits_minor=F("credits_minor") + almost_full
        )
        beyond = town.send(town.event("p-2", amounts={"gross": 30_000, "tip": 0})).json()
        within = town.send(town.event("p-3", amounts={"gross": 100, "tip": 0})).json()
        book()

        assert town.office.get(f"/billing/events/{beyond['id']}").json()["reason"] == "account_full"
        assert sum(amount for _debit, _credit, amount in town.booked(within["id"])[1]) == 100

    def test_an_operators_own_events_need_a_second_one_beyond_the_daily_setting(self, settings: Any) -> None:
        settings.OPERATOR_EVENTS_DAILY_MINOR_MAX = 100
        town = Town()
        body = {"amounts": {"gross": 60, "tip": 0}}

        first = town.office.post("/billing/events", town.event("p-1", **body), key="1")
        beyond = town.office.post("/billing/events", town.event("p-2", **body), key="2")
        by_another = town.second.post("/billing/events", town.event("p-2", **body), key="3")

        assert (first.status_code, by_another.status_code) == (202, 202)
        assert (beyond.status_code, beyond.json()["code"]) == (403, "second_person_required")


@pytest.mark.django_db
class TestDeclaring:
    """A type of one's own never stands in for what the house itself says."""

    @pytest.mark.parametrize(
        "type_",
        ["order.paid", "journal.reversed", "share.charged", "commission.accrued", "store.opened", "account.registered"],
    )
    def test_the_houses_own_events_are_taken(self, api: Callable[..., Any], operator: Account, type_: str) -> None:
        answer = api(operator).post("/billing/event-types", DECLARED | {"type": type_})

        assert (answer.status_code, answer.json()["code"]) == (409, "type_exists")

    @pytest.mark.parametrize(
        "changes",
        [
            {"type": "Parking.paid"},
            {"type": "párking.paid"},
            {"type": "parking.\npaid"},
            {"type": "parking..paid"},
            {"type": "a.b.c.d.e"},
            {"parties": [{"name": "holds", "is": "account"}]},
            {"parties": [{"name": "zone", "is": "account"}]},
            {"parties": [{"name": "gross_minor", "is": "ledger"}]},
            {"parties": [{"name": "currency", "is": "ledger"}]},
            {"parameters": ["undoes"]},
            {"parameters": ["Zone"]},
            {"amounts": [{"name": "gross"}, {"name": "gross"}]},
            {"amounts": [{"name": "fee", "part_of": "gross"}]},
            {"amounts": [{"name": "gross"}, {"name": "fee", "part_of": "gross"}, {"name": "vat", "part_of": "fee"}]},
        ],
    )
    def test_a_declaration_that_contradicts_itself_is_refused(
        self, api: Callable[..., Any], operator: Account, changes: dict[str, Any]
    ) -> None:
        answer = api(operator).post("/billing/event-types", DECLARED | changes)

        assert (answer.status_code, answer.json()["code"]) == (422, "event_type_invalid")


class TestTheDailyLimit:
    """It is exact, however many send at the same moment."""

    LIMIT = {"amount": 100, "currency": "GBP"}

    @pytest.mark.django_db
    def test_counts_wholes_of_its_currency_and_day(self) -> None:
        town = Town(self.LIMIT)
        exact = town.send(town.event("p-1", amounts={"gross": 60, "tax": 30, "tip": 40}))
        beyond = town.send(town.event("p-2", amounts={"gross": 1, "tip": 0}))
        nothing = town.send(town.event("p-3", amounts={"gross": 0, "tip": 0}))
        foreign = town.send(town.event("p-4", currency="EUR", amounts={"gross": 1, "tip": 0}))
        repeated = town.send(town.event("p-1", amounts={"gross": 60, "tax": 30, "tip": 40}))

        assert [answer.status_code for answer in (exact, beyond, nothing, foreign, repeated)] == [
            202,
            409,
            202,
            409,
            202,
        ]
        assert beyond.json()["code"] == foreign.json()["code"] == "daily_limit_exceeded"
        yesterday = datetime.now(UTC) - timedelta(days=1)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(external_events, "_today", lambda: yesterday + timedelta(days=2))
            assert town.send(town.event("p-2", amounts={"gross": 1, "tip": 0})).status_code == 202

    @pytest.mark.django_db
    def test_of_the_largest_amount_is_not_passed_by_two_wholes(self) -> None:
        town = Town({"amount": 2**53 - 1, "currency": "GBP"})

        assert town.send(town.event("p-1", amounts={"gross": 2**53 - 1, "tip": 1})).status_code == 409

    def outcomes(self, race: Callable[..., list[Any]]) -> tuple[list[int], int]:
        town = Town(self.LIMIT)
        bodies = [town.event(f"p-{n}", amounts={"gross": 40, "tip": 0}) for n in range(4)]
        answers = race(*[lambda body=body: town.send(body) for body in bodies])
        sent = ExternalEvent.objects.aggregate(sent=Sum("total_minor"))["sent"]
        return sorted(answer.status_code for answer in answers), sent

    def test_holds_for_four_at_once(self, committed_db: Any, race: Callable[..., list[Any]]) -> None:
        assert self.outcomes(race) == ([202, 202, 409, 409], 80)

    def test_would_be_passed_without_the_lock(
        self, committed_db: Any, race: Callable[..., list[Any]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The control: all four look before anybody writes."""
        all_looked = threading.Barrier(4)
        look = external_events._sent_today_minor

        def look_together(*asked: Any) -> int:
            found = look(*asked)
            with suppress(threading.BrokenBarrierError):
                all_looked.wait(10)
            return found

        monkeypatch.setattr(external_events, "_lock_sender", lambda _sender: None)
        monkeypatch.setattr(external_events, "_sent_today_minor", look_together)

        assert self.outcomes(race) == ([202, 202, 202, 202], 160)
