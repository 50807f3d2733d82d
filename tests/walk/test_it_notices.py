"""The controls: with each of these faults in the house the walk fails, and what nobody has told it about does, too."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from accounts.actor import Actor
from accounts.api.second_factors import Totp
from accounts.callers import actor_of
from accounts.terms import Terms
from catalog.api.views import ItemOne, Items
from core.errors import Forbidden
from orders.models import Order
from tests.walk import test_every_endpoint as walk
from tests.walk import test_own_login as own_login
from tests.walk.operations import Operation
from tests.walk.world import World

PLACE = 1  # A buyer's turn with a seller, and the other way round.


def operation(called: str) -> Operation:
    return next(known for known in walk.OPERATIONS if str(known) == called)


def notices(check: Callable[..., None], world: World, called: str) -> None:
    with pytest.raises(AssertionError):
        check(world, PLACE, operation(called))


class TestFaults:
    """One fault each, as somebody might make it."""

    def test_an_order_that_everybody_sees(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        everybodys = Order.objects.select_related("buyer", "seller", "payer", "checkout")
        monkeypatch.setattr("orders.selectors.orders_of", lambda visible_to: everybodys.all())

        notices(walk.TestWhoeverElse().test_finds_nothing_of_the_owners, world, "GET /orders/{order_id}")
        notices(walk.TestThroughALink().test_ones_own_objects_are_not_there, world, "GET /orders/{order_id}")

    def test_a_refusal_that_says_there_is_something(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(public_id: str, *, seller: Any) -> Any:
            raise Forbidden

        monkeypatch.setattr("catalog.selectors.get_own_store", refuse)

        notices(walk.TestWhoeverElse().test_finds_nothing_of_the_owners, world, "PATCH /stores/{store_id}")

    def test_rights_of_both_accounts_together(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        both = property(lambda actor: frozenset({actor.acting.side, actor.login.side}))
        monkeypatch.setattr(Actor, "audiences", both)

        notices(walk.TestThroughALink().test_ones_own_objects_are_not_there, world, "PATCH /stores/{store_id}")

    def test_a_list_of_who_logged_in_instead_of_who_acts(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        def by_login(request: Any) -> Actor:
            actor = actor_of(request)
            return replace(actor, acting=actor.login)

        monkeypatch.setattr("orders.api.views.actor_of", by_login)

        notices(walk.TestThroughALink().test_it_is_as_by_the_owners_own_log_in, world, "GET /orders")

    def test_terms_that_bind_nobody(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Terms, "lets_switch", lambda terms, *, as_inviter: True)

        notices(walk.TestWhoeverElse().test_acts_as_the_owner_only_by_a_living_link, world, "GET /account")

    def test_a_body_that_is_looked_at_before_the_link(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Totp, "own_login", frozenset())

        with pytest.raises(AssertionError):
            own_login.TestThroughALink().test_before_anything_is_looked_up(world, operation("POST /account/totp"))


class TestWhatIsNew:
    """It says what it needs to know."""

    def test_an_endpoint_that_it_cannot_call(self, world: World) -> None:
        new = Operation("GET", "/things/{thing_id}", ItemOne)

        with pytest.raises(AssertionError, match=r"The walk cannot call GET /things/{thing_id}: nobody .* object"):
            walk.TestTheWalk().test_whoever_it_is_for_gets_it(world, PLACE, new)

    def test_a_change_that_nobody_has_decided_about(self) -> None:
        with pytest.raises(AssertionError, match="May POST /things be called through a link"):
            own_login.TestTheMarks().test_somebody_has_decided_for_every_change(Operation("POST", "/things", Items))

    @pytest.mark.parametrize(
        "path", ["/pay-codes", "/pay-codes/{code_id}", "/account/pay-code-secret", "/wallet/payout-targets"]
    )
    def test_a_call_that_the_contract_keeps_to_the_own_log_in(self, path: str) -> None:
        assert own_login.is_named(Operation("POST", path, Items))
