"""Which areas have stores and no agent: what the operators' first page counts, and the list behind it."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from distribution.models import Area

# One look into an index for each area, however many stores it has, and then the ways up.
_WITH_STORES = """
WITH RECURSIVE placed AS (
    SELECT a.id, a.parent_id FROM distribution_area a
    CROSS JOIN LATERAL (
        SELECT 1 FROM distribution_placement p
        WHERE p.area_id = a.id AND p.until_at IS NULL AND NOT p.is_waiting LIMIT 1
    ) one
    WHERE a.retired_at IS NULL
), with_stores AS (
    SELECT id, parent_id FROM placed
    UNION
    SELECT a.id, a.parent_id FROM with_stores below JOIN distribution_area a ON a.id = below.parent_id
)
"""

_HELD = """
EXISTS (
    SELECT 1 FROM distribution_agentseat s
    WHERE s.area_id = a.id AND s.from_at <= %(now)s AND (s.until_at IS NULL OR s.until_at > %(now)s)
)
"""

# The country itself is nobody's district.
_BY_LEVEL = f"""
{_WITH_STORES}
SELECT a.scheme_id, a.level, min(a.level_name), count(*), count(*) FILTER (WHERE NOT {_HELD})
FROM with_stores JOIN distribution_area a USING (id) WHERE a.level > 0
GROUP BY 1, 2 ORDER BY 1, 2
"""  # noqa: S608 - SQL of our own

_VACANT = f"""
{_WITH_STORES}
SELECT a.id FROM with_stores JOIN distribution_area a USING (id) WHERE a.level > 0 AND NOT {_HELD}
"""  # noqa: S608 - SQL of our own


@dataclass(frozen=True, slots=True)
class Vacancies:
    """Of the areas on one level with stores in them or below: how many, and how many have no agent."""

    scheme: str
    level: int
    level_name: str
    areas: int
    vacant: int


def vacancies_by_level(now: datetime) -> list[Vacancies]:
    """Return how many agents are missing, scheme by scheme, from the country downwards."""
    with connection.cursor() as cursor:
        cursor.execute(_BY_LEVEL, {"now": now})
        return [Vacancies(*row) for row in cursor.fetchall()]


def vacant_areas(areas: QuerySet[Area], now: datetime) -> QuerySet[Area]:
    """Leave of some areas those that have stores, in them or below, and no agent."""
    positional = _VACANT.replace("%(now)s", "%s")
    return areas.filter(pk__in=RawSQL(positional, [now, now]))  # noqa: S611 - SQL of our own
