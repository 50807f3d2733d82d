"""
The coverage report over a million events: asked for before they are counted, counting them, and after.

Limits: a report after counting within 0.5 s, and within 2 s where a hundred thousand tills have each
their own parameters.
"""

import sys
import time
from collections.abc import Callable

from benchmarks.harness import made_books, sales
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

    with scratch_database("bench_coverage"):
        sales.declare()
        made_books.begin()
        made_books.grow_to(EVENTS * sales.TRANSFERS_PER_EVENT)
        report("report with nothing counted", coverage)
        report("counting all of it", count_booked)
        plain = report("report with all counted", coverage)
        with connection.cursor() as cursor:
            cursor.execute(_TILLS, [TILLS])
            cursor.execute("VACUUM ANALYZE billing_seenconfiguration")
        many = report(f"report with {TILLS:,} tills", coverage)
    return 1 if plain > REPORT_SECONDS_MAX or many > REPORT_OF_TILLS_SECONDS_MAX else 0


def report(what: str, work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    seconds = time.perf_counter() - began
    print(f"{EVENTS:,} events: {what}: {seconds:.3f} s", flush=True)
    return seconds


if __name__ == "__main__":
    sys.exit(main())
