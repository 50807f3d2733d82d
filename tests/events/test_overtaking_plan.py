"""A claim looks at its own subjects, however much waits behind it."""

import pytest
from django.db import connection

from events.delivery import _OVERTAKING

WAITING, CLAIMED = 20_000, 500


@pytest.mark.django_db
def test_what_waits_is_not_read_for_each_claim() -> None:
    ids = f"{{{','.join(map(str, range(1, CLAIMED + 1)))}}}"
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO events_delivery (consumer, event_id, subject)"
            " SELECT 'billing', n, 'ord_' || n FROM generate_series(1, %s) AS n",
            [WAITING],
        )
        cursor.execute("ANALYZE events_delivery")
        asked = {"consumer": "billing", "found": ids, "claimed": ids}
        cursor.execute(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {_OVERTAKING}", asked)
        plan = [line for (line,) in cursor.fetchall()]

    looked = [line for line in plan if " older" in line]
    assert looked
    assert all("Index" in line for line in looked), plan
    assert f"loops={CLAIMED}" in looked[0], plan
