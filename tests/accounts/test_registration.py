"""Somebody joins: the answer, the refusals, and what the house hears."""

from datetime import timedelta

import pytest

from accounts.models import Account
from core.models import AttemptCount
from events.models import EventRecord
from tests.conftest import PASSWORD, Api

ANNA = {"username": "anna", "password": PASSWORD, "kind": "personal", "side": "buyer", "name": "Anna"}


class TestRegister:
    """POST /accounts"""

    def test_a_new_account_is_answered_and_can_log_in(self, api):
        answer = api().post("/accounts", ANNA | {"email": "anna@example.org"})

        assert answer.status_code == 201
        account = Account.objects.get(username="anna")
        assert answer.json() == {
            "id": account.public_id,
            "username": "anna",
            "kind": "personal",
            "side": "buyer",
            "name": "Anna",
            "email": "anna@example.org",
            "referral_code": account.referral_code,
            "step_up": False,
        }
        assert account.password.startswith("argon2")
        assert api().post("/sessions", {"username": "anna", "password": PASSWORD}).status_code == 201

    def test_the_house_hears_of_it_without_names(self, api, new_account):
        referrer = new_account()

        api().post("/accounts", ANNA | {"referral_code": f" {referrer.referral_code.lower()} "})

        account = Account.objects.get(username="anna")
        assert account.referred_by == referrer
        event = EventRecord.objects.get(type="account.registered")
        assert (event.key, event.subject) == (f"account.registered:{account.public_id}", account.public_id)
        assert event.payload == {
            "account": account.public_id,
            "side": "buyer",
            "kind": "personal",
            "referral_code": referrer.referral_code,
        }

    @pytest.mark.parametrize(
        ("change", "code", "field"),
        [
            ({"username": "ANNA-1"}, "username_taken", "username"),
            ({"password": "password1"}, "password_too_weak", "password"),
            ({"password": "short"}, "password_too_weak", "password"),
            ({"password": "98127341982"}, "password_too_weak", "password"),
            ({"username": "wolkenkratzer", "password": "wolkenkratzer"}, "password_too_weak", "password"),
            ({"referral_code": "0000000000"}, "referral_code_unknown", "referral_code"),
            ({"kind": "robot"}, "invalid_choice", "kind"),
            ({"side": ""}, "invalid_choice", "side"),
            ({"name": "  "}, "blank", "name"),
            ({"name": 7}, "invalid", "name"),
            ({"name": "x" * 1_000_000}, "max_length", "name"),
            ({"username": "two words"}, "invalid", "username"),
            ({"username": "x" * 151}, "max_length", "username"),
            ({"email": "nobody"}, "invalid", "email"),
            ({"is_staff": True}, "unknown_field", "is_staff"),
            ({"password": None}, "null", "password"),
        ],
    )
    def test_what_is_wrong_is_named(self, api, new_account, change, code, field):
        new_account(username="anna-1")

        answer = api().post("/accounts", ANNA | change)

        assert (answer.status_code, answer.json()["code"]) == (422, code)
        assert answer.json()["errors"][0]["field"] == field
        assert Account.objects.count() == 1
        assert not EventRecord.objects.exists()

    def test_an_old_token_that_is_sent_along_does_not_matter(self, api):
        assert Api(None, token="long-gone").post("/accounts", ANNA).status_code == 201

    def test_two_registrations_of_one_name_at_the_same_moment_make_one_account(self, committed_db, race):
        answers = race(
            lambda: Api(None).post("/accounts", ANNA), lambda: Api(None).post("/accounts", ANNA | {"username": "Anna"})
        )

        assert sorted(answer.status_code for answer in answers) == [201, 422]
        refused = next(answer for answer in answers if answer.status_code == 422)
        assert refused.json()["code"] == "username_taken"
        assert Account.objects.count() == 1
        assert EventRecord.objects.count() == 1


class TestRegistrationLimit:
    """So many per address and hour; refused ones are not counted."""

    def test_the_next_one_is_refused_until_the_window_is_over(self, api, settings):
        settings.REGISTRATIONS_MAX = 1
        assert api().post("/accounts", ANNA | {"name": ""}).status_code == 422
        assert api().post("/accounts", ANNA).status_code == 201

        refused = api().post("/accounts", ANNA | {"username": "second"})

        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_attempts")
        assert 3590 <= int(refused["Retry-After"]) <= 3600
        AttemptCount.objects.update(window_ends_at=AttemptCount.objects.get().window_ends_at - timedelta(hours=1))
        assert api().post("/accounts", ANNA | {"username": "third"}).status_code == 201

    def test_a_taken_name_uses_nothing_up(self, api, settings, new_account):
        settings.REGISTRATIONS_MAX = 1
        new_account(username="taken")

        assert api().post("/accounts", ANNA | {"username": "taken"}).status_code == 422
        assert api().post("/accounts", ANNA).status_code == 201
