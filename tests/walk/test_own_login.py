"""
What only the account's own log-in may do: never through a link, whatever its terms, switched or by the header.

The calls are read off the views' own marks, the marks are held against the contract's words, and a call that
is neither marked nor listed here as one that links may make fails: nobody can forget to decide.
"""

import re

import pytest

from tests.walk.asking import BROKEN, UNKNOWN_FIELD, ask, missing, of_kind, path_for, rotations
from tests.walk.operations import Operation, operations
from tests.walk.world import World

OPERATIONS = operations()
MARKED = [operation for operation in OPERATIONS if operation.is_own_login]
OWN_LOGIN_REQUIRED = (403, "own_login_required")

# The contract's words for it, as patterns of "METHOD /path"; some have no call yet.
NEVER_THROUGH_A_LINK = {
    "password": r"\w+ /account/password.*",
    "e-mail": r"PATCH /account|POST /email-verifications",
    "second factor": r"\w+ /account/(totp|second-factor|recovery-codes).*",
    "withdrawals": r"(POST|PUT|PATCH|DELETE) /wallet/withdrawals.*",
    "payout targets": r"\w+ (/wallet)?/payout-targets.*",
    "invitations": r"\w+ /link-invitations.*",
    "making links": r"POST /links(/preview)?",
    "proposing terms": r"PATCH /links/{link_id}",
    "accepting terms": r"POST /links/{link_id}/accept",
    "external identities": r"\w+ /identities.*",
    "pay codes and their secrets": r"\w+ (/account|/wallet)?/pay-code.*",
    "service keys": r"\w+ /service-keys.*",
    "closing": r"POST /account/close",
    "export": r"\w+ /account/export",
}

# What the house keeps to the own log-in beyond the contract: storage is emptied, and tills are told when to ask.
ALSO = {"DELETE /links/{link_id}/mirrored", "PUT /confirmation-limits"}

# What changes something, and may be done through a link whose terms let the one act as the other.
LINKS_MAY = {
    "DELETE /cart",
    "DELETE /cart/lines/{item_id}",
    "DELETE /items/{item_id}/share-program",
    "DELETE /jobs/{job_id}",
    "DELETE /links/{link_id}",
    "DELETE /session",
    "DELETE /sessions",
    "DELETE /sessions/{session_id}",
    "DELETE /shares/{share_id}",
    "DELETE /terminals/{terminal_id}",
    "PATCH /items/{item_id}",
    "PATCH /stores/{store_id}",
    "POST /messages/{message_id}/read",
    "POST /cart/order",
    "POST /checkouts/{checkout_id}/pay",
    "POST /items",
    "POST /orders",
    "POST /orders/{order_id}/cancel",
    "POST /orders/{order_id}/complete",
    "POST /orders/{order_id}/fulfil",
    "POST /orders/{order_id}/pay",
    "POST /orders/{order_id}/refund-requests",
    "POST /orders/{order_id}/refunds",
    "POST /refund-requests/{request_id}/accept",
    "POST /refund-requests/{request_id}/refuse",
    "POST /scans/claim",
    "POST /session/second-factor",
    "POST /session/switch",
    "POST /shares",
    "POST /stores",
    "POST /stores/{store_id}/close",
    "POST /stores/{store_id}/terminals",
    "POST /terminals/{terminal_id}/rotate",
    "POST /trades/{trade_no}/confirm",
    "POST /trades/{trade_no}/pay",
    "POST /wallet/debt-repayments",
    "POST /wallet/top-ups",
    "PUT /cart/lines/{item_id}",
    "PUT /items/{item_id}/share-program",
}


def is_named(operation: Operation) -> bool:
    return any(re.fullmatch(pattern, str(operation)) for pattern in NEVER_THROUGH_A_LINK.values())


class TestTheMarks:
    """Views say `own_login`; nothing that the contract names is without, and nothing is marked by accident."""

    def test_are_what_the_contract_says(self) -> None:
        named = {str(operation) for operation in OPERATIONS if is_named(operation)}

        assert {str(operation) for operation in MARKED} == named | (ALSO & {str(o) for o in OPERATIONS})

    @pytest.mark.parametrize("operation", OPERATIONS, ids=str)
    def test_somebody_has_decided_for_every_change(self, operation: Operation) -> None:
        people_reach_it = operation.takes_log_in and operation.audience & {"buyer", "seller"}
        if operation.method != "GET" and people_reach_it and not operation.is_own_login:
            assert str(operation) in LINKS_MAY, (
                f"May {operation} be called through a link? If not, mark it `own_login` in its view; if so, list it "
                "in LINKS_MAY."
            )

    def test_stand_in_the_schema(self) -> None:
        said = {str(operation) for operation in OPERATIONS if operation.documented.get("x-own-login")}

        assert said == {str(operation) for operation in MARKED}


@pytest.mark.parametrize("operation", MARKED, ids=str)
class TestThroughALink:
    """All of it is refused, whoever is linked with whom; by the own log-in none of it is, for that reason."""

    def test_every_such_call_is_refused(self, world: World, operation: Operation) -> None:
        for owner in world.owners:
            own = ask(world, operation, owner, world.tokens[owner.public_id])
            assert own.refusal != OWN_LOGIN_REQUIRED, own
            for rotation in rotations(MARKED.index(operation)):
                caller = of_kind(world.linked, owner, rotation)
                switched = ask(world, operation, owner, world.switched[owner.public_id, caller.public_id])
                named = ask(world, operation, owner, world.tokens[caller.public_id], acting=owner.account)
                for answer in (switched, named):
                    assert (answer.refusal, answer.acted) == (OWN_LOGIN_REQUIRED, owner.public_id), answer

    def test_before_anything_is_looked_up(self, world: World, operation: Operation) -> None:
        """The refusal says nothing of what is there, nor of the body; only broken JSON and a missing key come first."""
        owner, caller = world.owners[0], world.linked[0]
        token = world.switched[owner.public_id, caller.public_id]
        nowhere = missing(operation, path_for(world, operation, owner))
        for body in (None, UNKNOWN_FIELD):
            answer = ask(world, operation, owner, token, path=nowhere, body=body)
            assert answer.refusal == OWN_LOGIN_REQUIRED, answer
        if operation.has_body:
            assert ask(world, operation, owner, token, body=BROKEN).refusal == (400, "malformed_body")


class TestWhatALinkMayDo:
    """Ending it is allowed."""

    def test_end_it(self, world: World) -> None:
        ending = next(operation for operation in OPERATIONS if str(operation) == "DELETE /links/{link_id}")
        for owner in world.owners:
            for caller in world.linked:
                answer = ask(world, ending, owner, world.switched[owner.public_id, caller.public_id])
                assert answer.status == 204, answer
