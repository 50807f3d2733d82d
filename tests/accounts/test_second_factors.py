"""Second factors: at log-in, before stepping up, for operators; each code once, recovery codes for a lost phone."""

from datetime import timedelta
from typing import Any

import pyotp
import pytest
from django.test import Client
from django.utils import timezone

from accounts import services
from accounts.actor import Actor
from accounts.models import Account, RecoveryCode, SecondFactor, Session
from tests.accounts.test_linking import link
from tests.conftest import PASSWORD, Api

SWITCH = "/session/switch"


class Phone:
    """An authenticator app. Each code is of a later step than the one before, as on a phone that waits."""

    def __init__(self, secret: str) -> None:
        self.totp = pyotp.TOTP(secret)
        self.ahead = -1

    def code(self) -> str:
        self.ahead += 1
        return self.totp.at(timezone.now() + timedelta(seconds=30 * (self.ahead - 1)))


def enrol(account: Account) -> tuple[Phone, list[str]]:
    """An account with a second factor in force: its phone (two codes left) and its recovery codes."""
    phone = Phone(services.enrol(actor=Actor.own(account)).secret)
    return phone, list(services.confirm_second_factor(otp=phone.code(), actor=Actor.own(account)))


def log_in(account: Account, **more: str) -> Any:
    return Api(None).post("/sessions", {"username": account.username, "password": PASSWORD, **more})


class TestEnrolling:
    def test_it_counts_once_a_first_code_was_seen(self, buyer, api):
        caller = api(buyer)
        enrolment = caller.post("/account/totp", {})
        assert enrolment.status_code == 201
        assert enrolment.json()["otpauth_url"].startswith("otpauth://totp/Marketplace:")
        assert log_in(buyer).status_code == 201
        phone = Phone(enrolment.json()["secret"])

        confirmed = caller.post("/account/totp/confirm", {"otp": phone.code()})

        assert len(set(confirmed.json()["recovery_codes"])) == 10
        assert log_in(buyer).json()["code"] == "otp_required"

    def test_the_secret_and_the_recovery_codes_are_kept_nowhere(self, buyer):
        phone, codes = enrol(buyer)

        assert phone.totp.secret not in str(SecondFactor.objects.values())
        assert not any(code in str(RecoveryCode.objects.values()) for code in codes)

    def test_a_second_one_needs_the_first_to_go(self, buyer, api):
        phone, _codes = enrol(buyer)
        caller = api(buyer)

        assert caller.post("/account/totp", {}).json()["code"] == "second_factor_active"
        assert caller.post("/account/totp/remove", {"otp": "000000"}).json()["code"] == "otp_invalid"
        assert caller.post("/account/totp/remove", {"otp": phone.code()}).status_code == 204
        assert caller.post("/account/totp", {}).status_code == 201
        assert log_in(buyer).status_code == 201

    def test_never_through_a_link(self, buyer, seller, api):
        link(seller, buyer)
        for method, path, body in (
            ("POST", "/account/totp", {}),
            ("POST", "/account/totp/confirm", {"otp": "1"}),
            ("POST", "/account/totp/remove", {"otp": "1"}),
        ):
            answer = api(seller).send(method, path, body, acting_account=buyer.public_id)
            assert (answer.status_code, answer.json()["code"]) == (403, "own_login_required")


class TestLogIn:
    def test_needs_both(self, buyer):
        phone, _codes = enrol(buyer)

        assert log_in(buyer).json()["code"] == "otp_required"
        assert log_in(buyer, otp="000000").json()["code"] == "credentials_invalid"
        assert log_in(buyer, otp=phone.code()).status_code == 201

    def test_a_wrong_password_says_nothing_of_the_factor(self, buyer):
        phone, _codes = enrol(buyer)

        answer = Api(None).post("/sessions", {"username": buyer.username, "password": "wrong", "otp": phone.code()})
        assert answer.json()["code"] == "credentials_invalid"

    def test_no_code_works_twice(self, buyer):
        phone, codes = enrol(buyer)
        otp = phone.code()

        assert [log_in(buyer, otp=otp).status_code for _ in range(2)] == [201, 401]
        assert [log_in(buyer, otp=codes[0].lower()).status_code for _ in range(2)] == [201, 401]

    def test_ten_wrong_codes_and_then_it_waits(self, buyer):
        phone, _codes = enrol(buyer)
        for _ in range(10):
            log_in(buyer, otp="000000")

        assert log_in(buyer, otp=phone.code()).status_code == 429

    def test_of_two_at_the_same_moment_one_is_let_in(self, committed_db, new_account, race):
        account = new_account()
        phone, _codes = enrol(account)
        otp = phone.code()

        outcomes = race(*[lambda: log_in(account, otp=otp).status_code] * 2)

        assert sorted(outcomes) == [201, 401]


class TestStepUp:
    """An account may demand a fresh second factor before a linked one acts as it."""

    @pytest.fixture
    def careful(self, seller: Account, buyer: Account) -> Account:
        link(seller, buyer)
        services.update_account(step_up=True, actor=Actor.own(seller))
        return seller

    def test_without_one_the_answer_says_how(self, buyer, careful, api):
        enrol(buyer)
        for answer in (
            api(buyer).post(SWITCH, {"account": careful.public_id}),
            api(buyer).get("/account", acting_account=careful.public_id),
        ):
            assert (answer.status_code, answer.json()["code"]) == (403, "step_up_required")
            assert answer.json()["methods"] == ["totp", "recovery_code"]

    def test_who_has_none_has_to_enrol(self, buyer, careful, api):
        assert api(buyer).post(SWITCH, {"account": careful.public_id}).json()["methods"] == []

    def test_with_one_the_session_may(self, buyer, careful, api):
        phone, _codes = enrol(buyer)
        caller = api(buyer)

        shown = caller.post("/session/second-factor", {"otp": phone.code()})
        assert (shown.status_code, shown.json()["login_account"]["id"]) == (200, buyer.public_id)

        assert caller.get("/account", acting_account=careful.public_id).status_code == 200
        assert caller.post(SWITCH, {"account": careful.public_id}).status_code == 200

    def test_a_stale_one_is_none(self, buyer, careful, api, settings):
        phone, _codes = enrol(buyer)
        caller = api(buyer)
        caller.post("/session/second-factor", {"otp": phone.code()})
        Session.objects.update(second_factor_at=timezone.now() - settings.STEP_UP_LIFETIME - timedelta(seconds=1))

        assert caller.post(SWITCH, {"account": careful.public_id}).json()["code"] == "step_up_required"

    def test_a_log_in_with_a_code_is_fresh(self, buyer, careful, api):
        phone, _codes = enrol(buyer)
        caller = api(token=log_in(buyer, otp=phone.code()).json()["token"])

        assert caller.post(SWITCH, {"account": careful.public_id}).status_code == 200


class TestOperators:
    """Where it is demanded, an operator without a shown second factor is nobody's operator."""

    @pytest.fixture(autouse=True)
    def demanded(self, settings: Any) -> None:
        settings.OPERATOR_SECOND_FACTOR = True

    def test_rights_come_with_the_factor(self, operator, api):
        token = log_in(operator).json()["token"]
        caller = api(token=token)
        assert caller.get("/billing/batches").status_code == 403

        phone = Phone(caller.post("/account/totp", {}).json()["secret"])
        assert caller.post("/account/totp/confirm", {"otp": phone.code()}).status_code == 200

        assert caller.get("/billing/batches").status_code == 200

    def test_the_log_in_page_asks_for_it(self, operator):
        phone, _codes = enrol(operator)
        client = Client()

        first = client.post("/admin/login/", {"username": operator.username, "password": PASSWORD}, follow=True)
        assert "Code of your authenticator" in first.content.decode()
        assert client.get("/admin/").status_code == 302
        wrong = client.post(first.request["PATH_INFO"], {"otp": "000000"})
        assert "wrong, too old, or was used" in wrong.content.decode()

        assert client.post(first.request["PATH_INFO"], {"otp": phone.code()}).status_code == 302
        assert client.get("/admin/").status_code == 200

    def test_nobody_comes_in_by_the_second_page_alone(self, operator):
        enrol(operator)

        answer = Client().get("/admin/second-factor/")
        assert (answer.status_code, answer["Location"]) == (302, "/admin/login/")
