"""Histories of the forest against a model that moves everybody at once and remembers every moment."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Account
from core.errors import Refusal
from distribution import services
from distribution.chains import Sale, resolve_chains
from distribution.errors import ReferralMoving
from distribution.models import Referral
from tests.distribution.people import came, clerk, minute
from tests.walk.world import undone

HISTORIES = 40
LEVELS = 3
PEOPLE = st.integers(0, 7)
STEP = st.one_of(
    st.tuples(st.just("join"), st.none() | PEOPLE, st.booleans()),
    st.tuples(st.sampled_from(["bind", "move"]), PEOPLE, PEOPLE),
    st.tuples(st.sampled_from(["end", "close"]), PEOPLE, st.none()),
    st.tuples(st.sampled_from(["hear", "tidy"]), PEOPLE, st.none()),
)


@dataclass
class Model:
    """Who stands below whom now; whoever leaves hands its children to the nearest live one above at once."""

    above: dict[int, int | None] = field(default_factory=dict)
    left: set[int] = field(default_factory=set)

    def join(self, account: int, referrer: int | None) -> None:
        self.above[account] = self.live_from(referrer)

    def live_from(self, account: int | None) -> int | None:
        while account in self.left:
            account = self.above[account]
        return account

    def is_below(self, account: int | None, other: int) -> bool:
        while account is not None and account != other:
            account = self.above[account]
        return account == other

    def leave(self, account: int) -> None:
        self.left.add(account)
        heir = self.live_from(account)
        self.above |= {child: heir for child, over in self.above.items() if over == account and child not in self.left}

    def chain(self, account: int) -> list[int]:
        found: list[int] = []
        over = None if account in self.left else self.above[account]
        while over is not None and len(found) < LEVELS:
            found.append(over)
            over = self.above[over]
        return found


class History:
    """One history, told to the house and to the model."""

    def __init__(self) -> None:
        self.model = Model()
        self.people: list[Account] = []
        self.unheard: list[Account] = []
        self.moments: list[tuple[datetime, list[list[int]]]] = []
        self.by = clerk()

    def tell(self, number: int, what: str, who: int | None, more: Any) -> None:
        now = minute(number)
        if what == "join":
            self.join(who, heard=more, now=now)
        elif what == "tidy":
            services.move_up_children(now)
        elif what == "hear" and self.unheard:
            services.place_registered(accounts=[self.unheard.pop((who or 0) % len(self.unheard))])
        elif self.people and who is not None:
            self.decide(what, who % len(self.people), (more or 0) % len(self.people), now)
        self.moments.append((now, [self.model.chain(one) for one in range(len(self.people))]))

    def join(self, through: int | None, *, heard: bool, now: datetime) -> None:
        referrer = through % len(self.people) if through is not None and self.people else None
        if referrer is not None and not self.people[referrer].is_active:
            referrer = None
        account = came(now, through=None if referrer is None else self.people[referrer], heard=heard)
        self.people.append(account)
        self.model.join(len(self.people) - 1, referrer)
        if not heard:
            self.unheard.append(account)

    def decide(self, what: str, who: int, other: int, now: datetime) -> None:
        account, referrer = self.people[who], self.people[other]
        by: dict[str, Any] = {"reason": "So it is.", "actor": self.by, "now": now}
        try:
            with transaction.atomic():
                if what == "bind":
                    services.bind_referral(account=account, referrer=referrer, **by)
                elif what == "move":
                    services.move_referral(account=account, referrer=referrer, **by)
                elif what == "end":
                    services.end_referral(account=account, **by)
                else:
                    account.is_active, account.closed_at = False, now
                    account.save(update_fields=["is_active", "closed_at"])
                    services.end_closed(account=account, now=now)
        except Refusal as refused:
            self.check_refusal(refused, what, who, other)
            return
        if what in ("bind", "move"):
            assert not self.model.is_below(other, who)
            assert other not in self.model.left
            self.model.left.discard(who)
            self.model.above[who] = other
        elif who not in self.model.left:
            self.model.leave(who)

    def check_refusal(self, refused: Refusal, what: str, who: int, other: int) -> None:
        """Nothing is refused that the model would let happen."""
        gone = {who, other} & self.model.left
        closed = not (self.people[who].is_active and self.people[other].is_active)
        has_one = self.model.above[who] is not None
        expected = {
            "bind": isinstance(refused, ReferralMoving) or bool(gone) or closed or has_one,
            "move": bool(gone) or closed or self.model.above[who] == other,
            "end": who in self.model.left,
        }
        assert expected[what] or self.model.is_below(other, who), refused

    def compare(self) -> None:
        while self.unheard:
            services.place_registered(accounts=[self.unheard.pop()])
        self.compare_moments()
        while services.move_up_children(minute(10_000)):
            pass
        self.compare_moments()
        waiting = Referral.objects.filter(until_at=None, referrer__isnull=False)
        assert not waiting.exclude(referrer__in=Referral.objects.filter(until_at=None).values("account")).exists()

    def compare_moments(self) -> None:
        for at, chains in self.moments:
            sales = [
                Sale(store=None, seller="", buyer=account.public_id, at=at) for account in self.people[: len(chains)]
            ]
            found = [[link.account.id for link in chain.referrers] for chain in resolve_chains(sales)]
            assert found == [[self.people[one].pk for one in chain] for chain in chains], at


class TestHistories:
    """As of any instant, whatever was heard when and whoever has been moved, a chain is what the model says."""

    @pytest.fixture(autouse=True)
    def levels(self, settings: Any) -> None:
        settings.REFERRAL_LEVELS_MAX = {"": LEVELS}

    @settings(max_examples=HISTORIES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(steps=st.lists(STEP, min_size=3, max_size=24))
    def test_every_chain_at_every_moment(self, db: None, steps: list[tuple[str, Any, Any]]) -> None:
        with undone():
            history = History()
            for number, step in enumerate(steps):
                history.tell(number, *step)
            history.compare()
