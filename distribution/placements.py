"""Where stores stand now, for the catalogue that shows them and for their sellers; and where one would stand."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from catalog.models import Store
from catalog.placement import Placement as Shown
from distribution.judging import judge_stores
from distribution.models import Area, Placement


@dataclass(frozen=True, slots=True)
class Standing:
    """
    Where a store stands, for people. `areas`: names, the lowest first; empty where only its declared code is known.

    While it waits an operator has to decide, because of `doubt`, and nobody is paid by it.
    """

    areas: tuple[str, ...]
    evidence: str
    border_m: float | None
    rule_number: str | None
    is_waiting: bool
    doubt: str

    @classmethod
    def of(cls, placement: Placement) -> "Standing":
        return cls(
            tuple(_names_up(placement.area)),
            placement.evidence,
            placement.border_m,
            placement.rule_number,
            placement.is_waiting,
            placement.doubt,
        )


def standings_of(stores: Collection[str]) -> dict[str, Standing]:
    """Return by public id where stores stand now; those that nobody could place are not there. One statement."""
    found = Placement.objects.filter(store__public_id__in=stores, until_at=None)
    placements = found.select_related("store", "area__parent__parent__parent")
    return {placement.store.public_id: Standing.of(placement) for placement in placements}


def foresee_standing(*, latitude: float | None, longitude: float | None, area_code: str) -> Standing | None:
    """Return where a store of this place would stand if it opened now; None where nothing says so."""
    verdict = judge_stores([Store(pk=0, latitude=latitude, longitude=longitude, area_code=area_code)])[0]
    if verdict is None:
        return None
    found = Area.objects.select_related("parent__parent__parent")
    area = found.filter(pk=verdict.area).first() if verdict.area is not None else None
    return Standing(
        tuple(_names_up(area)), verdict.evidence, verdict.border_m, None, bool(verdict.doubt), verdict.doubt
    )


def _names_up(area: Area | None) -> Iterator[str]:
    while area is not None:
        yield area.name
        area = area.parent


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
