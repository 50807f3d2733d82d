"""
Telling sharers that a program they share under has ended.

A viral item has hundreds of thousands of them: a job tells some at a step, and nobody twice.
"""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Exists, F, OuterRef, QuerySet

from core.jobs import Step, runs_job, submit_job
from core.models import Job
from events.services import Fact, record_facts
from sharing.events import ShareEnded
from sharing.models import Share, ShareProgram

TELL_SHARERS = "sharing.tell_sharers"


def tell_sharers_later(*, programs: Collection[int], ended_at: datetime) -> None:
    """Have those told who share under programs (by key) that have just ended; nothing where nobody does."""
    if _living(programs).exists():
        arguments = {"programs": sorted(programs), "ended_at": ended_at.isoformat()}
        submit_job(kind=TELL_SHARERS, arguments=arguments, owner="", login="")


@runs_job(TELL_SHARERS)
def tell_sharers(job: Job) -> Iterator[Step]:
    """Program by program, some sharers at a step; its events and how far it has come commit together."""
    programs, ended_at = job.arguments["programs"], datetime.fromisoformat(job.arguments["ended_at"])
    kept: dict[str, Any] = job.checkpoint or {"done": 0, "after": 0, "told": 0}
    while kept["done"] < len(programs):
        shares = _next_shares(programs, programs[kept["done"]], after=kept["after"])
        record_facts([Fact.of(_ended(share), occurred_at=ended_at) for share in shares])
        is_over = len(shares) < settings.SHARERS_TOLD_AT_ONCE
        kept = {
            "done": kept["done"] + is_over,
            "after": 0 if is_over else shares[-1].pk,
            "told": kept["told"] + len(shares),
        }
        yield Step(done=kept["done"], total=len(programs), checkpoint=kept)
    yield Step(done=len(programs), total=len(programs), result={"told": kept["told"]})


def _living(programs: Collection[int]) -> QuerySet[Share]:
    """Shares that led somewhere until their program ended, but for what is their sellers' own."""
    items = ShareProgram.objects.filter(pk__in=programs).values("item")  # Shares are found by these.
    shares = Share.objects.filter(item__in=items, program__in=programs, revoked_at=None, sharer__is_active=True)
    return shares.exclude(sharer=F("item__seller"))


def _next_shares(programs: Collection[int], program: int, *, after: int) -> list[Share]:
    """Further shares of a program, the first one of each sharer: whoever has several of an item is told once."""
    own = Share.objects.filter(sharer=OuterRef("sharer"), item=OuterRef("item"), revoked_at=None)
    earlier = own.filter(program__in=programs, pk__lt=OuterRef("pk"))
    further = _living([program]).filter(~Exists(earlier), pk__gt=after)
    return list(further.select_related("item", "sharer").order_by("pk")[: settings.SHARERS_TOLD_AT_ONCE])


def _ended(share: Share) -> ShareEnded:
    return ShareEnded(share=share.public_id, item=share.item.public_id, sharer=share.sharer.public_id)
