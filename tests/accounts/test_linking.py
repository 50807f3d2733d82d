"""Two accounts, each proven by its own log-in, are linked by a code that works once."""

import re
from collections.abc import Callable
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from accounts import services
from accounts.actor import Actor
from accounts.errors import AlreadyLinked, InvitationInvalid
from accounts.models import Account, InvitationCode, Link
from accounts.selectors import were_linked
from accounts.services import linking
from accounts.terms import BEHAVIOUR_KINDS, Terms
from core import clock
from core.models import AttemptCount
from tests.qr_reader import read_qr

DEFAULT_TERMS = {
    "mirror": list(BEHAVIOUR_KINDS),
    "direction": "both",
    "switch": "both",
    "spending_cap": None,
}
KINDS = list(product(["personal", "enterprise"], ["buyer", "seller"]))
OF_THE_REQUEST = ("X-Request-ID", "Acting-Account")


def shape(statement: str) -> str:
    """A statement without what it is asked with."""
    return re.sub(r"'[^']*'|\b\d+\b", "?", statement)


def invite(account: Account, **terms: Any) -> str:
    invited = services.invite(count=1, terms=Terms.of_document(terms), actor=Actor.own(account), now=clock.now())
    return invited.codes[0]


def link(inviter: Account, invitee: Account, **terms: Any) -> Link:
    code = invite(inviter, **terms)
    return services.link_accounts(code=code, actor=Actor.own(invitee), address="192.0.2.1", now=clock.now())


class TestInvitations:
    """POST /link-invitations"""

    def test_codes_come_in_groups_with_their_terms_and_their_end(self, buyer, api):
        answer = api(buyer).post("/link-invitations", {"count": 3})

        assert answer.status_code == 201
        body = answer.json()
        assert len(set(body["codes"])) == 3
        assert all(len(code) == 10 for code in body["codes"])
        assert body["terms"] == DEFAULT_TERMS
        assert body["id"].startswith("inv_")

    def test_each_code_can_be_scanned(self, buyer, api, settings):
        settings.SITE_URL = "https://shop.example"
        body = api(buyer).post("/link-invitations", {"count": 2}).json()

        assert [card["code"] for card in body["cards"]] == body["codes"]
        for card in body["cards"]:
            assert card["url"] == f"https://shop.example/join#{card['code']}"
            assert read_qr(card["qr_svg"]) == card["url"]

    def test_the_codes_are_kept_nowhere(self, buyer, api):
        code = api(buyer).post("/link-invitations", {}).json()["codes"][0]

        assert code not in str(list(InvitationCode.objects.values()))

    @pytest.mark.parametrize("count", [0, 11, "2", True, 1.0])
    def test_a_group_has_one_to_ten(self, buyer, api, count):
        assert api(buyer).post("/link-invitations", {"count": count}).status_code == 422

    @pytest.mark.parametrize(
        ("terms", "field"),
        [
            ({"mirror": ["order.eaten"]}, "terms.mirror.0"),
            ({"direction": "up"}, "terms.direction"),
            ({"switch": True}, "terms.switch"),
            ({"spending_cap": {"amount": 0, "currency": "GBP"}}, "terms.spending_cap.amount"),
            ({"spending_cap": {"amount": 5}}, "terms.spending_cap.currency"),
            ({"spending_cap": "some"}, "terms.spending_cap"),
            ({"spending_cap": 7}, "terms.spending_cap"),
            ({"colour": "red"}, "terms.colour"),
        ],
    )
    def test_terms_that_are_none_are_refused(self, buyer, api, terms, field):
        answer = api(buyer).post("/link-invitations", {"terms": terms})

        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == field

    def test_an_operator_invites_nobody(self, operator, api):
        assert api(operator).post("/link-invitations", {}).status_code == 403

    def test_a_group_can_be_looked_at_and_withdrawn(self, buyer, seller, api):
        made = api(buyer).post("/link-invitations", {"count": 2}).json()
        (listed,) = api(buyer).get("/link-invitations").json()["results"]
        assert (listed["id"], listed["count"], listed["used"], listed["withdrawn_at"]) == (made["id"], 2, 0, None)

        assert api(seller).delete(f"/link-invitations/{made['id']}").status_code == 404
        assert api(buyer).delete(f"/link-invitations/{made['id']}").status_code == 204
        assert api(buyer).delete(f"/link-invitations/{made['id']}").status_code == 204

        assert api(seller).post("/links", {"code": made["codes"][0]}).json()["code"] == "invitation_invalid"


class TestLinking:
    """POST /links"""

    @pytest.mark.parametrize(("inviter", "invitee"), list(product(KINDS, KINDS)), ids=lambda kind: "-".join(kind))
    def test_any_two_kinds_can_be_linked(self, new_account, api, inviter, invitee):
        one, other = (new_account(kind=kind, side=side) for kind, side in (inviter, invitee))

        answer = api(other).post("/links", {"code": invite(one)})

        assert answer.status_code == 201
        assert [account["id"] for account in answer.json()["accounts"]] == [one.public_id, other.public_id]
        for account, its_other in ((one, other), (other, one)):
            session = api(account).get("/session").json()
            assert session["linked_accounts"] == [{"id": its_other.public_id, "name": its_other.name}]

    def test_one_person_has_many_accounts(self, buyer, new_account):
        for _ in range(5):
            link(buyer, new_account(kind="enterprise", side="seller"))

        assert len(linking.Link.objects.filter(inviter=buyer)) == 5

    def test_the_terms_are_shown_before_anything_is_used_up(self, buyer, seller, api):
        cap = {"amount": 500, "currency": "GBP"}
        code = invite(buyer, spending_cap=cap, mirror=["order.placed"])

        for _ in range(2):
            preview = api(seller).post("/links/preview", {"code": code})
            assert preview.status_code == 200
            assert preview.json()["inviter"] == {"id": buyer.public_id, "name": buyer.name}
            assert preview.json()["terms"] == DEFAULT_TERMS | {"spending_cap": cap, "mirror": ["order.placed"]}

        assert api(seller).post("/links", {"code": code}).json()["terms"]["spending_cap"] == cap

    @pytest.mark.parametrize("spell", [str.lower, lambda c: f"{c[:5]}-{c[5:]} ", lambda c: c.replace("0", "o")])
    def test_codes_may_be_typed_as_people_type(self, buyer, seller, api, spell):
        assert api(seller).post("/links", {"code": spell(invite(buyer))}).status_code == 201

    def test_wrong_used_expired_and_withdrawn_codes_get_the_same_answer(self, buyer, new_account, api):
        used, expired = invite(buyer), invite(buyer)
        services.link_accounts(code=used, actor=Actor.own(new_account()), address="x", now=clock.now())
        InvitationCode.objects.filter(digest=linking.digest_code(expired)).get().invitation.delete()
        late = invite(buyer)
        linking.Invitation.objects.update(expires_at=clock.now())

        answers = [api(new_account()).post("/links", {"code": c}) for c in ("7777777777", used, expired, late)]

        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.content for answer in answers}) == 1
        assert answers[0].json()["code"] == "invitation_invalid"

    def test_codes_end_after_a_quarter_of_an_hour_by_the_house_clock(self, buyer, seller):
        code, later = invite(buyer), clock.now() + settings.INVITATION_LIFETIME + timedelta(seconds=1)

        with pytest.raises(InvitationInvalid):
            services.link_accounts(code=code, actor=Actor.own(seller), address="x", now=later)

    def test_not_with_itself(self, buyer, seller, api):
        code = invite(buyer)

        assert api(buyer).post("/links", {"code": code}).json()["code"] == "link_with_itself"
        assert api(seller).post("/links", {"code": code}).status_code == 201  # It was not used up.

    def test_not_twice_in_either_direction(self, buyer, seller, api):
        link(buyer, seller)
        back, again = invite(seller), invite(buyer)

        assert api(buyer).post("/links", {"code": back}).json()["code"] == "already_linked"
        assert api(seller).post("/links", {"code": again}).json()["code"] == "already_linked"

    def test_again_after_an_end(self, buyer, seller):
        services.end_link(link=link(buyer, seller).public_id, actor=Actor.own(buyer), now=clock.now())

        assert link(seller, buyer).ended_at is None

    def test_not_with_an_operator(self, buyer, operator, api):
        assert api(operator).post("/links", {"code": invite(buyer)}).status_code == 403


class TestGuessing:
    """Wrong codes are limited per account and per address; looking counts as trying."""

    def test_ten_wrong_ones_and_then_the_account_waits(self, buyer, seller, api):
        for number in range(10):
            path = "/links" if number % 2 else "/links/preview"
            assert api(seller).post(path, {"code": f"{number:010}"}).status_code == 404

        refused = api(seller).post("/links", {"code": invite(buyer)})
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_attempts")
        assert int(refused["Retry-After"]) > 0

    def test_others_are_not_locked_out(self, buyer, new_account, seller, api):
        for number in range(10):
            api(seller).post("/links", {"code": f"{number:010}"})

        assert api(new_account()).post("/links", {"code": invite(buyer)}).status_code == 201

    def test_an_address_has_its_own_limit(self, buyer, new_account, api, settings):
        settings.INVITATION_ADDRESS_FAILURES_MAX = 3
        for number in range(3):
            api(new_account()).post("/links", {"code": f"{number:010}"})

        assert api(new_account()).post("/links", {"code": invite(buyer)}).status_code == 429

    def test_right_ones_are_not_counted(self, buyer, seller, api):
        for _ in range(12):
            assert api(seller).post("/links/preview", {"code": invite(buyer)}).status_code == 200

        assert not AttemptCount.objects.exclude(counted=0).filter(scope__startswith="invitation").exists()


class TestTheAlarm:
    """Over all accounts together people are told, and nobody is refused."""

    @pytest.fixture
    def three(self, settings):
        settings.INVITATION_ALARM_MAX = 3

    def guess(self, api, new_account, times: int) -> None:
        for number in range(times):
            path = "/links" if number % 2 else "/links/preview"
            assert api(new_account()).post(path, {"code": f"{number:010}"}).status_code == 404

    def figures(self, client) -> list[float]:
        shown = client.get("/metrics").content.decode()
        names = ("marketplace_wrong_invitation_codes", "marketplace_wrong_invitation_codes_alarm")
        return [float(line.split()[1]) for line in shown.splitlines() if line.split()[0] in names]

    def said(self, caplog) -> list[Any]:
        return [record.msg for record in caplog.records if record.name == "core.alarms"]

    def test_is_raised_once_in_a_window_by_the_first_one_too_many(self, three, new_account, api, client, caplog):
        self.guess(api, new_account, 3)
        assert (self.figures(client), self.said(caplog)) == ([3, 0], [])

        self.guess(api, new_account, 3)

        (line,) = self.said(caplog)
        assert (line["event"], line["level"], line["most"]) == ("alarm_wrong_invitation_codes", "error", 3)
        assert self.figures(client) == [6, 1]

    def test_refuses_no_right_code(self, three, buyer, new_account, api):
        self.guess(api, new_account, 5)

        assert api(new_account()).post("/links", {"code": invite(buyer)}).status_code == 201

    def test_counts_only_wrong_ones(self, three, buyer, new_account, api, client):
        for _ in range(5):
            api(new_account()).post("/links", {"code": invite(buyer)})

        assert self.figures(client) == [0, 0]

    def test_ends_with_its_window(self, three, new_account, api, client):
        self.guess(api, new_account, 4)
        AttemptCount.objects.filter(scope="wrong_invitation_codes").update(window_ends_at=timezone.now())
        assert self.figures(client) == [0, 0]

        self.guess(api, new_account, 1)

        assert self.figures(client) == [1, 0]


class TestTheSameForEveryWrongCode:
    """Wrong, used, expired, withdrawn: neither the answer nor what the database is asked tells them apart."""

    def wrong_codes(self, new_account: Callable[..., Account]) -> dict[str, str]:
        inviter = new_account()
        used, expired, withdrawn = (invite(inviter) for _ in range(3))
        services.link_accounts(code=used, actor=Actor.own(new_account()), address="192.0.2.9", now=clock.now())
        for code, change in ((expired, "expires_at"), (withdrawn, "withdrawn_at")):
            group = InvitationCode.objects.get(digest=linking.digest_code(code)).invitation
            linking.Invitation.objects.filter(pk=group.pk).update(**{change: clock.now()})
        return {"wrong": "7777777777", "used": used, "expired": expired, "withdrawn": withdrawn}

    @pytest.mark.parametrize("path", ["/links", "/links/preview"])
    def test_the_same_bytes_after_the_same_statements(self, new_account, api, statements, path):
        seen = {}
        for name, code in self.wrong_codes(new_account).items():
            caller = api(new_account())
            with statements() as asked:
                answer = caller.post(path, {"code": code})
            assert (answer.status_code, answer.json()["code"]) == (404, "invitation_invalid")
            headers = {header: value for header, value in answer.headers.items() if header not in OF_THE_REQUEST}
            seen[name] = (answer.content, headers, [shape(query["sql"]) for query in asked.captured_queries])

        assert all(one == seen["wrong"] for one in seen.values()), seen
        assert len(seen["wrong"][2]) > 5, "It does ask."


class TestTerms:
    """Terms are changed by both."""

    def test_a_proposal_is_in_force_when_the_other_side_accepts(self, buyer, seller, api):
        made = link(buyer, seller)
        path, cap = f"/links/{made.public_id}", {"amount": 700, "currency": "EUR"}

        proposed = api(seller).patch(path, {"terms": {"spending_cap": cap}}).json()
        assert proposed["terms"] == DEFAULT_TERMS
        assert proposed["proposed_terms"] == DEFAULT_TERMS | {"spending_cap": cap}
        assert proposed["proposed_by"]["id"] == seller.public_id
        assert api(seller).post(f"{path}/accept", {}).json()["code"] == "own_proposal"

        accepted = api(buyer).post(f"{path}/accept", {"terms": {"spending_cap": cap}}).json()
        assert accepted["terms"] == DEFAULT_TERMS | {"spending_cap": cap}
        assert accepted["proposed_terms"] is None
        assert api(buyer).post(f"{path}/accept", {}).json()["code"] == "nothing_proposed"

    def test_a_session_that_new_terms_do_not_allow_ends(self, buyer, seller, api):
        made = link(buyer, seller)
        there, back = api(buyer), api(seller)
        there.token = there.post("/session/switch", {"account": seller.public_id}).json()["token"]
        back.token = back.post("/session/switch", {"account": buyer.public_id}).json()["token"]
        path = f"/links/{made.public_id}"
        api(seller).patch(path, {"terms": {"switch": "inviter_as_invitee"}})

        assert api(buyer).post(f"{path}/accept", {}).status_code == 200

        assert there.get("/account").status_code == 200
        assert back.get("/account").json()["code"] == "session_ended"

    def test_what_was_not_seen_is_not_accepted(self, buyer, seller, api):
        path = f"/links/{link(buyer, seller).public_id}"
        api(seller).patch(path, {"terms": {"spending_cap": "unlimited"}})

        answer = api(buyer).post(f"{path}/accept", {"terms": {"spending_cap": None}})

        assert (answer.status_code, answer.json()["code"]) == (409, "terms_changed")

    def test_strangers_see_nothing(self, buyer, seller, new_account, api):
        path, stranger = f"/links/{link(buyer, seller).public_id}", new_account()

        for answer in (
            api(stranger).get(path),
            api(stranger).patch(path, {"terms": {}}),
            api(stranger).post(f"{path}/accept", {}),
            api(stranger).delete(path),
        ):
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


class TestEnding:
    """DELETE /links/<id>"""

    def test_either_side_ends_it(self, buyer, seller, api):
        for ender in (buyer, seller):
            path = f"/links/{link(buyer, seller).public_id}"
            assert api(ender).delete(path).status_code == 204
            assert api(ender).delete(path).status_code == 404
            assert api(buyer).get("/links").json()["results"] == []

    def test_sessions_that_act_through_it_end_at_once(self, buyer, seller, new_account, api):
        other = new_account()
        made = link(buyer, seller)
        link(buyer, other)
        through, elsewhere, own = api(buyer), api(buyer), api(buyer)
        for caller, target in ((through, seller), (elsewhere, other)):
            caller.token = caller.post("/session/switch", {"account": target.public_id}).json()["token"]

        api(seller).delete(f"/links/{made.public_id}")

        ended = through.get("/account")
        assert (ended.status_code, ended.json()["code"]) == (401, "session_ended")
        assert elsewhere.get("/account").status_code == 200
        assert own.get("/account").status_code == 200
        assert own.get("/account", acting_account=seller.public_id).json()["code"] == "account_not_linked"

    def test_who_was_linked_when_is_remembered(self, buyer, seller, new_account):
        before = clock.now()
        made = link(buyer, seller)
        during = made.linked_at
        services.end_link(link=made.public_id, actor=Actor.own(buyer), now=during + timedelta(hours=1))
        pair, stranger = (seller.public_id, buyer.public_id), (buyer.public_id, new_account().public_id)

        assert were_linked([pair, stranger], at=during) == {pair}
        assert were_linked([pair], at=before) == set()
        assert were_linked([pair], at=during + timedelta(hours=1)) == set()


@pytest.fixture
def without_the_condition(monkeypatch: pytest.MonkeyPatch) -> None:
    """For controls: whoever found the code unused a moment ago may use it."""

    def look_then_use(code: str, actor: Actor, now: Any) -> Any:
        found = InvitationCode.objects.select_related("invitation__inviter").filter(
            digest=linking.digest_code(code), used_at=None
        )
        unused = found.first()
        if unused is None:
            raise InvitationInvalid
        InvitationCode.objects.filter(pk=unused.pk).update(used_at=now, used_by=actor.login)
        return unused.invitation

    monkeypatch.setattr(linking, "_use_up", look_then_use)


class TestOneCodeManyHands:
    """One code admits one account, however many give it at the same moment."""

    HANDS = 8

    def redeem_together(self, committed_db: Any, new_account: Callable[..., Account], race: Any) -> list[Any]:
        code, accounts = invite(new_account()), [new_account() for _ in range(self.HANDS)]

        def give(account: Account) -> Callable[[], Any]:
            return lambda: services.link_accounts(
                code=code, actor=Actor.own(account), address=account.public_id, now=clock.now()
            )

        return race(*map(give, accounts))

    def test_one_wins(self, committed_db, new_account, race):
        outcomes = self.redeem_together(committed_db, new_account, race)

        assert sum(isinstance(outcome, Link) for outcome in outcomes) == 1
        assert sum(isinstance(outcome, InvitationInvalid) for outcome in outcomes) == self.HANDS - 1
        assert Link.objects.count() == 1

    def test_control_without_the_condition_several_win(self, committed_db, new_account, race, without_the_condition):
        outcomes = self.redeem_together(committed_db, new_account, race)

        assert sum(isinstance(outcome, Link) for outcome in outcomes) > 1

    def test_two_codes_of_the_same_two_accounts_make_one_link(self, committed_db, buyer, seller, race):
        there, back = invite(buyer), invite(seller)

        def give(code: str, account: Account) -> Callable[[], Any]:
            return lambda: services.link_accounts(code=code, actor=Actor.own(account), address="x", now=clock.now())

        outcomes = race(give(there, seller), give(back, buyer))

        assert {type(outcome) for outcome in outcomes} == {AlreadyLinked, Link}
        assert Link.objects.filter(ended_at=None).count() == 1
