"""
Where a store stands, by its coordinates and by what its seller declares; and whether an operator has to say.

Coordinates inside a border count more than words: a declared code only makes them finer (an area below the one whose
border is known), and one that lies elsewhere waits. Without a border around the coordinates the declared area counts.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.conf import settings

from catalog.models import Store
from distribution.areas.atlas import POLYGON, Atlas, Located
from distribution.areas.codes import find_living_areas
from distribution.areas.shelf import atlas_in_force
from distribution.models import Area, Placement

Evidence, Doubt = Placement.Evidence, Placement.Doubt


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Where a store stands; with a doubt an operator decides, and `area` is only a proposal."""

    area: int | None
    evidence: str
    border_m: float | None = None
    doubt: str = ""


def judge_stores(stores: Sequence[Store]) -> dict[int, Verdict | None]:
    """
    Return for each store (by key) where it stands; None where nothing says so: no place given, or nowhere known.

    Two statements for any number of stores.
    """
    atlas = atlas_in_force()
    if atlas.is_empty:
        return {store.pk: None for store in stores}
    declared = find_living_areas(store.area_code for store in stores if store.area_code)
    schemes = {store.pk: declared[store.area_code].scheme_id for store in stores if store.area_code in declared}
    everywhere = _locate(atlas, [store for store in stores if store.latitude is not None], {})
    in_scheme = _locate(
        atlas, [store for store in stores if store.latitude is not None and store.pk in schemes], schemes
    )
    return {
        store.pk: _judge(atlas, store, everywhere.get(store.pk), in_scheme.get(store.pk), declared.get(store.area_code))
        for store in stores
    }


def _judge(
    atlas: Atlas, store: Store, everywhere: Located | None, in_scheme: Located | None, declared: Area | None
) -> Verdict | None:
    if declared is None:
        by_place = _by_place(everywhere)
        unknown = Verdict(area=None, evidence=Evidence.DECLARED, doubt=Doubt.UNKNOWN_CODE) if store.area_code else None
        return by_place or unknown
    located = in_scheme
    if (located is None or located.within is None) and atlas.has_borders(declared.scheme_id):
        located = everywhere  # The scheme has borders, and the place is outside all of them: another's may enclose it.
    if located is None or located.within is None:
        return Verdict(area=declared.pk, evidence=Evidence.DECLARED)
    within = located.within
    if atlas.is_below(declared.pk, within.id):
        evidence = Evidence.POLYGON if declared.pk == within.id else Evidence.DECLARED
        return Verdict(area=declared.pk, evidence=evidence, border_m=located.border_m)
    if atlas.is_below(within.id, declared.pk):
        return _by_place(located)
    return Verdict(
        area=located.area.id, evidence=located.evidence, border_m=located.border_m, doubt=Doubt.CONTRADICTION
    )


def _by_place(located: Located | None) -> Verdict | None:
    if located is None:
        return None
    if located.evidence != POLYGON:
        return Verdict(area=located.area.id, evidence=Evidence.CENTRE, doubt=Doubt.CENTRE)
    assert located.border_m is not None
    is_near = located.border_m <= settings.PLACEMENT_BORDER_NEAR_M
    return Verdict(
        area=located.area.id,
        evidence=Evidence.POLYGON,
        border_m=located.border_m,
        doubt=Doubt.NEAR_BORDER if is_near else "",
    )


def _locate(atlas: Atlas, stores: Sequence[Store], schemes: Mapping[int, str]) -> dict[int, Located | None]:
    """All at once, within each scheme."""
    by_scheme = defaultdict(list)
    for store in stores:
        by_scheme[schemes.get(store.pk)].append(store)
    found: dict[int, Located | None] = {}
    for scheme, some in by_scheme.items():
        latitudes, longitudes = (
            np.array([getattr(store, name) for store in some]) for name in ("latitude", "longitude")
        )
        many = atlas.locate_many(latitudes, longitudes, scheme=scheme)
        found |= {store.pk: atlas.one_of(many, number) for number, store in enumerate(some)}
    return found
