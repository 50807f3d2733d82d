"""
A draft replayed over history, and a part of it repaired: how long, in how much memory, in how short snapshots.

`EVENTS=100000` replays that many (a million unless said), `REPAIRED` of them are repaired. Limits: the peak
grows by 300 MB at most over what the process had before, and no range takes longer than 10 s.
"""

import os
import resource
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from benchmarks.harness import made_books, sales
from benchmarks.harness.report import Report
from benchmarks.harness.scratch import scratch_database, set_up

EVENTS = int(os.environ.get("EVENTS", "1000000"))
REPAIRED = int(os.environ.get("REPAIRED", "20000"))
GROWTH_MB_MAX = 300
RANGE_SECONDS_MAX = 10.0
SINCE, UNTIL = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def main() -> int:
    set_up()
    report = Report("replaying", f"A version with another fee account over {EVENTS:,} events of three transfers each.")
    with scratch_database("bench_replaying"):
        sales.declare()
        made_books.begin()
        made_books.grow_to(EVENTS * sales.TRANSFERS_PER_EVENT)
        replay(report)
        repair(report)
        return report.finish()


def replay(report: Report) -> None:
    from billing.services.replaying import request_replay

    peak_before = peak_mb()
    ranges: list[float] = []
    began = time.perf_counter()
    result = run(
        request_replay(rule_set=other_version(status="draft"), since=SINCE, until=UNTIL, actor=actor()), ranges
    )
    seconds = time.perf_counter() - began
    assert result["changed"] == result["events"] >= EVENTS, result
    report.add("replay", f"{seconds:.1f} s for {result['events']:,} events, {result['events'] / seconds:,.0f} a second")
    report.at_most("replay: growth of the peak, MB", peak_mb() - peak_before, GROWTH_MB_MAX, "{:.0f}")
    report.add("replay: peak of the process, MB", f"{peak_mb():.0f}")
    report.at_most("replay: longest range, s", max(ranges), RANGE_SECONDS_MAX)


def repair(report: Report) -> None:
    """The newest events, as many as asked for; the walk over the others is part of it."""
    from billing.services.repairing import request_repair
    from events.models import EventRecord

    since = EventRecord.objects.order_by("-occurred_at").values_list("occurred_at", flat=True)[REPAIRED - 1]
    version, ranges = other_version(status="active"), list[float]()
    began = time.perf_counter()
    asked = request_repair(rule_set=version, since=since, until=UNTIL, reason="Benchmark.", actor=actor())
    result = run(asked, ranges)
    seconds = time.perf_counter() - began
    report.add(f"repair of {result['repaired']:,} among them", f"{seconds:.1f} s, skipped {result['skipped']}")
    report.at_most("repair: longest transaction, s", max(ranges), RANGE_SECONDS_MAX)


def run(job: Any, ranges: list[float]) -> Any:
    """Do a job as a worker does, and note how long each of its steps takes."""
    from core import jobs
    from core.models import Job

    work = jobs._kinds[job.kind]

    def timed(asked: Job) -> Iterator[jobs.Step]:
        steps = work(asked)
        while True:
            began = time.perf_counter()
            step = next(steps)
            ranges.append(time.perf_counter() - began)
            yield step

    jobs._kinds[job.kind] = timed
    jobs.run_next_job()
    jobs._kinds[job.kind] = work
    done = Job.objects.get(pk=job.pk)
    assert done.status == "done", (done.error_code, done.error_detail)
    return done.result


def other_version(*, status: str) -> Any:
    """The latest version with another account for the fee."""
    from billing.models import RuleSet

    latest = RuleSet.objects.order_by("-version").first()
    rule = sales.rule(sales.MADE)
    rule["transfers"][1]["credit"] = "platform:fees:new"
    types = {**latest.document["types"], sales.MADE: [rule]}
    moment = datetime.now(UTC) if status == "active" else None
    return RuleSet.objects.create(
        name="other",
        version=latest.version + 1,
        status=status,
        document={**latest.document, "types": types},
        effective_from=moment,
        activated_at=moment,
    )


def actor() -> Any:
    from accounts.actor import Actor
    from accounts.models import Account

    account = Account.objects.filter(username="benchmark").first()
    account = account or Account.objects.create(username="benchmark", name="Benchmark", kind="personal", is_staff=True)
    return Actor.own(account)


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
