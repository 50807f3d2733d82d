"""
How long it takes to switch to a linked account, beside what every authenticated request takes.

`python -m benchmarks.switching` switches one session to and fro, `SWITCHES=400` times, and asks `GET /session`
after each switch with the new credential: both in one process, in turns, durable. `LINKS=10`: how many accounts
the log-in is linked with; both answers name them all.
"""

import os
import sys

from benchmarks.harness.callers import Caller
from benchmarks.harness.report import Report, median, percentile
from benchmarks.harness.scratch import scratch_database, set_up

SWITCHES = int(os.environ.get("SWITCHES", "400"))
LINKS = int(os.environ.get("LINKS", "10"))
WARM_UP = 20
RATIO_MAX = 3.0
SWITCH_STATEMENTS_MAX = 8
MARKS_STATEMENTS_MAX = 1  # One finds the session with both its accounts.


class Switcher(Caller):
    """One session that acts now as this account, now as that one."""

    def switch(self, to: str) -> float:
        """Return the seconds that a switch took; from now on the new credential is used."""
        seconds, switched = self.ask("post", "/session/switch", {"account": to})
        self.token = switched["token"]
        return seconds


def main() -> int:
    set_up()
    with scratch_database("bench_switching"):
        caller, login, other = world()
        return report(caller, login, other).finish()


def world() -> tuple[Switcher, str, str]:
    """An account with its links; return its session, itself and one linked account."""
    from accounts import sessions
    from accounts.models import Account, Link
    from accounts.terms import Terms
    from core import clock

    def account(name: str) -> Account:
        return Account.objects.create(username=name, name=name, kind="personal", side="buyer")

    login = account("login")
    others = [account(f"linked-{number}") for number in range(LINKS)]
    for other in others:
        Link.objects.create(inviter=login, invitee=other, linked_at=clock.now(), **Terms().columns())
    return Switcher(sessions.open_session(account=login).token), login.public_id, others[0].public_id


def report(caller: Switcher, login: str, other: str) -> Report:
    switches, asked = measure(caller, login, other)
    switching = [caller.statements(lambda to=to: caller.switch(to)) for to in (other, login)]  # type: ignore[misc]
    marks = caller.statements(lambda: caller.ask("get", "/account"))
    about = (
        f"`POST /session/switch` to and fro and `GET /session`, in turns, {SWITCHES:,} times each, in one process; "
        f"a log-in with {LINKS} links."
    )
    found = Report("switching", about)
    found.add("`GET /session`, p50", f"{median(asked) * 1000:.1f} ms")
    found.add("`GET /session`, p95", f"{percentile(asked, 95) * 1000:.1f} ms")
    found.add("`POST /session/switch`, p50", f"{median(switches) * 1000:.1f} ms")
    found.add("`POST /session/switch`, p95", f"{percentile(switches, 95) * 1000:.1f} ms")
    found.at_most("… of `GET /session`, p95", percentile(switches, 95) / percentile(asked, 95), RATIO_MAX)
    found.at_most("statements of a switch", max(map(len, switching)), SWITCH_STATEMENTS_MAX, "{:.0f}")
    found.at_most("statements for a session's marks on other requests", len(marks), MARKS_STATEMENTS_MAX, "{:.0f}")
    return found


def measure(caller: Switcher, login: str, other: str) -> tuple[list[float], list[float]]:
    """Return how long each switch and each question took, after a few that nobody counts."""
    switches, asked = [], []
    for number in range(WARM_UP + SWITCHES):
        switches.append(caller.switch(login if number % 2 else other))
        asked.append(caller.ask("get", "/session")[0])
    return switches[WARM_UP:], asked[WARM_UP:]


if __name__ == "__main__":
    sys.exit(main())
