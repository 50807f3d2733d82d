"""
Whether time tells wrong invitation codes apart: codes that never were, used, expired and withdrawn ones.

`python -m benchmarks.wrong_codes` gives `TRIES=200` of each back over HTTP in one process, in turns and each time in
another order, to both calls that take a code. Limits: the means of the four lie within 20 % of each other.
"""

import logging
import os
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from benchmarks.harness.report import Report, percentile
from benchmarks.harness.scratch import scratch_database, set_up

TRIES = int(os.environ.get("TRIES", "200"))
WARM_UP = 20
APART_MAX = 1.2
CALLS = ("/links", "/links/preview")

Codes = dict[str, list[str]]


def main() -> int:
    set_up()
    logging.disable(logging.INFO)
    report = Report("wrong_codes", f"{TRIES} codes of each kind to each call, in turns; all are answered alike.")
    with scratch_database("bench_wrong_codes"):
        codes, give = world()
        for call in CALLS:
            add_figures(report, call, measure(codes, lambda code, call=call: give(call, code)))  # type: ignore[misc]
        return report.finish()


def world() -> tuple[Codes, Callable[[str, str], float]]:
    """Codes of every kind, and how one is given back; the limits are for others to measure."""
    from django.conf import settings
    from django.test import Client

    from accounts import sessions
    from accounts.models import Account

    for limit in ("INVITATION_FAILURES", "INVITATION_ADDRESS_FAILURES", "INVITATION_ALARM"):
        setattr(settings, f"{limit}_MAX", 10**9)
    inviter, invitee = (
        Account.objects.create(username=name, name=name, side="buyer") for name in ("inviter", "invitee")
    )
    headers = {"Authorization": f"Bearer {sessions.open_session(account=invitee).token}"}
    client = Client(SERVER_NAME="localhost")

    def give(call: str, code: str) -> float:
        """Return the seconds until the refusal."""
        began = time.perf_counter()
        answer = client.post(f"/api/v1{call}", {"code": code}, content_type="application/json", headers=headers)
        seconds = time.perf_counter() - began
        assert answer.json()["code"] == "invitation_invalid", answer.content
        return seconds

    return make_codes(inviter), give


def make_codes(inviter: object) -> Codes:
    from django.utils import timezone

    from accounts.actor import Actor
    from accounts.invitation_codes import new_code
    from accounts.models import Account, Invitation, InvitationCode
    from accounts.services import invite
    from accounts.terms import Terms

    assert isinstance(inviter, Account)
    actor, now = Actor.own(inviter), timezone.now()

    def group(**changes: object) -> list[str]:
        codes: list[str] = []
        while len(codes) < TRIES:
            invited = invite(count=min(10, TRIES - len(codes)), terms=Terms(), actor=actor, now=now)
            codes += invited.codes
            Invitation.objects.filter(pk=invited.invitation.pk).update(**changes)
        return codes

    used = group(created_at=now)
    InvitationCode.objects.update(used_at=now, used_by=inviter)
    return {
        "never was": [new_code() for _ in range(TRIES)],
        "used": used,
        "expired": group(expires_at=now),
        "withdrawn": group(withdrawn_at=now),
    }


def measure(codes: Codes, give: Callable[[str], float]) -> dict[str, list[float]]:
    """Return the seconds of every try by its kind of code, after a few that nobody counts."""
    for code in codes["never was"][:WARM_UP]:
        give(code)
    seconds: dict[str, list[float]] = {kind: [] for kind in codes}
    kinds = list(codes)
    for turn in range(TRIES):
        random.shuffle(kinds)
        for kind in kinds:
            seconds[kind].append(give(codes[kind][turn]))
    return seconds


def add_figures(report: Report, call: str, seconds: Mapping[str, Sequence[float]]) -> None:
    means = {kind: sum(found) / len(found) for kind, found in seconds.items()}
    for kind, mean in means.items():
        p50 = percentile(seconds[kind], 50) * 1000
        report.add(f"`POST {call}`, {kind}", f"{mean * 1000:.2f} ms (p50 {p50:.2f} ms)")
    report.at_most("… the slowest mean by the quickest", max(means.values()) / min(means.values()), APART_MAX)


if __name__ == "__main__":
    sys.exit(main())
