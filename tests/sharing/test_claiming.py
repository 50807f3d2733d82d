"""A scan is whose token was first used, for good; and nothing that is wrong with a token stops anybody."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from accounts.models import Account
from core import clock
from sharing.models import ScanClaim, ScanClass, Share
from sharing.services.claiming import Claimed, Refused, claim_scan, claim_scans, record_named_scan
from sharing.services.counting import count_scans
from sharing.tokens import ScanTicket, read_token, write_token
from tests.conftest import Statements
from tests.sharing.scans import log_of, scan, share_of, token_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MONTH = settings.SCAN_TOKEN_LIFETIME
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


@pytest.fixture
def share(new_account: Callable[..., Account], seller: Account) -> Share:
    return share_of(new_account(), seller)


@pytest.fixture
def stranger(new_account: Callable[..., Account]) -> Account:
    return new_account()


def claim(token: str, account: Account, login: Account | None = None, now: datetime | None = None) -> ScanClaim:
    return claim_scan(token=token, account=account, login=login or account, now=now or clock.now())


def outcome(*tokens: str, account: Account, now: datetime | None = None) -> list[str | int]:
    """Of each token the scan that is claimed, or why it is not."""
    outcomes = claim_scans(tokens=tokens, account=account, login=account, now=now or clock.now())
    return [one.claim.scan_id if isinstance(one, Claimed) else one.reason for one in outcomes]


class TestTokens:
    """What stands in addresses says everything, and only what we wrote."""

    def test_a_token_says_what_was_signed(self) -> None:
        said = ScanTicket(scan_id=2**62, share_id=7, scanned_at=NOON, scan_class=ScanClass.PREVIEW)

        assert read_token(write_token(said), now=NOON + MONTH) == said

    @pytest.mark.parametrize("place", [0, 10, 30, 54])
    def test_a_changed_character_makes_it_nobodys(self, share: Share, stranger: Account, place: int) -> None:
        token = token_of(share)
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]

        assert outcome(changed, account=stranger) == ["token_forged"]

    @pytest.mark.parametrize("text", ["", "x", "=", "Ж" * 20, "A" * 55, "A" * 101, "A" * 56, " ", "a+b/"])
    def test_what_is_no_token_is_nobodys(self, stranger: Account, text: str) -> None:
        assert outcome(text, account=stranger) == ["token_forged"]

    def test_it_outlives_a_new_secret_by_its_fallback(self, share: Share, stranger: Account, settings: Any) -> None:
        token = token_of(share)
        settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "newer"

        assert claim(token, stranger).account_id == stranger.pk

        settings.SECRET_KEY_FALLBACKS = []
        assert outcome(token, account=stranger) == ["token_forged"]

    def test_it_lives_a_month_by_the_houses_clock(self, share: Share, stranger: Account) -> None:
        token = token_of(share, now=NOON)

        assert outcome(token, account=stranger, now=NOON + MONTH + timedelta(microseconds=1)) == ["token_expired"]
        assert outcome(token, account=stranger, now=NOON + MONTH) == [log_of(share)[0].id]


class TestClaiming:
    """The first authenticated use binds; one statement, however many tokens."""

    def test_the_first_use_binds_and_the_same_account_may_repeat_it(self, share: Share, stranger: Account) -> None:
        token = token_of(share, now=NOON)

        first = claim(token, stranger, now=NOON)
        again = claim(token, stranger, now=NOON + timedelta(days=1))

        assert (first.account_id, first.share_id, first.item_id) == (stranger.pk, share.pk, share.item_id)
        assert (first.scanned_at, first.claimed_at, first.scan_class) == (NOON, NOON, ScanClass.HUMAN)
        assert again.claimed_at == NOON

    def test_another_account_is_refused(self, share: Share, stranger: Account, buyer: Account) -> None:
        token = token_of(share)
        claim(token, stranger)

        assert outcome(token, account=buyer) == ["token_of_another_account"]
        assert ScanClaim.objects.get().account_id == stranger.pk

    def test_who_logged_in_may_use_it_again_for_a_linked_account(
        self, share: Share, stranger: Account, buyer: Account
    ) -> None:
        token = token_of(share)
        claim(token, stranger)

        assert claim(token, buyer, login=stranger).account_id == stranger.pk

    def test_many_tokens_take_one_statement_and_answer_in_order(
        self, share: Share, stranger: Account, buyer: Account, statements: Callable[[], Statements]
    ) -> None:
        mine, twice, others = token_of(share), token_of(share), token_of(share)
        claim(others, buyer)
        mine_id, twice_id, _others_id = [kept.id for kept in log_of(share)]
        now = clock.now()

        with statements() as seen:
            said = outcome(twice, "x", others, mine, twice, account=stranger, now=now)

        assert said == [twice_id, "token_forged", "token_of_another_account", mine_id, twice_id]
        assert len(seen) == 1, str(seen)

    def test_a_token_of_another_copy_of_the_house_is_refused(self, share: Share, stranger: Account) -> None:
        ticket = ScanTicket(scan_id=1, share_id=share.pk + 1, scanned_at=clock.now(), scan_class=ScanClass.HUMAN)

        assert outcome(write_token(ticket), account=stranger) == ["token_forged"]

    @pytest.mark.parametrize(("agent", "found"), [(GOOGLEBOT, "bot"), ("WhatsApp/2.23.20.0 A", "preview")])
    def test_what_a_machine_saw_stays_a_machines(self, share: Share, stranger: Account, agent: str, found: str) -> None:
        assert claim(token_of(share, agent=agent), stranger).scan_class == found
        assert claim(token_of(share, agent=agent), share.sharer).scan_class == found

    @pytest.mark.parametrize("is_counted", [False, True])
    def test_what_the_sharer_claims_is_its_own_in_the_log_and_the_counts(
        self, share: Share, buyer: Account, is_counted: bool
    ) -> None:
        token = token_of(share)
        if is_counted:
            count_scans()

        through_a_link = claim(token, buyer, login=share.sharer)
        count_scans()

        assert through_a_link.scan_class == ScanClass.SELF
        assert [kept.scan_class for kept in log_of(share)] == ["self"]
        (day,) = share.scan_days.all()
        assert (day.human, day.by_sharer, day.visitors) == (0, 1, 0)


class TestNaming:
    """A till or a customer may name the sharer's code: a scan without a phone, bound at once."""

    def test_is_a_human_scan_that_is_the_customers(
        self, share: Share, stranger: Account, statements: Callable[[], Statements]
    ) -> None:
        with statements() as seen:
            bound = record_named_scan(share=share, account=stranger, login=stranger, now=NOON)

        (kept,) = log_of(share)
        assert len(seen) == 1, str(seen)
        assert (bound.scan_id, bound.account_id, bound.scan_class) == (kept.id, stranger.pk, ScanClass.HUMAN)
        assert (kept.signals, kept.visitor, kept.is_repeat, kept.scanned_at) == (["named"], None, False, NOON)

    def test_named_by_the_sharer_it_is_its_own(self, share: Share) -> None:
        bound = record_named_scan(share=share, account=share.sharer, login=share.sharer, now=NOON)

        assert bound.scan_class == log_of(share)[0].scan_class == ScanClass.SELF


class TestOverHTTP:
    """`POST /scans/claim`"""

    def test_binds_to_the_acting_account(self, share: Share, stranger: Account, api: Callable[..., Any]) -> None:
        token = token_of(share)

        answers = [api(stranger).post("/scans/claim", {"scan": token}) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[0].json() == answers[1].json()
        said = answers[0].json()
        assert (said["scan"], said["class"]) == (log_of(share)[0].public_id, "human")
        assert said["item"] == share.item.public_id
        assert share.public_id not in answers[0].content.decode(), "whose share it was is the seller's business"

    def test_says_why_not(self, share: Share, stranger: Account, buyer: Account, api: Callable[..., Any]) -> None:
        used, expired = token_of(share), token_of(share, now=clock.now() - MONTH - timedelta(seconds=1))
        claim(used, buyer)

        answers = [api(stranger).post("/scans/claim", {"scan": token}) for token in (used, expired, "nonsense")]

        assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
            (409, "scan_token_used"),
            (409, "scan_token_expired"),
            (422, "scan_token_forged"),
        ]

    def test_nobody_claims_without_a_log_in(self, share: Share, api: Callable[..., Any]) -> None:
        assert api().post("/scans/claim", {"scan": token_of(share)}).status_code == 401


@pytest.mark.usefixtures("committed_db")
class TestRaces:
    """Two accounts, one token, the same moment."""

    def test_one_wins_and_the_other_learns_it(
        self, share: Share, stranger: Account, buyer: Account, race: Callable[..., list[Any]]
    ) -> None:
        for token in [token_of(share) for _ in range(5)]:
            use = partial(outcome, token)

            outcomes = race(partial(use, account=stranger), partial(use, account=buyer))

            (bound,) = ScanClaim.objects.filter(scan_id=read_token(token, now=clock.now()).scan_id)
            won, lost = [bound.scan_id], ["token_of_another_account"]
            assert outcomes == ([won, lost] if bound.account_id == stranger.pk else [lost, won])

    def test_looking_first_and_writing_then_would_bind_it_twice(
        self, share: Share, stranger: Account, buyer: Account, race: Callable[..., list[Any]]
    ) -> None:
        """The control: both look, nobody has it, both say that it is theirs."""
        ticket = scan(share).ticket

        def look_then_write(account: Account) -> bool:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT count(*), pg_sleep(0.2) FROM sharing_scanclaim WHERE scan_id = %s", [ticket.scan_id]
                )
                return cursor.fetchone()[0] == 0

        assert race(partial(look_then_write, stranger), partial(look_then_write, buyer)) == [True, True]

    def test_a_repeat_at_the_same_moment_is_fine(
        self, share: Share, stranger: Account, race: Callable[..., list[Any]]
    ) -> None:
        token = token_of(share)

        outcomes = race(*[lambda: outcome(token, account=stranger)] * 4)

        assert outcomes == [[log_of(share)[0].id]] * 4
        assert ScanClaim.objects.count() == 1

    def test_orders_that_name_the_same_tokens_in_another_order_do_not_lock_each_other(
        self, share: Share, stranger: Account, buyer: Account, race: Callable[..., list[Any]]
    ) -> None:
        tokens = [token_of(share) for _ in range(20)]

        outcomes = race(
            lambda: outcome(*tokens, account=stranger),
            lambda: outcome(*reversed(tokens), account=buyer),
            lambda: outcome(*tokens[10:], *tokens[:10], account=stranger),
        )

        assert not [raised for raised in outcomes if isinstance(raised, Exception)]
        assert len({claimed.account_id for claimed in ScanClaim.objects.all()}) == 1


def test_refused_tickets_still_say_which_scan_it_was(share: Share, stranger: Account, buyer: Account) -> None:
    token = token_of(share)
    claim(token, buyer)

    (refused,) = claim_scans(tokens=[token], account=stranger, login=stranger, now=clock.now())

    assert isinstance(refused, Refused)
    assert refused.ticket is not None
    assert refused.ticket.scan_id == log_of(share)[0].id
