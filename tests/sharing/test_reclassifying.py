"""A newer classifier over what is logged: first what would change, then the change; orders stay as they were."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings

from accounts.actor import Actor
from accounts.models import Account
from core.jobs import run_next_job
from core.models import Job
from sharing import classifying
from sharing.models import Scan, ScanClaim, Share
from sharing.services import reclassifying
from sharing.services.claiming import claim_scan
from sharing.services.counting import count_scans
from sharing.services.reclassifying import request_reclassification
from sharing.tokens import read_token
from tests.sharing.scans import PHONE, log_of, scan, share_of, token_of
from tests.sharing.test_reports import recount, reported

NEW_BOT = PHONE.replace("Pixel 8", "Harvester 9")


@pytest.fixture
def shares(buyer: Account, seller: Account) -> list[Share]:
    return [share_of(buyer, seller), share_of(buyer, seller)]


@pytest.fixture
def customer(new_account: Callable[..., Account]) -> Account:
    return new_account()


@pytest.fixture
def learns(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """`learns()`: from here on the classifier is version 2, and Harvesters are bots."""

    def learn() -> None:
        monkeypatch.setattr(classifying, "_BOTS", re.compile(f"{classifying._BOTS.pattern}|Harvester"))
        monkeypatch.setattr(reclassifying, "CLASSIFIER", 2)
        classifying._class_of_agent.cache_clear()

    yield learn
    classifying._class_of_agent.cache_clear()


def look_and_count(shares: list[Share]) -> None:
    """Of each share some scans, of which the first are counted."""
    for share in shares:
        scan(share, agent=NEW_BOT)
        scan(share, agent=NEW_BOT)
        scan(share)
    count_scans()
    scan(shares[0], agent=NEW_BOT, address="192.0.2.8")


def replay(operator: Account, *, apply: bool) -> dict[str, Any]:
    job = request_reclassification(apply=apply, actor=Actor.own(operator))
    while run_next_job():
        pass
    job.refresh_from_db()
    assert job.status == Job.Status.DONE, (job.error_code, job.error_detail)
    return job.result


class TestReplaying:
    """In steps that a job remembers; the same in one step or many."""

    def test_shows_what_would_change_and_changes_nothing(
        self, shares: list[Share], operator: Account, learns: Callable[[], None]
    ) -> None:
        look_and_count(shares)
        before = list(Scan.objects.order_by("id").values())
        learns()

        shown = replay(operator, apply=False)

        assert (shown["classifier"], shown["scans"], shown["changed"]) == (2, 7, 5)
        assert shown["shares"] == [
            {"share": shares[0].public_id, "from": "human", "to": "bot", "scans": 3},
            {"share": shares[1].public_id, "from": "human", "to": "bot", "scans": 2},
        ]
        assert list(Scan.objects.order_by("id").values()) == before

    @pytest.mark.parametrize("at_once", [2, 5000])
    def test_changes_the_log_and_the_counts_and_nothing_at_a_second_time(
        self, shares: list[Share], operator: Account, learns: Callable[[], None], settings: Any, at_once: int
    ) -> None:
        settings.SCANS_RECLASSIFIED_AT_ONCE = at_once
        look_and_count(shares)
        learns()

        assert replay(operator, apply=True)["changed"] == 5
        for share in shares:
            assert reported(share) == recount(share)
        assert recount(shares[0]) == {"human": 1, "bot": 3, "preview": 0, "self": 0, "visitors": 1}
        assert {(kept.scan_class, kept.classifier) for kept in log_of(shares[0])} == {("human", 1), ("bot", 2)}
        count_scans()
        assert reported(shares[0]) == recount(shares[0])
        assert replay(operator, apply=True)["changed"] == 0

    def test_goes_on_where_a_dead_worker_was(
        self, shares: list[Share], operator: Account, learns: Callable[[], None], settings: Any
    ) -> None:
        settings.SCANS_RECLASSIFIED_AT_ONCE = 2
        look_and_count(shares)
        learns()
        job = request_reclassification(apply=True, actor=Actor.own(operator))
        stops = iter([False, False, True])
        run_next_job(stopping=lambda: next(stops))
        assert Scan.objects.filter(scan_class="bot").count() == 3

        while run_next_job():
            pass

        job.refresh_from_db()
        assert (job.result["scans"], job.result["changed"]) == (7, 5)
        assert Scan.objects.filter(scan_class="bot").count() == 5

    def test_what_is_claimed_is_what_orders_to_come_will_find(
        self, shares: list[Share], customer: Account, operator: Account, learns: Callable[[], None]
    ) -> None:
        tokens = [token_of(shares[0], agent=NEW_BOT, address=f"192.0.2.{number}") for number in range(2)]
        for token, who in zip(tokens, (customer, shares[0].sharer), strict=True):
            now = log_of(shares[0])[-1].scanned_at
            claim_scan(token=token, account=who, login=who, now=now)
        learns()

        replay(operator, apply=True)

        assert [claim.scan_class for claim in ScanClaim.objects.order_by("scan_id")] == ["bot", "bot"]
        assert reported(shares[0]) == recount(shares[0])

    def test_what_the_sharer_claimed_stays_its_own(self, shares: list[Share], operator: Account) -> None:
        token = token_of(shares[0])
        now = read_token(token, now=log_of(shares[0])[0].scanned_at).scanned_at
        claim_scan(token=token, account=shares[0].sharer, login=shares[0].sharer, now=now)

        assert replay(operator, apply=True)["changed"] == 0
        assert [kept.scan_class for kept in log_of(shares[0])] == ["self"]

    def test_operators_ask_for_it(self, operator: Account, buyer: Account, api: Callable[..., Any]) -> None:
        assert api(buyer).post("/scans/reclassify", {}).status_code == 403
        asked = api(operator).post("/scans/reclassify", {"apply": True})
        assert asked.status_code == 202
        assert Job.objects.get().arguments == {"apply": True, "classifier": 1}


def test_workers_know_the_job_without_ever_having_seen_the_api() -> None:
    """What a long worker loads is Django with its apps, and no URLs."""
    look = (
        "import django; django.setup(); import sys; from core import jobs;"
        "sys.exit('sharing.reclassify' not in jobs._kinds or 'sharing.api.scans' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", look], cwd=settings.BASE_DIR, env=os.environ).returncode == 0
