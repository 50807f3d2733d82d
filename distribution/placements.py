"""Where stores stand now, for the catalogue that shows them."""

from collections.abc import Mapping, Sequence

from catalog.placement import Placement as Shown
from distribution.models import Placement


def placements_now(stores: Sequence[str]) -> Mapping[str, Shown]:
    """Return by public id where stores stand, those that wait for a decision too; one statement for any number."""
    found = Placement.objects.filter(store__public_id__in=stores, until_at=None, area__isnull=False)
    rows = found.values_list(
        "store__public_id", "area__scheme_id", "area__code", "evidence", "rule_number", "is_waiting"
    )
    return {
        store: {
            "area": f"{scheme}:{code}",
            "evidence": evidence,
            "rule_number": number,
            "status": "waiting" if is_waiting else "settled",
        }
        for store, scheme, code, evidence, number, is_waiting in rows
    }
