"""Placing stores in areas: when they open, move and close, by an operator's word, and again when areas change."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from accounts.actor import Actor
from catalog.models import Store
from core import clock
from core.errors import NotFound
from core.jobs import Step, runs_job
from core.models import Job
from distribution.areas.codes import find_area, find_living_areas
from distribution.errors import AreaUnknown, PlacementSettled
from distribution.events import PlacementDecided, StorePlaced
from distribution.judging import Verdict, judge_stores
from distribution.models import Area, Placement
from distribution.rule_numbers import NodeKind, new_rule_number, parse_rule_number
from distribution.services.areas import PLACE_AGAIN
from events.services import Fact, emit, record_facts

CLOSED = "store.closed"


@dataclass(frozen=True, slots=True)
class StoreNews:
    """What has happened to a store (public id), and when: `store.opened`, `store.moved` or `store.closed`."""

    store: str
    what: str
    at: datetime


@dataclass(slots=True)
class _History:
    """All placements of one locked store, the one that goes on last, and what becomes of them."""

    store: Store
    placements: list[Placement]
    new: list[Placement] = field(default_factory=list)
    ended: list[Placement] = field(default_factory=list)

    @property
    def open(self) -> Placement | None:
        return next((placement for placement in self.placements if placement.until_at is None), None)

    def number_for(self, area: Area) -> str:
        """The next version of the store's number, whatever area the ones before were in."""
        known = (n for p in self.placements for n in (p.rule_number, p.proposed_number) if n)
        previous = max(known, key=lambda number: parse_rule_number(number).version, default="")
        return new_rule_number(
            NodeKind.PLACEMENT,
            serial=self.store.pk,
            scheme=area.scheme_id,
            code=area.code,
            level=area.level,
            previous=previous,
        )

    def end(self, at: datetime) -> None:
        placement = self.open
        if placement is not None:
            placement.until_at = max(at, placement.from_at)
            if placement.pk is not None:
                self.ended.append(placement)

    def begin(self, verdict: Verdict, areas: Mapping[int, Area], at: datetime) -> None:
        latest = max((p.until_at for p in self.placements if p.until_at is not None), default=at)
        area = areas[verdict.area] if verdict.area is not None else None
        placement = Placement(
            store=self.store,
            area=area,
            evidence=verdict.evidence,
            border_m=verdict.border_m,
            rule_number=self.number_for(area) if area else None,
            from_at=max(at, latest),
            is_waiting=bool(verdict.doubt),
            doubt=verdict.doubt,
        )
        self.placements.append(placement)
        self.new.append(placement)


@transaction.atomic
def follow_stores(*, news: Sequence[StoreNews]) -> None:
    """
    Place stores as they open and move, end the placements of those that close; each as of when it happened.

    Where a store stands is read from its row: one that has moved again meanwhile is placed where it is now. A move
    within the area changes nothing, and what waits when its store moves or closes still waits for its own time.
    """
    histories = _lock_histories({one.store for one in news})
    verdicts = judge_stores([h.store for h in histories.values()])
    areas = _areas_of(verdicts.values())
    for one in news:
        history = histories[one.store]
        if one.what == CLOSED:
            history.end(one.at)
        else:
            _follow(history, verdicts[history.store.pk], areas, one.at)
    _write(histories.values())


@transaction.atomic
def decide_placement(*, placement: str, area: str, actor: Actor, now: datetime) -> Placement:
    """
    Say in which area a store stands whose placement waits; it counts from the placement's beginning.

    Who decided, when, and what was proposed stays with it. `area`: its code.

    :raises NotFound: there is no such placement.
    :raises AreaUnknown, AreaAmbiguous: the code names no area in force, or several.
    :raises PlacementSettled: it does not wait, or not any more.
    """
    store = Store.objects.filter(placements__public_id=placement).values_list("public_id", flat=True).first()
    if store is None:
        raise NotFound
    chosen = _living_area(area)
    history = _lock_histories([store])[store]  # Lock, then look: two operators race.
    decided = next(one for one in history.placements if one.public_id == placement)
    if not decided.is_waiting:
        raise PlacementSettled
    border_m = decided.border_m if decided.area_id == chosen.pk else None
    verdict = Verdict(area=chosen.pk, evidence=decided.evidence, border_m=border_m)
    _settle(history, decided, verdict, chosen, now, actor)
    return decided


def _follow(history: _History, verdict: Verdict | None, areas: Mapping[int, Area], at: datetime) -> None:
    before = history.open
    if before is not None and verdict is not None and _says_the_same(before, verdict):
        return
    history.end(at)
    if verdict is not None:
        history.begin(verdict, areas, at)


def _says_the_same(placement: Placement, verdict: Verdict) -> bool:
    """What an operator has decided of the same proposal stands."""
    proposed = placement.proposed_area_id or placement.area_id
    was_decided = placement.decided_by_id is not None and placement.doubt == verdict.doubt
    if was_decided and proposed == verdict.area:
        return True
    same_place = (placement.area_id, placement.evidence) == (verdict.area, verdict.evidence)
    return same_place and placement.is_waiting == bool(verdict.doubt)


def _settle(
    history: _History, placement: Placement, verdict: Verdict, area: Area, now: datetime, actor: Actor | None
) -> None:
    """End the waiting of a placement of a locked store, for the whole of its time."""
    if placement.area_id != area.pk:
        placement.proposed_area_id, placement.proposed_number = placement.area_id, placement.rule_number
        placement.rule_number = history.number_for(area)
        placement.area = area
    placement.evidence, placement.border_m = verdict.evidence, verdict.border_m
    placement.is_waiting, placement.decided_at = False, now
    placement.decided_by = actor.acting if actor else None
    placement.save()
    decided_by = actor.owner_id if actor else None
    emit(PlacementDecided(**_facts(history.store, placement), decided_by=decided_by), occurred_at=now)


def _write(histories: Collection[_History]) -> None:
    """Ends first: at no instant does a store stand in two areas."""
    Placement.objects.bulk_update([placement for history in histories for placement in history.ended], ["until_at"])
    Placement.objects.bulk_create([placement for history in histories for placement in history.new])
    record_facts([_placed(history.store, placement) for history in histories for placement in history.new])


def _placed(store: Store, placement: Placement) -> Fact:
    event = StorePlaced(**_facts(store, placement), waiting=placement.is_waiting)
    return Fact.of(event, occurred_at=placement.from_at)


def _facts(store: Store, placement: Placement) -> dict[str, Any]:
    return {
        "placement": placement.public_id,
        "store": store.public_id,
        "seller": store.seller.public_id,
        "area": placement.area.public_code if placement.area else None,
        "evidence": str(placement.evidence),
        "rule_number": placement.rule_number,
    }


def _lock_histories(stores: Collection[str]) -> dict[str, _History]:
    """Every change of a store's placements goes through its row's lock; in the order of keys."""
    locked = Store.objects.select_for_update(no_key=True, of=("self",)).select_related("seller")
    found = list(locked.filter(public_id__in=stores).order_by("id"))
    placements = defaultdict(list)
    for placement in Placement.objects.filter(store__in=found).select_related("area").order_by("from_at", "id"):
        placements[placement.store_id].append(placement)
    return {store.public_id: _History(store, placements[store.pk]) for store in found}


def _areas_of(verdicts: Collection[Verdict | None]) -> dict[int, Area]:
    return Area.objects.in_bulk({v.area for v in verdicts if v is not None and v.area is not None})


def _living_area(code: str) -> Area:
    try:
        area = find_area(code)
    except NotFound as unknown:
        raise AreaUnknown from unknown
    if area.retired_at is not None:
        raise AreaUnknown("This area was retired, and nothing has replaced it.")
    return area


# --- Again, when areas change -----------------------------------------------------------------------


@runs_job(PLACE_AGAIN)
def place_again(job: Job) -> Iterator[Step]:
    """
    Look again, after a load, at stores that wait, stand nowhere or stand in what was retired; some at a time.

    What waits and is certain now is settled as of its beginning; what was nowhere begins now.
    """
    found = job.checkpoint or {"after": 0, "stores": 0, "placed": 0, "settled": 0, "moved": 0}
    total = Store.objects.aggregate(last=Max("id"))["last"] or 0
    while True:
        keys = _doubtful_stores(found["after"])[: settings.PLACEMENT_STORES_AT_ONCE]
        stores = dict(keys.values_list("public_id", "id"))
        if not stores:
            yield Step(done=total, total=total, result={name: found[name] for name in found if name != "after"})
            return
        came_to = _place_some_again(set(stores), clock.now())
        found = {name: found[name] + came_to.get(name, 0) for name in found}
        found |= {"after": max(stores.values()), "stores": found["stores"] + len(stores)}
        yield Step(done=found["after"], total=max(total, found["after"]), checkpoint=found)


def _doubtful_stores(after: int) -> QuerySet[Store]:
    own = Placement.objects.filter(store=OuterRef("pk"), until_at=None)
    has_place = Q(latitude__isnull=False) | ~Q(area_code="")
    doubtful = Q(Exists(own.filter(Q(is_waiting=True) | Q(area__retired_at__isnull=False)))) | ~Exists(own) & has_place
    return Store.objects.filter(doubtful, closed_at=None, pk__gt=after).order_by("id")


def _place_some_again(stores: Collection[str], now: datetime) -> dict[str, int]:
    histories = [history for history in _lock_histories(stores).values() if history.store.closed_at is None]
    verdicts = judge_stores([history.store for history in histories])
    heirs = find_living_areas(code for history in histories if (code := _retired_code(history.open)))
    areas = _areas_of(verdicts.values()) | {area.pk: area for area in heirs.values()}
    came_to: dict[str, int] = defaultdict(int)
    for history in histories:
        verdict = verdicts[history.store.pk]
        heir = heirs.get(_retired_code(history.open))
        came_to[_place_again(history, verdict, heir, areas, now)] += 1
    _write(histories)
    return came_to


def _retired_code(placement: Placement | None) -> str:
    """The code of the area that a placement stands in, where that area is retired."""
    area = placement.area if placement is not None else None
    return area.public_code if area is not None and area.retired_at is not None else ""


def _place_again(
    history: _History, verdict: Verdict | None, heir: Area | None, areas: Mapping[int, Area], now: datetime
) -> str:
    """Return what became of a store: `placed`, `settled`, `moved` or `left`."""
    before = history.open
    if before is None and verdict is not None:
        history.begin(verdict, areas, now)
        return "placed"
    if before is not None and before.is_waiting:
        return _reconsider(history, before, verdict, areas, now)
    if before is not None and _retired_code(before):
        if heir is not None and (verdict is None or verdict.doubt):
            verdict = Verdict(area=heir.pk, evidence=before.evidence, border_m=before.border_m)
        if verdict is not None:
            _follow(history, verdict, areas, now)
            return "moved"
    return "left"


def _reconsider(
    history: _History, waiting: Placement, verdict: Verdict | None, areas: Mapping[int, Area], now: datetime
) -> str:
    """Settle what is certain now, or propose what is likelier now."""
    if verdict is None or verdict.area is None:
        return "left"
    area = areas[verdict.area]
    if not verdict.doubt:
        _settle(history, waiting, verdict, area, now, None)
        return "settled"
    if waiting.area_id != area.pk:
        waiting.rule_number = history.number_for(area)
        waiting.area = area
    waiting.evidence, waiting.border_m, waiting.doubt = verdict.evidence, verdict.border_m, verdict.doubt
    waiting.save()
    return "left"
