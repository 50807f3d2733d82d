"""Codes that a phone makes by itself: the algorithm, enrolling and ending, and one try for each."""

import base64
import hmac
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.actor import Actor
from accounts.errors import OwnLoginRequired, SessionEnded
from accounts.exporting import export_account
from accounts.models import Account
from accounts.services import change_password, close_account, deactivate_account, reactivate_account
from accounts.sessions import end_session
from core import clock
from core.errors import NotFound
from core.money import Money
from core.secrecy import decrypt
from tests.conftest import PASSWORD
from tests.wallets.phone import Phone
from tests.wallets.test_pay_codes import ORDER, make, scan, spend
from wallets.pay_codes import services
from wallets.pay_codes.digits import new_code
from wallets.pay_codes.errors import TooManyPayCodeSecrets
from wallets.pay_codes.models import PayCode, PayCodeSecret
from wallets.pay_codes.offline import LENGTH, PERIOD_SECONDS, beginning_of, key_number_of, offline_code, step_at

PAGE = Path(__file__).parents[2] / "docs" / "offline_pay_codes.md"
OTHER_ORDER = ORDER.replace("01K", "01M")
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA"
PERIOD = timedelta(seconds=PERIOD_SECONDS)


@pytest.fixture
def phone(buyer: Account) -> Phone:
    return Phone(buyer)


class TestTheAlgorithm:
    @pytest.mark.parametrize(
        ("at", "published"),
        [
            (59, "46119246"),
            (1111111109, "68084774"),
            (1111111111, "67062674"),
            (1234567890, "91819424"),
            (2000000000, "90698825"),
            (20000000000, "77737706"),
        ],
    )
    def test_ends_in_what_the_rfc_has_published(self, at: int, published: str):
        """RFC 6238, appendix B, SHA-256: eight digits, of which ours has one more in front."""
        code = offline_code(key_number="40718253", secret=RFC_SECRET, at=datetime.fromtimestamp(at, UTC))
        assert code[-8:] == published
        assert code[:9] == "940718253"
        assert len(code) == LENGTH == 18

    def test_is_worked_out_on_its_page_as_it_is(self):
        """By hand, line by line of the page's table, and then in one call."""
        shown = dict(re.findall(r"^\| ([^|]+?) \| `([^`]+)` \|$", PAGE.read_text(), re.MULTILINE))
        assert shown["secret"] == RFC_SECRET
        step = int(shown["time"]) // 30
        assert (step, f"{step:016x}") == (int(shown["period T"]), shown["T in 8 bytes"])
        digest = hmac.digest(base64.b32decode(RFC_SECRET + "===="), step.to_bytes(8, "big"), "sha256")
        assert digest.hex() == shown["HMAC-SHA-256"]
        offset = int(shown["offset: its last 4 bits"])
        assert digest[-1] & 15 == offset
        cut = int.from_bytes(digest[offset : offset + 4], "big")
        assert f"{cut:08x}" == shown["4 bytes from there"]
        assert f"{(cut & 0x7FFFFFFF) % 10**9:09}" == shown["without the first bit, modulo 10^9"]
        at = datetime.fromtimestamp(int(shown["time"]), UTC)
        assert offline_code(key_number=shown["key number"], secret=RFC_SECRET, at=at) == shown["code"]

    def test_is_told_apart_from_what_we_make_by_the_first_digit(self, phone: Phone):
        assert {key_number_of(new_code()) for _ in range(500)} == {None}
        assert key_number_of(phone.code()) == phone.key_number
        for no_code in ("9" * 17, "9" * 19, "9" * 17 + "x", "9" * 17 + "٣", "9" * 17 + " ", ""):
            assert key_number_of(no_code) is None
            assert scan(no_code) == services.DEAD


class TestEnrolling:
    def test_shows_the_secret_once_and_keeps_it_encrypted(self, api: Any, buyer: Account):
        client = api(buyer)
        answer = client.post("/pay-code-secrets", {"name": "Ann's", "max": {"amount": 2000, "currency": "GBP"}})
        assert answer.status_code == 201
        shown = answer.json()
        assert (shown["algorithm"], shown["digits"], shown["period_seconds"]) == ("SHA256", 9, 30)
        row = PayCodeSecret.objects.get()
        assert decrypt(row.secret) == shown["secret"]
        assert shown["secret"] not in {str(value) for value in vars(row).values()}

        (listed,) = client.get("/pay-code-secrets").json()["results"]
        told = {"secret", "algorithm", "digits", "period_seconds"}
        assert listed == {name: value for name, value in shown.items() if name not in told}
        assert listed["max"] == {"amount": 2000, "currency": "GBP"}
        assert (listed["in_force"], listed["last_tried_at"]) == (True, None)

    def test_is_for_buyers_own_log_in_and_session(self, api: Any, seller: Account, buyer: Account, new_account: Any):
        assert api(seller).post("/pay-code-secrets", {}).status_code == 403
        with pytest.raises(OwnLoginRequired):
            services.enrol_phone(actor=Actor(login=new_account(), acting=buyer), now=clock.now())
        with pytest.raises(SessionEnded):
            services.enrol_phone(actor=Actor.own(buyer), now=clock.now())

    def test_ends_at_so_many_phones(self, buyer: Account, settings: Any):
        settings.PAY_CODE_SECRETS_MAX = 2
        first = Phone(buyer)
        Phone(buyer)
        with pytest.raises(TooManyPayCodeSecrets):
            Phone(buyer)
        end_session(public_id=first.session_id, owner=buyer)
        Phone(buyer)

    def test_takes_another_number_where_one_is_taken(self, phone: Phone, monkeypatch: pytest.MonkeyPatch):
        numbers = iter([phone.key_number, "00000001"])
        monkeypatch.setattr("wallets.pay_codes.services.phones.new_key_number", lambda: next(numbers))
        assert Phone(phone.account).key_number == "00000001"


class TestTheEnd:
    """A secret is its session's: what ends the log-in of a phone ends its codes."""

    def test_comes_with_revoking(self, api: Any, phone: Phone, new_account: Any):
        assert api(new_account()).delete(f"/pay-code-secrets/{phone.id}").status_code == 404
        code = phone.code()
        for _ in range(2):
            assert api(phone.account).delete(f"/pay-code-secrets/{phone.id}").status_code == 204
        assert scan(code) == services.DEAD
        assert PayCodeSecret.objects.get().secret == ""
        with pytest.raises(NotFound):
            services.revoke_phone_secret(secret="pcs_0", actor=Actor.own(phone.account), now=clock.now())

    def test_comes_with_logging_out(self, phone: Phone):
        end_session(public_id=phone.session_id, owner=phone.account)
        assert scan(phone.code()) == services.DEAD

    def test_comes_with_a_new_password_but_for_the_phone_that_gave_it(self, phone: Phone):
        other = Phone(phone.account)
        change_password(old=PASSWORD, new="a rather different horse", address="", actor=phone.actor)
        assert scan(other.code()) == services.DEAD
        assert scan(phone.code()).owner == phone.account

    def test_comes_with_the_sessions_time(self, phone: Phone):
        phone.actor_session().update(expires_at=clock.now() - timedelta(seconds=1))
        assert scan(phone.code()) == services.DEAD

    def test_comes_with_being_shut_out_and_stays(self, phone: Phone):
        deactivate_account(account=phone.account)
        assert scan(phone.code()) == services.DEAD
        reactivate_account(account=phone.account)
        assert scan(phone.code()) == services.DEAD

    @pytest.mark.parametrize("erase", [False, True])
    def test_comes_with_closing(self, phone: Phone, erase: bool):
        code, online = phone.code(), make(phone.account)
        assert '"pay_code_secrets": [\n  {' in "".join(export_account(phone.account))
        close_account(password=PASSWORD, erase=erase, address="", actor=phone.actor, now=clock.now())
        assert [scan(code), scan(online)] == [services.DEAD] * 2
        assert PayCodeSecret.objects.filter(secret="").count() == (0 if erase else 1)
        assert PayCode.objects.get().used_at is not None

    def test_is_forgotten_in_time_with_what_was_tried(self, phone: Phone):
        spend(phone.code())
        services.revoke_phone_secret(secret=phone.id, actor=phone.actor, now=clock.now())
        assert services.purge_pay_codes(now=clock.now() + settings.PAY_CODE_RETENTION - PERIOD) == 0
        assert services.purge_pay_codes(now=clock.now() + settings.PAY_CODE_RETENTION + 4 * PERIOD) == 2


class TestTrying:
    def test_is_good_in_its_period_and_the_skew_around_it(self, phone: Phone):
        beginning = beginning_of(step_at(clock.now()))
        code, skew, moment = phone.code(beginning), settings.OFFLINE_PAY_CODE_SKEW, timedelta(milliseconds=1)
        for at, is_good in (
            (beginning - skew - moment, False),
            (beginning - skew, True),
            (beginning + PERIOD + skew - moment, True),
            (beginning + PERIOD + skew, False),
        ):
            with transaction.atomic():
                scanned = services.scan_pay_code(code=code, order=ORDER, currency="GBP", now=at)
                transaction.set_rollback(True)
            assert (scanned.owner == phone.account) is is_good, at

    def test_a_wrong_password_or_number_is_nobodys(self, phone: Phone):
        code = phone.code()
        wrong = f"{(int(code[-9:]) + 1) % 10**9:09}"
        assert scan(code[:-9] + wrong) == services.DEAD
        assert scan("9" + f"{(int(phone.key_number) + 1) % 10**8:08}" + code[-9:]) == services.DEAD
        assert scan(code).owner == phone.account

    @pytest.mark.parametrize("refusal", ["", "insufficient_funds"])
    def test_is_dead_after_one_and_says_to_the_same_order_how_that_ended(self, phone: Phone, refusal: str):
        """Also when its time is long over, and when the phone has been revoked."""
        code = phone.code()
        spend(code, refusal=refusal)
        assert scan(code, order=OTHER_ORDER) == services.DEAD
        assert scan(code).outcome == refusal
        assert scan(code, later=timedelta(days=1)).outcome == refusal
        assert scan(code, order=OTHER_ORDER, later=timedelta(days=1)) == services.DEAD
        services.revoke_phone_secret(secret=phone.id, actor=phone.actor, now=clock.now())
        assert scan(code).outcome == refusal

    def test_is_one_row_for_each_period(self, phone: Phone):
        spend(phone.code())
        row = PayCode.objects.get()
        with pytest.raises(IntegrityError, match="pay_code_once_per_period"), transaction.atomic():
            PayCode.objects.create(**{**fields_of(row), "code_digest": "another"})
        with pytest.raises(IntegrityError, match="pay_code_of_a_phone_is_used"), transaction.atomic():
            PayCode.objects.create(
                **{**fields_of(row), "step": row.step + 1, "code_digest": "another", "used_at": None, "used_for": ""}
            )

    def test_a_password_that_comes_twice_is_dead_as_the_code_that_was_tried(
        self, phone: Phone, monkeypatch: pytest.MonkeyPatch
    ):
        """Once in 10^9: two periods of one secret with the same digits."""
        monkeypatch.setattr("wallets.pay_codes.offline._password", lambda secret, step: "123456789")
        code = phone.code()
        spend(code)
        assert scan(code, order=OTHER_ORDER, later=PERIOD) == services.DEAD

    def test_pays_up_to_the_maximum_of_its_phone(self, buyer: Account):
        scanned = scan(Phone(buyer, Money(2000, "GBP")).code())
        amounts = [Money(2000, "GBP"), Money(2001, "GBP"), Money(2000, "EUR")]
        assert [scanned.allows(amount) for amount in amounts] == [True, False, False]

    def test_several_are_good_at_once_or_only_the_newest(self, phone: Phone, settings: Any):
        now = beginning_of(step_at(clock.now()))
        earlier, later = phone.code(now - PERIOD), phone.code(now)
        online = make(phone.account)
        settings.PAY_CODES_SEVERAL_VALID = False
        assert scan(later).owner is None  # The one that we made is newer than any that began before it.
        PayCode.objects.update(made_at=now - PERIOD)
        assert scan(later).owner == phone.account
        assert [scan(code, order=OTHER_ORDER).owner for code in (earlier, online)] == [None, None]
        settings.PAY_CODES_SEVERAL_VALID = True
        assert scan(earlier, order=OTHER_ORDER).owner == phone.account

    def test_says_in_the_list_when_that_was(self, api: Any, phone: Phone):
        scan(phone.code())
        (listed,) = api(phone.account).get("/pay-code-secrets").json()["results"]
        assert listed["last_tried_at"] is not None


def fields_of(row: PayCode) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in PayCode._meta.concrete_fields if field.name != "id"}
