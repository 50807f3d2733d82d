"""
The coverage report over a million events: asked for before they are counted, counting them, and after.

Limits: a report after counting within 0.5 s, and within 2 s where a hundred thousand tills have each
their own parameters.
"""

import sys
import time
from collections.abc import Callable

from benchmarks.harness import made_books, sales
from benchmarks.harness.report import Report
from benchmarks.harness.scratch import scratch_database, set_up

EVENTS = 1_000_000
TILLS = 100_000
REPORT_SECONDS_MAX = 0.5
REPORT_OF_TILLS_SECONDS_MAX = 2.0

_TILLS = """
INSERT INTO billing_seenconfiguration (type, digest, parameters, count, oldest)
SELECT 'order.paid', md5(chosen.parameters::text), chosen.parameters, 10, now()
FROM generate_series(1, %s) AS n
CROSS JOIN LATERAL (
    SELECT jsonb_build_object('currency', 'GBP', 'channel', 'store', 'terminal', n::text)
) chosen(parameters)
"""


def main() -> int:
    set_up()
    from django.db import connection

    from billing.coverage import count_booked, coverage

    report = Report("coverage_report", __doc__ or "")
    with scratch_database("bench_coverage"):
        sales.declare()
        made_books.begin()
        made_books.grow_to(EVENTS * sales.TRANSFERS_PER_EVENT)
        report.add("report with nothing counted", f"{seconds_of(coverage):.2f} s")
        report.add("counting all of it, in the background", f"{seconds_of(count_booked):.1f} s")
        report.at_most("report with all counted, s", seconds_of(coverage), REPORT_SECONDS_MAX)
        with connection.cursor() as cursor:
            cursor.execute(_TILLS, [TILLS])
            cursor.execute("VACUUM ANALYZE billing_seenconfiguration")
        report.at_most(f"report with {TILLS:,} tills, s", seconds_of(coverage), REPORT_OF_TILLS_SECONDS_MAX)
        return report.finish()


def seconds_of(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
