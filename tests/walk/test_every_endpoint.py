"""
Every operation × the kinds of account × how the caller stands to the owner: nothing leaks between linked identities.

Somebody else's object is answered as one that is not there, to the byte; through a link an account has the
rights of the one that it acts as, never its own as well. WALK=all lets all kinds meet all kinds.
"""

import re

import pytest

from accounts.models import Account
from tests.walk.asking import (
    BROKEN,
    UNKNOWN_FIELD,
    Answer,
    ask,
    both_sides,
    cannot_call,
    leaks,
    missing,
    of_kind,
    owners_for,
    path_for,
    rotations,
)
from tests.walk.operations import METHODS, Operation, operations
from tests.walk.world import Owner, World

OPERATIONS = operations()
WITH_PLACES = [pytest.param(place, operation, id=str(operation)) for place, operation in enumerate(OPERATIONS)]
PERSONAL = [param for param in WITH_PLACES if param.values[1].takes_log_in and not param.values[1].is_for_machines]

FORBIDDEN = (403, "forbidden")
NOT_FOUND = (404, "not_found")

# Where the owner's own request goes as far as its state lets it.
REFUSED_BY_STATE = {"POST /account/close": (409, "account_not_settled")}

# Sessions and second factors are those of whoever logged in, whoever it acts as: an owner's are not there.
OF_THE_LOGIN = {
    "GET /session": None,
    "DELETE /session": None,
    "GET /sessions": None,
    "DELETE /sessions": None,
    "POST /session/switch": None,
    "DELETE /sessions/{session_id}": NOT_FOUND,
    "POST /session/second-factor": (409, "second_factor_missing"),
}

SIGNED = {"POST /webhooks/{provider}"}  # By whom it comes from; what that is is tested where it is heard.

TELLS_TIME = {"GET /clock"}

# The path names what everybody may see; what is made of it is one's own.
OPEN_TO_ALL = {"GET /areas/{area_code}", "GET /stores/{store_id}", "PUT /cart/lines/{item_id}"}

OPERATORS_SEE = {
    "GET /agents/{seat_id}",
    "GET /checkouts/{checkout_id}",
    "GET /items/{item_id}",
    "GET /items/{item_id}/share-program",
    "GET /items/{item_id}/share-report",
    "GET /jobs/{job_id}",
    "DELETE /jobs/{job_id}",
    "GET /orders/{order_id}",
    "GET /orders/{order_id}/attribution",
    "GET /orders/{order_id}/money",
    "GET /orders/{order_id}/refund-requests",
    "GET /orders/{order_id}/refunds",
    "GET /refund-requests/{request_id}",
    "GET /refunds/{refund_id}",
    "GET /shares/{share_id}",
    "GET /shares/{share_id}/report",
    "POST /refund-requests/{request_id}/accept",
    "POST /refund-requests/{request_id}/refuse",
}


@pytest.mark.parametrize(("place", "operation"), WITH_PLACES)
class TestTheWalk:
    """It can call everything: what is refused below is refused for who asks."""

    def test_whoever_it_is_for_gets_it(self, world: World, place: int, operation: Operation) -> None:
        if operation.is_for_machines:
            self.check_nobody_gets_it(world, operation)
            return
        if str(operation) in SIGNED:
            self.check_no_session_counts(world, operation)
            return
        askers = world.owners if operation.is_for_people else [world.house]
        askers = [asker for asker in askers if operation.admits(asker.account) and world.path(operation, asker)]
        assert askers, cannot_call(operation, "nobody whom it is for has an object for it")
        for asker in askers:
            answer = ask(world, operation, asker, self.token(world, operation, asker))
            wanted = REFUSED_BY_STATE.get(str(operation))
            got = answer.refusal == wanted if wanted else answer.status < 300
            assert got, cannot_call(operation, answer)
            assert not operation.takes_log_in or answer.acted == asker.public_id
            assert asker.account.is_staff or not leaks(world, answer, asker.account)

    def check_nobody_gets_it(self, world: World, operation: Operation) -> None:
        """What tills and payment servers do is for no account; what they find is tested where they are."""
        for account in (*world.strangers, world.operator):
            path = re.sub(r"{\w+}", "none", operation.path)
            answer = ask(world, operation, world.house, world.tokens[account.public_id], path=path)
            assert answer.refusal in (FORBIDDEN, (401, "not_authenticated")), answer

    def check_no_session_counts(self, world: World, operation: Operation) -> None:
        """Without a signature everybody is nobody."""
        path = re.sub(r"{\w+}", "none", operation.path)
        tokens = [world.tokens[account.public_id] for account in (*world.strangers, world.operator)]
        answers = [ask(world, operation, world.house, token, path=path) for token in (None, *tokens)]
        assert answers[0].status >= 400
        assert len(set(answers)) == 1, answers

    def token(self, world: World, operation: Operation, asker: Owner) -> str | None:
        return world.tokens[asker.public_id] if operation.takes_log_in else None


@pytest.mark.parametrize(("place", "operation"), PERSONAL)
class TestThroughALink:
    """Acting as the owner: the owner's rights and objects, and nothing of one's own."""

    def test_it_is_as_by_the_owners_own_log_in(self, world: World, place: int, operation: Operation) -> None:
        if operation.is_own_login:
            return  # tests/walk/test_own_login.py
        for owner in owners_for(world, operation, place):
            own = ask(world, operation, owner, world.tokens[owner.public_id])
            for rotation in rotations(place):
                caller: Owner = of_kind(world.linked, owner, rotation)
                switched = ask(world, operation, owner, world.switched[owner.public_id, caller.public_id])
                named = ask(world, operation, owner, world.tokens[caller.public_id], acting=owner.account)
                for answer in (switched, named):
                    self.check(world, operation, owner, caller, answer, own)

    def check(
        self, world: World, operation: Operation, owner: Owner, caller: Owner, answer: Answer, own: Answer
    ) -> None:
        assert answer.acted == owner.public_id, answer
        if str(operation) in OF_THE_LOGIN:
            wanted = OF_THE_LOGIN[str(operation)]
            assert answer.refusal == wanted if wanted else answer.status < 300, answer
            assert not leaks(world, answer, owner.account, caller.account)
            return
        assert not leaks(world, answer, owner.account), answer
        if operation.spends and own.status < 300:
            assert answer.refusal == (409, "spending_cap_exceeded"), answer
        elif (operation.method == "GET" and str(operation) not in TELLS_TIME) or own.status >= 400:
            assert (answer.status, answer.text) == (own.status, own.text)
        else:
            assert answer.status == own.status, answer

    def test_ones_own_objects_are_not_there(self, world: World, place: int, operation: Operation) -> None:
        if operation.is_own_login or str(operation) in {*OF_THE_LOGIN, *OPEN_TO_ALL}:
            return
        for owner in both_sides(world, place):
            for rotation in rotations(place):
                caller: Owner = of_kind(world.linked, owner, rotation)
                path = world.path(operation, caller)
                if not operation.names or path is None:
                    continue
                token = world.switched[owner.public_id, caller.public_id]
                answer = ask(world, operation, caller, token, path=path)
                assert answer.refusal == (NOT_FOUND if operation.admits(owner.account) else FORBIDDEN), answer
                assert answer.acted == owner.public_id


@pytest.mark.parametrize(("place", "operation"), PERSONAL)
class TestWhoeverElse:
    """Linked but as oneself, linked without the right to switch, unlinked since, never linked; and operators."""

    def test_finds_nothing_of_the_owners(self, world: World, place: int, operation: Operation) -> None:
        if not operation.names and operation.method != "GET":
            return  # Makes something of one's own; what its body may name is tested below.
        linked = [one.account for one in world.linked]
        for owner in owners_for(world, operation, place):
            for rotation in rotations(place):
                for step, group in enumerate((linked, world.barred, world.unlinked, world.strangers)):
                    self.check(world, operation, owner, of_kind(group, owner, rotation + step))  # Each of another kind.

    def check(self, world: World, operation: Operation, owner: Owner, account: Account) -> None:
        token = world.tokens[account.public_id]
        answer = ask(world, operation, owner, token)
        assert answer.acted == account.public_id, answer
        assert not leaks(world, answer, account), answer
        if not operation.admits(account):
            assert answer.refusal == FORBIDDEN, answer
        elif not operation.names or str(operation) in OPEN_TO_ALL:
            assert answer.status < 300, answer
        else:
            nowhere = ask(world, operation, owner, token, path=missing(operation, path_for(world, operation, owner)))
            assert answer.refusal == NOT_FOUND, answer
            assert answer.text == nowhere.text

    def test_operators_see_what_the_contract_says(self, world: World, place: int, operation: Operation) -> None:
        if not operation.is_for_people or not operation.names or str(operation) in OPEN_TO_ALL:
            return
        for owner in owners_for(world, operation, place):
            answer = ask(world, operation, owner, world.tokens[world.operator.public_id])
            assert answer.acted == world.operator.public_id
            if not operation.admits(world.operator):
                assert answer.refusal == FORBIDDEN, answer
            elif str(operation) in OPERATORS_SEE and world.path(operation, owner):
                assert answer.status not in (403, 404), answer
            elif world.path(operation, owner):
                assert answer.refusal == NOT_FOUND, answer

    def test_acts_as_the_owner_only_by_a_living_link(self, world: World, place: int, operation: Operation) -> None:
        owner = owners_for(world, operation, place)[0]
        refusals = {
            "barred": (403, "switch_not_allowed"),
            "unlinked": (404, "account_not_linked"),
            "strangers": (404, "account_not_linked"),
        }
        for group, refusal in refusals.items():
            caller = of_kind(getattr(world, group), owner, place)
            answer = ask(world, operation, owner, world.tokens[caller.public_id], acting=owner.account)
            assert answer.refusal == refusal, answer
            assert answer.acted == caller.public_id, "Whoever was refused is still who it was."
        former = of_kind(world.unlinked, owner, place)
        ended = ask(world, operation, owner, world.ended[owner.public_id, former.public_id])
        assert (ended.refusal, ended.acted) == ((401, "session_ended"), None)

    def test_nobody_is_sent_away(self, world: World, place: int, operation: Operation) -> None:
        owner = owners_for(world, operation, place)[0]
        answer = ask(world, operation, owner, None)
        assert answer.acted is None
        assert not leaks(world, answer)
        if not operation.is_public:
            assert answer.refusal == (401, "not_authenticated"), answer


@pytest.mark.parametrize(("place", "operation"), PERSONAL)
class TestTheOrderOfAnswers:
    """Whatever is wrong at once: 401, key, broken body, who may, what is there, what the body says."""

    def test_one_fault_after_the_other(self, world: World, place: int, operation: Operation) -> None:
        asker = next(
            one for one in [*world.owners[place % 4 :], *world.owners, world.house] if self.has(world, one, operation)
        )
        path = path_for(world, operation, asker)
        nowhere, token = missing(operation, path), world.tokens[asker.public_id]
        if operation.is_keyed:
            keyless = ask(world, operation, asker, token, path=nowhere, body=BROKEN, keyed=False)
            assert keyless.refusal == (400, "idempotency_key_required"), keyless
        if not operation.has_body:
            return
        if not operation.is_public:
            assert ask(world, operation, asker, None, path=nowhere, body=BROKEN).refusal == (401, "not_authenticated")
        assert ask(world, operation, asker, token, path=nowhere, body=BROKEN).refusal == (400, "malformed_body")
        for account in (*world.strangers, world.operator):
            if not operation.admits(account):
                other = world.tokens[account.public_id]
                broken = ask(world, operation, asker, other, path=nowhere, body=BROKEN)
                assert broken.refusal == (400, "malformed_body"), broken
                unknown = ask(world, operation, asker, other, path=nowhere, body=UNKNOWN_FIELD)
                assert unknown.refusal == FORBIDDEN, unknown
        if operation.names:
            unknown = ask(world, operation, asker, token, path=nowhere, body=UNKNOWN_FIELD)
            assert unknown.refusal == NOT_FOUND, unknown
        faulty = ask(world, operation, asker, token, path=path, body=UNKNOWN_FIELD)
        assert faulty.status == 422, faulty

    def has(self, world: World, owner: Owner, operation: Operation) -> bool:
        return operation.admits(owner.account) and world.path(operation, owner) is not None

    def test_a_method_that_is_not_there_still_says_who_acted(
        self, world: World, place: int, operation: Operation
    ) -> None:
        absent = next(method for method in METHODS if not hasattr(operation.view, method.lower()))
        owner = owners_for(world, operation, place)[0]
        other = Operation(absent, operation.path, operation.view)
        answer = ask(
            world, other, owner, world.tokens[owner.public_id], path=path_for(world, operation, owner), body=BROKEN
        )
        assert (answer.refusal, answer.acted) == ((405, "method_not_allowed"), owner.public_id)


class TestWhatABodyNames:
    """Somebody else's objects in a body are not there either."""

    def test_in_a_switch(self, world: World) -> None:
        for owner in world.owners:
            for group, refusal in (("barred", 403), ("unlinked", 404), ("strangers", 404)):
                for account in getattr(world, group):
                    answer = self.send(world, "POST /session/switch", account, {"account": owner.public_id})
                    assert (answer.status, answer.acted) == (refusal, account.public_id)

    def test_an_items_store(self, world: World) -> None:
        store = world.owners[1].ids["store_id"]
        item = {"title": "Tea", "kind": "goods", "price": {"amount": 1, "currency": "GBP"}}
        for account in (world.linked[1].account, world.strangers[1]):
            there = self.send(world, "POST /items", account, {**item, "store": store})
            nowhere = self.send(world, "POST /items", account, {**item, "store": "sto_" + "0" * 26})
            assert (there.status, there.text) == (422, nowhere.text)

    def test_an_orders_item(self, world: World) -> None:
        draft = world.owners[1].ids["draft"]
        for account in (world.linked[0].account, world.strangers[0]):
            there = self.send(world, "POST /orders", account, {"lines": [{"item": draft, "quantity": 1}]})
            nowhere = self.send(world, "POST /orders", account, {"lines": [{"item": "itm_" + "0" * 26, "quantity": 1}]})
            assert there.status >= 400
            assert (there.status, there.text) == (nowhere.status, nowhere.text)

    def test_a_payments_wallet(self, world: World) -> None:
        payer, owner = world.linked[0], world.owners[0]
        money = {"amount": 1000, "currency": "GBP"}
        wallets = {owner.public_id: (409, "spending_cap_exceeded"), "acc_" + "0" * 26: (404, "account_not_linked")}
        wallets[world.strangers[0].public_id] = (404, "account_not_linked")
        for wallet, refusal in wallets.items():
            answer = self.send(
                world, "POST /orders/{order_id}/pay", payer.account, {**money, "wallet": wallet}, owner=payer
            )
            assert answer.refusal == refusal

    def send(self, world: World, called: str, account: Account, body: object, owner: Owner | None = None) -> Answer:
        operation = next(operation for operation in OPERATIONS if str(operation) == called)
        return ask(world, operation, owner or world.owners[0], world.tokens[account.public_id], body=body)
