"""The operators' pages of the outbox, the book and the rules."""

from collections.abc import Callable

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.test import Client

from accounts.actor import Actor
from accounts.models import Account
from billing.models import EventType, ExternalEvent, RuleSet, ServiceKey
from billing.services.service_keys import create_service_key, find_service_key
from core.ids import encode_key
from events.models import Delivery, EventRecord
from events.services import Emitted
from ledger.codes import pending, wallet
from ledger.models import Batch, Hold, Journal, LedgerAccount, Movement, Transfer
from tests.conftest import Statements
from tests.money_facts import account_id, book, pay, record, top_up

Browser = Callable[[Account], Client]

MONEY = (LedgerAccount, Hold, Batch, Journal, Transfer, Movement, EventRecord, Delivery, ExternalEvent)
RULES = (RuleSet, EventType, ServiceKey)


@pytest.fixture
def pages(operator: Account, browser: Browser) -> Client:
    """An operator's browser."""
    return browser(operator)


@pytest.fixture
def sale(db: None) -> Emitted:
    """Anna has paid Ben, and it is booked."""
    anna, ben = account_id(), account_id()
    top_up(anna, 5000)
    book()
    sold = pay(anna, ben, 1250, 62)
    book()
    return sold


def url(model: type, *parts: object) -> str:
    path = "".join(f"{part}/" for part in parts)
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/{path}"  # type: ignore[attr-defined]


def found(pages: Client, model: type, query: str) -> list:
    answer = pages.get(url(model), {"q": query})
    assert answer.status_code == 200
    return list(answer.context["cl"].result_list)


class TestNobodyEditsBookedRows:
    """Money tables and rules are for reading, for a superuser too."""

    @pytest.mark.parametrize("model", [*MONEY, *RULES], ids=lambda model: model.__name__)
    def test_rows_can_be_neither_added_nor_changed_nor_deleted(self, pages, sale, model):
        rights = admin.site._registry[model]
        request = pages.get(url(model)).wsgi_request
        assert rights.has_view_permission(request)
        assert not rights.has_add_permission(request)
        assert not rights.has_change_permission(request)
        assert not rights.has_delete_permission(request)
        assert pages.get(url(model, "add")).status_code == 403

    def test_posting_a_change_is_refused(self, pages, sale):
        journal = Journal.objects.get(pk=sale.id)

        assert pages.post(url(Journal, journal.pk, "change"), {"rule": "mine"}).status_code == 403
        assert pages.post(url(Journal, journal.pk, "delete"), {"post": "yes"}).status_code == 403
        assert Journal.objects.get(pk=sale.id).rule == "default"

    def test_the_list_offers_no_deletion(self, pages, sale):
        assert "delete_selected" not in pages.get(url(Delivery)).content.decode()

    @pytest.mark.parametrize("model", [Batch, Journal, Transfer, Movement, LedgerAccount, EventRecord, RuleSet])
    def test_every_row_has_a_page_to_read(self, pages, sale, model):
        answer = pages.get(url(model, model.objects.latest("pk").pk, "change"))
        assert answer.status_code == 200

    @pytest.mark.parametrize("side", ["buyer", "seller"])
    def test_who_is_no_operator_stays_outside(self, browser, new_account, side):
        assert browser(new_account(side=side)).get(url(Journal)).status_code == 302

    def test_an_operator_without_rights_sees_nothing(self, browser, new_account):
        clerk = browser(new_account(operator=True, is_superuser=False))
        assert clerk.get(url(Journal)).status_code == 403
        assert clerk.get("/admin/").status_code == 200


class TestSearching:
    """Public ids and codes find exactly what they name."""

    def test_any_public_id_of_a_sale_leads_to_its_journal(self, pages, sale):
        journal = Journal.objects.get(pk=sale.id)
        transfer = Transfer.objects.filter(batch_id=journal.batch_id).latest("id")
        for name in (
            journal.public_id,
            sale.public_id,
            transfer.public_id,
            encode_key("bat", journal.batch_id),
            f"  {journal.public_id} ",
        ):
            assert found(pages, Journal, name) == [journal]

    def test_an_event_is_found_by_its_id_its_key_and_its_subject(self, pages, sale):
        event = EventRecord.objects.get(pk=sale.id)
        for name in (event.public_id, event.key, event.subject):
            assert found(pages, EventRecord, name) == [event]

    def test_an_account_is_found_by_how_its_code_begins(self, pages, sale):
        payload = EventRecord.objects.get(pk=sale.id).payload
        assert [a.code for a in found(pages, LedgerAccount, "platform:f")] == ["platform:fees"]
        assert [a.code for a in found(pages, LedgerAccount, "platform:fees gbp")] == ["platform:fees"]
        assert found(pages, LedgerAccount, "platform:fees EUR") == []
        assert [a.code for a in found(pages, LedgerAccount, payload["seller"])] == [pending(payload["seller"])]

    def test_an_accounts_code_finds_its_transfers_and_movements(self, pages, sale):
        payload = EventRecord.objects.get(pk=sale.id).payload
        assert len(found(pages, Transfer, "platform:fees")) == 1
        assert len(found(pages, Transfer, wallet(payload["payer"]))) == 3
        assert len(found(pages, Movement, payload["payer"])) == 2

    def test_a_journals_id_finds_its_transfers(self, pages, sale):
        assert {t.journal_id for t in found(pages, Transfer, encode_key("jrn", sale.id))} == {sale.id}

    def test_a_hold_is_found_by_what_it_is_for_and_by_its_account(self, pages, db):
        anna = account_id()
        top_up(anna, 900)
        book()
        waiting = pay(anna, account_id(), 500)
        hold = Hold.objects.get()
        assert found(pages, Hold, waiting.key) == [hold]
        assert found(pages, Hold, wallet(anna)) == [hold]
        assert found(pages, Hold, "order.paid:nothing") == []

    @pytest.mark.parametrize("model", MONEY, ids=lambda model: model.__name__)
    @pytest.mark.parametrize(
        "nonsense", ["trf_ZZZZZZZZZZZZZ", "jrn_!", "%", "1 OR 1=1", "é" * 300, "bat_", "9" * 40, "acc_x y"]
    )
    def test_nonsense_finds_nothing(self, pages, sale, model, nonsense):
        assert found(pages, model, nonsense) == []


class TestFiltering:
    """Filters know what there is without reading every row."""

    def test_events_are_filtered_by_the_types_that_have_happened(self, pages, sale):
        answer = pages.get(url(EventRecord), {"type": "order.paid"})
        choices = [title for _value, title in answer.context["cl"].filter_specs[0].lookup_choices]
        assert choices == ["order.paid", "wallet.topped_up"]
        assert [event.pk for event in answer.context["cl"].result_list] == [sale.id]

    def test_accounts_are_filtered_by_purpose(self, pages, sale):
        answer = pages.get(url(LedgerAccount), {"purpose": "pending"})
        assert [account.code.split(":")[0] for account in answer.context["cl"].result_list] == ["pending"]


class TestSpeed:
    """A list's statements do not grow with its rows."""

    @pytest.mark.parametrize("model", MONEY, ids=lambda model: model.__name__)
    def test_a_list_of_thirty_takes_the_statements_of_a_list_of_one(self, pages, sale, model, statements):
        held_back = pay_without_booking()
        pages.get(url(model))  # Warm: what is looked up once a process.
        few = count_statements(pages, model, statements)
        for _ in range(30):
            held_back()
        many = count_statements(pages, model, statements)
        assert few <= many <= 7
        assert many == few

    def test_late_pages_are_not_offered(self, monkeypatch, pages, sale):
        for _ in range(9):
            top_up(account_id(), 5)
        monkeypatch.setattr("core.admin.house.COUNTED_EXACTLY_MAX", 4)
        monkeypatch.setattr("core.admin.house.estimated_rows", lambda model: 1_000_000)
        monkeypatch.setattr(admin.site._registry[EventRecord], "list_per_page", 2)
        listed = pages.get(url(EventRecord)).context["cl"]
        assert listed.paginator.count == 1_000_000
        assert listed.paginator.num_pages == 2


def pay_without_booking() -> Callable[[], object]:
    """More of everything: events, deliveries, holds, and what a booked top-up makes."""
    anna, ben = account_id(), account_id()
    top_up(anna, 1_000_000)
    book()

    def another() -> None:
        top_up(account_id(), 5)
        book()
        sent = pay(anna, ben, 10, 1)
        ExternalEvent.objects.create(
            event_id=sent.id, key=sent.key, body_digest="", sent_by="svc_x", total_minor=10, currency="GBP"
        )

    another()
    return another


def count_statements(pages: Client, model: type, statements: Callable[[], Statements]) -> int:
    with statements() as seen:
        pages.get(url(model))
    return len(seen)


class TestParkedDeliveries:
    """What is impossible is seen by everybody and put back by those who may."""

    @pytest.fixture
    def parked(self, db: None) -> Delivery:
        record("debt.repaid", owner=account_id(), amount_minor=5)
        book()
        return Delivery.objects.get()

    def test_the_sidebar_of_every_page_counts_them(self, pages, parked):
        rooms = pages.get(url(Journal)).context["sidebar_navigation"]
        badges = {item["title"]: item["badge"] for room in rooms for item in room["items"]}
        assert badges["Deliveries"] == "1"

    def test_they_are_listed_with_their_error_and_age(self, pages, parked):
        text = pages.get(url(Delivery), {"state": "parked"}).content.decode()
        assert "insufficient_cover" in text
        assert "minutes" in text
        assert encode_key("evt", parked.event_id) in text

    def test_they_are_put_back_in_their_place(self, pages, parked, django_capture_on_commit_callbacks):
        with django_capture_on_commit_callbacks() as rung:
            pages.post(url(Delivery), {"action": "try_again", "_selected_action": [parked.pk], "index": "0"})

        parked.refresh_from_db()
        assert (parked.parked_at, parked.error_code, parked.attempts) == (None, "", 0)
        assert len(rung) == 1
        assert LogEntry.objects.get().change_message == "Put back after insufficient_cover."

    def test_who_may_only_look_cannot_put_them_back(self, parked, browser, new_account):
        clerk = new_account(operator=True, is_superuser=False)
        clerk.user_permissions.add(permission("events", "view_delivery"))
        pages = browser(clerk)

        assert "insufficient_cover" in pages.get(url(Delivery)).content.decode()
        pages.post(url(Delivery), {"action": "try_again", "_selected_action": [parked.pk], "index": "0"})

        parked.refresh_from_db()
        assert parked.parked_at is not None


class TestServiceKeys:
    """Payment servers' keys are never shown, and can be ended at once."""

    def test_a_revoked_key_stops(self, pages, operator):
        row, key = create_service_key(
            name="parking", types=["wallet.topped_up"], daily_limit=None, actor=Actor(login=operator, acting=operator)
        )
        assert find_service_key(key) == row
        assert row.key_digest not in pages.get(url(ServiceKey)).content.decode()

        pages.post(url(ServiceKey), {"action": "revoke", "_selected_action": [row.pk], "index": "0"})

        assert find_service_key(key) is None

    def test_it_is_revoked_on_its_own_page(self, pages, operator):
        row, key = create_service_key(
            name="parking", types=["wallet.topped_up"], daily_limit=None, actor=Actor(login=operator, acting=operator)
        )
        button = f"{url(ServiceKey, row.pk)}to-revoke/"
        assert button in pages.get(url(ServiceKey, row.pk, "change")).content.decode()

        assert pages.get(url(ServiceKey, row.pk, "revoke")).status_code == 200
        assert find_service_key(key) == row
        pages.post(url(ServiceKey, row.pk, "revoke"))

        assert find_service_key(key) is None
        assert button not in pages.get(url(ServiceKey, row.pk, "change")).content.decode()


class TestRuleSets:
    """An accountant reads the rules line by line."""

    def test_every_line_of_the_shipped_rules_is_shown(self, pages, db):
        shipped = RuleSet.objects.get()
        text = pages.get(url(RuleSet, shipped.pk, "change")).content.decode()
        assert "pending:{seller}" in text
        assert "the rest of gross" in text
        assert "provider is local" in text


class TestRooms:
    """The rooms stand in one order, the highest first."""

    def test_the_sidebar_has_them_all(self, pages, db):
        context = pages.get("/admin/").context
        names = [room["title"] for room in context["sidebar_navigation"]]
        assert sorted(names) == sorted(room["name"] for room in context["available_apps"])
        assert names.index("Orders") < names.index("Billing") < names.index("Ledger") < names.index("Events")


def permission(app_label: str, codename: str) -> object:
    from django.contrib.auth.models import Permission

    return Permission.objects.get(content_type__app_label=app_label, codename=codename)
