"""`/s/<code>`: every look is kept, and leads on without anything that a browser would have to remember."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from accounts.models import Account
from catalog.models import Item
from core import clock
from sharing.models import Scan, ScanClass, Share
from sharing.services.scanning import visitor_digest
from sharing.tokens import read_token
from tests.conftest import Statements
from tests.sharing.scans import ADDRESS, PHONE, log_of, look, path_of, program_of, scan, share_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def share(buyer: Account, seller: Account) -> Share:
    return share_of(buyer, seller)


class TestWhereACodeLeads:
    """To the activity page, with the scan's token in the address and nothing in the browser."""

    def test_leads_to_our_page_of_the_item_with_a_token(self, share: Share) -> None:
        answer = look(share)

        assert answer.status_code == 302
        address = urlsplit(answer["Location"])
        assert f"{address.scheme}://{address.netloc}" == settings.SITE_URL
        assert address.path == reverse("portal:item", args=[share.item.public_id])
        (kept,) = log_of(share)
        ticket = read_token(dict(parse_qsl(address.query))["scan"], now=clock.now())
        assert (ticket.scan_id, ticket.share_id, ticket.scan_class) == (kept.id, share.pk, ScanClass.HUMAN)
        assert ticket.scanned_at == kept.scanned_at

    def test_keeps_the_activity_pages_own_query(self, buyer: Account, seller: Account) -> None:
        share = share_of(buyer, seller, activity_url="https://shop.example/spring?colour=blue&size=4%201")

        leads_to = look(share)["Location"]

        assert leads_to.startswith("https://shop.example/spring?colour=blue&size=4%201&scan=")

    def test_says_that_nobody_keeps_the_answer(self, share: Share) -> None:
        answer = look(share)

        assert answer["Cache-Control"] == "no-store"
        assert answer["Referrer-Policy"] == "no-referrer"

    @pytest.mark.parametrize("path", [path_of, lambda _share: "/s/0000000000000000"], ids=["a code", "no code"])
    def test_sets_no_cookie_whatever_cookies_come_along(self, share: Share, path: Callable[[Share], str]) -> None:
        client = Client(headers={"User-Agent": PHONE})
        for name in (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, "messages", "django_language"):
            client.cookies[name] = "x"  # Django deletes a session's cookie that it cannot read.

        answer = client.get(path(share))

        assert not answer.cookies
        assert "Set-Cookie" not in answer
        assert "Cookie" not in answer.get("Vary", "")

    @pytest.mark.parametrize(("is_adjustable", "most"), [(True, 2), (False, 1)], ids=["demo", "production"])
    def test_takes_one_statement_and_one_where_the_clock_may_be_moved(
        self, share: Share, statements: Callable[[], Statements], settings: Any, is_adjustable: bool, most: int
    ) -> None:
        settings.CLOCK_ADJUSTABLE = is_adjustable

        with statements() as seen:
            look(share)

        assert len(seen) == most, str(seen)

    @pytest.mark.parametrize("code", ["0000000000000000", "x", "%00", "1" * 60, "ЯЯЯЯЯЯЯЯЯЯЯЯЯЯ", "a/b"])
    def test_a_wrong_code_is_told_so_without_a_statement(
        self, share: Share, statements: Callable[[], Statements], code: str
    ) -> None:
        with statements() as seen:
            answer = Client().get(f"/s/{code}")

        assert answer.status_code in (400, 404)
        assert not seen.captured_queries, str(seen)

    def test_another_houses_code_is_unknown(self, share: Share) -> None:
        path = path_of(Share(pk=share.pk + 1))

        assert Client().get(path).status_code == 404

    def test_works_while_redis_is_stopped(self, share: Share, settings: Any) -> None:
        settings.CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}}
        settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/1"

        assert look(share).status_code == 302
        assert len(log_of(share)) == 1


class TestWhatHasEnded:
    """410 and a page that says what to do next; the scan is kept all the same."""

    def test_a_revoked_share(self, share: Share, buyer: Account) -> None:
        Share.objects.filter(pk=share.pk).update(revoked_at=clock.now(), revoked_by=buyer)

        answer = look(share)

        assert answer.status_code == 410
        assert share.item.title in answer.content.decode()
        assert len(log_of(share)) == 1

    def test_a_program_that_the_seller_has_ended(self, share: Share) -> None:
        now = clock.now()
        type(share.program).objects.filter(pk=share.program_id).update(until_at=now, ended_at=now)

        assert look(share).status_code == 410

    def test_a_program_with_other_terms_leaves_older_shares_alone(self, share: Share) -> None:
        type(share.program).objects.filter(pk=share.program_id).update(until_at=clock.now())
        program_of(share.item, rate_bps=100)

        assert look(share).status_code == 302

    def test_a_removed_item_is_not_offered(self, share: Share) -> None:
        Item.objects.filter(pk=share.item_id).update(status=Item.Status.REMOVED)

        answer = look(share)

        assert answer.status_code == 410
        assert reverse("portal:item", args=[share.item.public_id]) not in answer.content.decode()
        assert answer["Cache-Control"] == "no-store"
        assert not answer.cookies

    def test_looked_at_by_head_it_has_no_body(self, share: Share) -> None:
        Item.objects.filter(pk=share.item_id).update(status=Item.Status.REMOVED)

        answer = look(share, method="HEAD")

        assert (answer.status_code, answer.content) == (410, b"")


class TestWhatIsKept:
    """Each look has a record of its own, and nothing of the address is in it."""

    def test_two_phones_behind_one_address_are_two_people(self, share: Share) -> None:
        look(share)
        look(share, agent=PHONE.replace("Pixel 8", "SM-A546B"))

        assert [kept.is_repeat for kept in log_of(share)] == [False, False]

    def test_a_second_look_within_the_hour_is_a_repeat(self, share: Share) -> None:
        for minutes in (0, 59, 61 + 59, 61 + 59 + 61):
            scan(share, now=NOON + timedelta(minutes=minutes))

        assert [kept.is_repeat for kept in log_of(share)] == [False, True, False, False]

    def test_an_hour_later_it_is_none(self, share: Share) -> None:
        for minutes in (0, 60):
            scan(share, now=NOON + timedelta(minutes=minutes))

        assert [kept.is_repeat for kept in log_of(share)] == [False, False]

    def test_what_was_fetched_ahead_makes_nobody_a_repeat(self, share: Share) -> None:
        look(share, Sec_Purpose="prefetch")
        look(share)

        assert [(kept.scan_class, kept.is_repeat) for kept in log_of(share)] == [("preview", False), ("human", False)]

    def test_the_same_visitor_of_another_share_is_somebody_else(self, share: Share, seller: Account) -> None:
        other = share_of(share.sharer, seller)
        look(share)
        look(other)

        (first,), (second,) = log_of(share), log_of(other)
        assert first.visitor != second.visitor
        assert not second.is_repeat

    def test_the_address_and_its_plain_digests_are_nowhere(self, share: Share) -> None:
        look(share)

        (kept,) = Scan.objects.filter(share=share).values()
        assert ADDRESS not in str(kept)
        assert kept["visitor"] == visitor_digest(share.pk, ADDRESS, PHONE, kept["scanned_at"].date())

    def test_the_digests_key_changes_every_day_and_with_the_secret(self, settings: Any) -> None:
        today = visitor_digest(1, ADDRESS, PHONE, NOON.date())
        tomorrow = visitor_digest(1, ADDRESS, PHONE, NOON.date() + timedelta(days=1))
        settings.SECRET_KEY = "another"

        assert len({today, tomorrow, visitor_digest(1, ADDRESS, PHONE, NOON.date())}) == 3

    def test_a_long_agent_is_cut(self, share: Share) -> None:
        look(share, agent=PHONE + "x" * 1000)

        assert log_of(share)[0].agent == (PHONE + "x" * 1000)[:300]
