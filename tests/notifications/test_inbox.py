"""Messages are written once, read by whom they are for, and forgotten in time."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction

from accounts.lifecycle import erase_everywhere, exports
from accounts.models import Account
from core import clock
from core.errors import NotFound
from distribution.people_events import ReferralBound
from distribution.services import end_referral, move_referral
from events.models import Delivery, EventRecord
from events.services import emit_all
from notifications import services
from notifications.kinds import notes_of
from notifications.models import Message
from notifications.selectors import messages_of, unread_in
from notifications.services import mark_all_read, mark_read, purge_messages
from orders.events import OrderRefunded
from tests.accounts.test_linking import link
from tests.conftest import make_account
from tests.distribution.people import came, clerk
from tests.notifications.inbox import NOON, appointed, happens, hear, told

pytestmark = pytest.mark.usefixtures("database")


def bound(account: Account, referrer: Account) -> ReferralBound:
    return ReferralBound(
        referral=f"ref_{account.pk}",
        account=account.public_id,
        rule_number="R-1",
        referrer=referrer.public_id,
        via="code",
    )


def refunded(payer: Account, buyer: Account) -> OrderRefunded:
    return OrderRefunded(
        order="ord_1",
        refund="rfd_1",
        payer=payer.public_id,
        buyer=buyer.public_id,
        seller="acc_seller",
        net_minor=90,
        fee_minor=10,
        currency="GBP",
        channel="online",
        undoes="order.paid:ord_1",
    )


class TestWriting:
    """Once for each account and event, in the delivery's transaction."""

    def test_a_registration_through_a_referral_is_told_to_both(self) -> None:
        referrer = came(clock.now())
        account = came(clock.now(), through=referrer)
        hear()

        assert told(referrer) == [("referral.joined", {"account": account.public_id, "via": "code"})]
        ((kind, data),) = told(account)
        assert (kind, data["referrer"], data["via"]) == ("referral.bound", referrer.public_id, "code")

    def test_who_moves_and_leaves_is_told_with_those_above(self) -> None:
        first, second, account = (came(clock.now()) for _ in range(3))
        by: dict[str, Any] = {"reason": "x", "actor": clerk()}
        for referrer in (first, second):
            move_referral(account=account, referrer=referrer, **by, now=clock.now())
        end_referral(account=account, **by, now=clock.now())
        hear()

        assert [kind for kind, _data in told(first)] == ["referral.joined", "referral.left"]
        assert [kind for kind, _data in told(second)] == ["referral.joined", "referral.left"]
        assert [kind for kind, _data in told(account)] == ["referral.moved", "referral.moved", "referral.ended"]

    def test_who_is_both_is_told_once(self, buyer: Account) -> None:
        happens(refunded(payer=buyer, buyer=buyer))

        expected = {"order": "ord_1", "refund": "rfd_1", "currency": "GBP", "amount": 100}
        assert told(buyer) == [("order.refunded", expected)]

    def test_who_has_closed_its_account_is_told_nothing(self, buyer: Account) -> None:
        Account.objects.filter(pk=buyer.pk).update(closed_at=NOON, is_active=False)
        happens(appointed(buyer))

        assert told(buyer) == []
        assert not Delivery.objects.filter(consumer="messages").exists()

    def test_an_imported_history_is_told_to_nobody(self, buyer: Account) -> None:
        long_ago = clock.now() - settings.MESSAGE_NEWS_MAX
        happens(appointed(buyer, 1), at=long_ago - timedelta(minutes=1))
        happens(appointed(buyer, 2), at=long_ago + timedelta(minutes=1))

        assert [data["seat"] for _kind, data in told(buyer)] == [f"agt_{buyer.pk}_2"]

    def test_a_batch_takes_as_many_statements_as_one(self, buyer: Account, statements: Callable[[], Any]) -> None:
        def write(number: int) -> int:
            first = Message.objects.count() + 1
            events = [appointed(buyer, first + step) for step in range(number)]
            notes = [note for event in recorded(events) for note in notes_of([event])]
            with statements() as seen:
                services.write_messages(notes=notes)
            return len(seen)

        assert write(1) == write(200) == 3


def recorded(events: list[Any]) -> list[EventRecord]:
    with transaction.atomic():
        keys = [emitted.key for emitted in emit_all(events, occurred_at=NOON)]
    return list(EventRecord.objects.filter(key__in=keys).order_by("id"))


class TestIdsFollowCommits:
    """Who has read up to an id has missed none before, however many write at once."""

    def test_a_second_writer_waits_for_the_first(self, committed_db: Any, race: Callable[..., Any]) -> None:
        account = make_account()
        seen: list[list[int]] = []

        def write(number: int) -> None:
            (event,) = recorded([appointed(account, number)])
            with transaction.atomic():
                services.write_messages(notes=notes_of([event]))
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_sleep(0.2)")
                seen.append(list(Message.objects.order_by("id").values_list("pk", flat=True)))

        race(*(lambda number=number: write(number) for number in range(3)))

        assert [len(ids) for ids in seen] == [1, 2, 3], "Each saw all that has a smaller id."


class TestReading:
    """GET /messages and POST /messages/{id}/read"""

    def test_the_newest_comes_first_with_names_instead_of_ids(self, api: Callable[..., Any]) -> None:
        buyer, other = make_account(), make_account(name="Other")
        happens(appointed(buyer), bound(other, buyer))
        page = api(buyer).get("/messages", {"limit": 1}).json()

        (joined,) = page["results"]
        assert (joined["kind"], joined["read_at"]) == ("referral.joined", None)
        assert joined["data"] == {"account": {"id": other.public_id, "name": "Other"}, "via": "code"}
        (older,) = api(buyer).get("/messages", {"cursor": page["next"]}).json()["results"]
        assert (older["kind"], older["data"]["area"]) == ("agent.appointed", "ZZ:N")

    def test_a_message_is_marked_once(self, api: Callable[..., Any], buyer: Account) -> None:
        happens(appointed(buyer, 1), appointed(buyer, 2))
        caller = api(buyer)
        newest = caller.get("/messages").json()["results"][0]["id"]
        first = caller.post(f"/messages/{newest}/read").json()
        again = caller.post(f"/messages/{newest}/read").json()

        assert first["read_at"] is not None
        assert first == again
        unread = caller.get("/messages", {"unread": "true"}).json()["results"]
        read = caller.get("/messages", {"unread": "false"}).json()["results"]
        assert ([one["id"] for one in read], len(unread)) == ([newest], 1)

    def test_nobody_elses(self, api: Callable[..., Any], buyer: Account) -> None:
        happens(appointed(buyer))
        message = Message.objects.get(account=buyer)
        stranger = api(make_account())

        assert stranger.get("/messages").json()["results"] == []
        assert stranger.post(f"/messages/{message.public_id}/read").status_code == 404
        assert Message.objects.get(pk=message.pk).read_at is None

    def test_a_linked_account_reads_as_the_owner_only(self, api: Callable[..., Any], buyer: Account) -> None:
        other = make_account()
        link(buyer, other, mirror=[])
        happens(appointed(buyer))

        assert api(other).get("/messages").json()["results"] == []
        assert len(api(other).get("/messages", acting_account=buyer.public_id).json()["results"]) == 1


class TestForgetting:
    """What was read goes after a time; what was not stays; whoever closes takes it along."""

    def test_only_what_was_read_long_ago(self, buyer: Account) -> None:
        happens(*(appointed(buyer, number) for number in range(3)))
        old, fresh, unread = Message.objects.order_by("id")
        now = clock.now()
        mark_read(message=old.public_id, account=buyer, now=now - settings.MESSAGE_RETENTION - timedelta(seconds=1))
        mark_read(message=fresh.public_id, account=buyer, now=now - settings.MESSAGE_RETENTION)

        assert purge_messages(now=now) == 1
        assert set(Message.objects.all()) == {fresh, unread}

    def test_an_account_takes_its_messages_along_and_leaves_none(self, buyer: Account) -> None:
        other = make_account()
        happens(appointed(buyer), appointed(other))
        (exported,) = dict(exports())["messages"](buyer)
        erase_everywhere(buyer)

        assert exported["kind"] == "agent.appointed"
        assert [message.account for message in Message.objects.all()] == [other]

    def test_what_was_on_its_way_when_an_account_closed(self, buyer: Account) -> None:
        happens(appointed(buyer))
        Account.objects.filter(pk=buyer.pk).update(closed_at=NOON, is_active=False)

        assert purge_messages(now=NOON + settings.MESSAGE_RETENTION) == 0
        assert purge_messages(now=NOON + settings.MESSAGE_RETENTION + timedelta(seconds=1)) == 1


class TestOperators:
    """The list is read only."""

    def test_they_find_what_somebody_was_told(self, browser: Callable[..., Any], operator: Account) -> None:
        account = make_account()
        happens(appointed(account))
        message = Message.objects.get()
        page = browser(operator).get(f"/admin/notifications/message/?q={account.public_id}").content.decode()

        assert message.public_id in page
        shown = browser(operator).get(f"/admin/notifications/message/{message.pk}/change/").content.decode()
        assert "ZZ:N" in shown
        assert browser(operator).get("/admin/notifications/message/add/").status_code == 403


class TestMarkingAll:
    """Up to the newest that somebody has seen, and nothing that came since."""

    def test_what_came_since_stays_unread_and_a_repeat_marks_nothing(self, buyer: Account, seller: Account) -> None:
        happens(appointed(buyer, 1), appointed(buyer, 2), appointed(seller, 3))
        newest = messages_of(buyer).order_by("-id")[0]
        happens(appointed(buyer, 4))

        marked = [mark_all_read(up_to=newest.public_id, account=buyer, now=clock.now()) for _ in range(2)]

        assert marked == [2, 0]
        assert unread_in([buyer, seller]) == {buyer.pk: 1, seller.pk: 1}

    def test_somebody_elses_message_marks_nothing(self, buyer: Account, seller: Account) -> None:
        happens(appointed(buyer), appointed(seller, 2))
        with pytest.raises(NotFound):
            mark_all_read(up_to=messages_of(seller)[0].public_id, account=buyer, now=clock.now())

        assert unread_in([buyer]) == {buyer.pk: 1}
