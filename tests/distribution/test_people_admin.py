from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Account
from core import clock
from distribution.models import AgentSeat, Area, Referral
from tests.conftest import make_account
from tests.distribution.people import areas, came, place_now

SEATS, PLACES = "/admin/distribution/agentseat", "/admin/distribution/referral"


@pytest.fixture
def tree(database: None) -> dict[str, Area]:
    return areas()


@pytest.fixture
def desk(browser: Callable[[Account], Client], operator: Account) -> Client:
    return browser(operator)


def text(answer: Any) -> str:
    assert answer.status_code == 200, answer
    return answer.content.decode()


class TestAgentPages:
    """An area with its chain; a change is said, looked at, and only then done."""

    def test_an_agent_is_appointed_replaced_and_ended_in_three_steps(self, tree: dict[str, Area], desk: Client) -> None:
        area, one, other = tree["N1"], make_account(name="Ada Agent"), make_account(name="Otto Other")
        assert "vacant" in text(desk.get(f"{SEATS}/areas/{area.pk}/"))
        assert "Look what follows" in text(desk.get(f"{SEATS}/areas/{area.pk}/appoint/"))
        said = {"account": one.public_id, "begins": ""}
        assert "Nothing has been done yet" in text(desk.post(f"{SEATS}/areas/{area.pk}/appoint/", said))
        assert not AgentSeat.objects.exists()

        done = text(desk.post(f"{SEATS}/areas/{area.pk}/appoint/", {**said, "sure": "yes"}, follow=True))
        seat = AgentSeat.objects.get()
        assert "Ada Agent is the agent of Area N1" in done

        said = {"account": other.public_id, "begins": ""}
        assert "Takes over" in text(desk.post(f"{SEATS}/{seat.pk}/replace/", said))
        desk.post(f"{SEATS}/{seat.pk}/replace/", {**said, "sure": "yes"})
        held = AgentSeat.objects.get(until_at=None)
        assert held.account == other

        assert "stays with the house" in text(desk.get(f"{SEATS}/{held.pk}/end/"))
        assert AgentSeat.objects.filter(until_at=None).exists()
        desk.post(f"{SEATS}/{held.pk}/end/", {"sure": "yes"})
        assert not AgentSeat.objects.filter(until_at=None).exists()
        assert "This seat has ended." in text(desk.get(f"{SEATS}/{held.pk}/end/", follow=True))

    def test_what_is_not_known_is_said_where_it_was_asked(self, tree: dict[str, Area], desk: Client) -> None:
        answer = desk.post(f"{SEATS}/areas/{tree['N'].pk}/appoint/", {"account": "acc_nobody", "begins": ""})
        assert "There is no account of this id." in text(answer)

    def test_lists_and_countries(self, tree: dict[str, Area], desk: Client) -> None:
        assert "Area ZZ" in text(desk.get(f"{SEATS}/areas/"))
        for query in ("q=ZZ-N", "state=living", "state=ended"):
            assert "agent seat" in text(desk.get(f"{SEATS}/?{query}"))


class TestForestPages:
    """One walks up and down, step by step, and puts people elsewhere in three steps."""

    def test_up_and_down_the_forest(self, db: None, desk: Client) -> None:
        first = came(clock.now())
        second = came(clock.now(), through=first)
        third = came(clock.now(), through=second)
        page = text(desk.get(f"{PLACES}/of/{second.pk}/"))

        for account in (first, third):
            assert f"{PLACES}/of/{account.pk}/" in page
        assert first.name in text(desk.get(f"{PLACES}/?q={first.public_id}"))
        assert text(desk.get(f"{PLACES}/{place_now(third).pk}/change/"))

    def test_a_place_is_moved_and_ended(self, db: None, desk: Client) -> None:
        first, other = came(clock.now()), came(clock.now())
        second = came(clock.now(), through=first)
        said = {"referrer": other.public_id, "reason": "They say so."}

        assert "Would stand below" in text(desk.post(f"{PLACES}/of/{second.pk}/move/", said))
        assert place_now(second).referrer == first
        desk.post(f"{PLACES}/of/{second.pk}/move/", {**said, "sure": "yes"})
        assert place_now(second).referrer == other
        circle = {"referrer": second.public_id, "reason": "x", "sure": "yes"}
        assert "The referrer stands below" in text(desk.post(f"{PLACES}/of/{other.pk}/bind/", circle, follow=True))

        assert "They move up to" in text(desk.post(f"{PLACES}/of/{other.pk}/end/", {"reason": "Gone."}))
        desk.post(f"{PLACES}/of/{other.pk}/end/", {"reason": "Gone.", "sure": "yes"})
        assert not Referral.objects.filter(account=other, until_at=None).exists()
        assert "Put below a referrer" in text(desk.get(f"{PLACES}/of/{other.pk}/"))
