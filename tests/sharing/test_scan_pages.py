"""Operators read the log of scans by share, class and whoever claimed them; and an account's claims are its own."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.lifecycle import erase_everywhere, exports
from accounts.models import Account
from core import clock
from sharing.models import Scan, ScanClaim, Share
from sharing.services.claiming import claim_scan
from sharing.shares import share_url
from tests.conftest import Statements
from tests.sharing.scans import PHONE, log_of, scan, share_of, token_of

SCANS = "/admin/sharing/scan"
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


@pytest.fixture
def share(buyer: Account, seller: Account) -> Share:
    return share_of(buyer, seller)


@pytest.fixture
def customer(new_account: Callable[..., Account]) -> Account:
    return new_account()


def claim(share: Share, account: Account) -> ScanClaim:
    return claim_scan(token=token_of(share), account=account, login=account, now=clock.now())


class TestTheList:
    @pytest.fixture
    def desk(self, browser: Any, operator: Account) -> Client:
        return browser(operator)

    def listed(self, desk: Client, **query: str) -> list[Scan]:
        answer = desk.get(f"{SCANS}/", query)
        assert answer.status_code == 200, answer
        return list(answer.context["cl"].result_list)

    def test_is_of_one_share_of_a_posters_address_of_a_claimer_or_of_one_scan(
        self, desk: Client, share: Share, customer: Account
    ) -> None:
        other = share_of(share.sharer, share.item.seller)
        for looked_at in (share, share, other):
            scan(looked_at)
        theirs = claim(other, customer)
        first, second = log_of(share)

        assert self.listed(desk, q=share.public_id) == [second, first]
        assert self.listed(desk, q=share_url(share.pk)) == [second, first]
        assert [one.pk for one in self.listed(desk, q=customer.public_id)] == [theirs.scan_id]
        assert self.listed(desk, q=first.public_id) == [first]
        assert self.listed(desk, q="nonsense") == []

    def test_is_of_one_class(self, desk: Client, share: Share) -> None:
        for agent in (PHONE, GOOGLEBOT):
            scan(share, agent=agent)

        assert [one.scan_class for one in self.listed(desk, **{"class": "bot"})] == ["bot"]
        assert [one.scan_class for one in self.listed(desk, q=share.public_id, **{"class": "human"})] == ["human"]

    def test_takes_as_many_statements_for_many_as_for_one(
        self, desk: Client, share: Share, statements: Callable[[], Statements]
    ) -> None:
        taken = []
        for more in (1, 10):
            for _ in range(more):
                scan(share)
            with statements() as seen:
                self.listed(desk)
            taken.append(len(seen))

        assert taken[0] == taken[1]

    def test_a_scan_says_what_is_known_of_it_and_cannot_be_changed(
        self, desk: Client, share: Share, customer: Account
    ) -> None:
        claim(share, customer)
        (kept,) = log_of(share)

        page = desk.get(f"{SCANS}/{kept.pk}/change/").content.decode()

        for said in (kept.public_id, share.public_id, "human", "first look", "Pixel 8", customer.name):
            assert said in page
        assert [desk.post(f"{SCANS}/{kept.pk}/{act}/").status_code for act in ("change", "delete")] == [403, 403]


class TestWhatIsAnAccountsOwn:
    """Its claims: they are handed out, and forgotten with the person. The log itself names nobody."""

    def test_is_in_its_export(self, share: Share, customer: Account, buyer: Account) -> None:
        made = claim(share, customer)
        claim(share, buyer)

        read = dict(exports())["scan_claims"]

        assert [(one["scan"], one["item"]) for one in read(customer)] == [(made.public_id, share.item.public_id)]

    def test_is_forgotten_with_the_person_while_the_log_stays(
        self, share: Share, customer: Account, new_account: Callable[..., Account]
    ) -> None:
        claim(share, customer)
        others = claim(share, new_account())

        erase_everywhere(customer)

        assert [one.scan_id for one in ScanClaim.objects.all()] == [others.scan_id]
        assert len(log_of(share)) == 2
