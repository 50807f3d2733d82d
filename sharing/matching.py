"""
Who brought the customer of a line: the rules alone, without a database.

Every candidate is judged by the terms its own share was made under; among those that pass, the item's newest program
says whether the last or the first wins. Whom an earlier order has locked the buyer to goes before all of them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.money import share_of
from sharing.models import ScanClass, ShareProgram, Touch

Reason = Touch.Reason

_OF_CLASS = {ScanClass.BOT: Reason.BOT, ScanClass.PREVIEW: Reason.PREVIEW, ScanClass.SELF: Reason.SELF}


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleLine:
    """A line that is sold: accounts and the item by key, amounts in minor units of `currency`."""

    item_id: int
    seller_id: int
    quantity: int
    amount_minor: int
    fee_minor: int
    currency: str

    @property
    def net_minor(self) -> int:
        """What the seller has of it."""
        return self.amount_minor - self.fee_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """
    A scan that may have brought the buyer of an item, with the terms of its share; accounts and the share by key.

    `model`: that of the item's newest program. `is_lock`: not a scan of now, but that of the order that locked.
    """

    item_id: int
    scan: int
    scan_class: str
    scanned_at: datetime
    is_lock: bool
    share_id: int
    share: str
    sharer_id: int
    sharer: str
    is_closed: bool
    is_linked: bool
    program_id: str
    version: int
    rate_bps: int | None
    amount_minor: int | None
    currency: str
    window_days: int
    model: str
    is_named: bool = False

    @property
    def moment(self) -> tuple[datetime, int]:
        """Its place among the others; of two of the same moment the later record is the later."""
        return self.scanned_at, self.scan

    def promise(self, line: SaleLine) -> int:
        """What its terms give of a line: never more than the seller has of it."""
        if self.rate_bps is not None:
            return min(share_of(line.amount_minor, self.rate_bps), line.net_minor)
        assert self.amount_minor is not None
        return min(self.amount_minor * line.quantity, line.net_minor)

    def terms(self, line: SaleLine) -> dict[str, Any]:
        """What is written into the line, by public ids: names may be erased, and are looked up when shown."""
        rate: dict[str, Any] = {"rate_bps": self.rate_bps}
        fixed = {"amount": {"amount": self.amount_minor, "currency": self.currency}}
        return {
            "share": self.share,
            "sharer": self.sharer,
            "program": self.program_id,
            "version": self.version,
            **(fixed if self.rate_bps is None else rate),
            "charge": self.promise(line),
        }


@dataclass(frozen=True, slots=True)
class Judged:
    """A candidate of one line, and why it won or did not."""

    candidate: Candidate
    reason: Reason
    won: bool = False


@dataclass(frozen=True, slots=True)
class Matched:
    """What became of the candidates of one line; the winner, if there is one, comes first."""

    line: SaleLine
    touches: Sequence[Judged]

    @property
    def winner(self) -> Candidate | None:
        return self.touches[0].candidate if self.touches and self.touches[0].won else None

    @property
    def terms(self) -> dict[str, Any] | None:
        return self.winner.terms(self.line) if self.winner else None


def match_line(line: SaleLine, candidates: Iterable[Candidate], *, buyers: frozenset[int], now: datetime) -> Matched:
    """
    Decide who brought a line at `now`. `buyers`: who acts and who logged in, by key.

    The result depends on what the candidates are and not on their order.
    """
    by_moment = sorted(_once(candidate for candidate in candidates if candidate.item_id == line.item_id), key=_moment)
    refused = {candidate.scan: _why_not(candidate, line, buyers, now) for candidate in by_moment}
    passed = [candidate for candidate in by_moment if refused[candidate.scan] is None]
    if not passed:
        return Matched(line, [Judged(one, reason) for one in by_moment if (reason := refused[one.scan])])
    winner, because = _winner(passed)
    losers = [
        Judged(one, refused[one.scan] or _lost_to(winner, one, because)) for one in by_moment if one is not winner
    ]
    return Matched(line, [Judged(winner, because, won=True), *losers])


def _moment(candidate: Candidate) -> tuple[datetime, int]:
    return candidate.moment


def _once(candidates: Iterable[Candidate]) -> Iterable[Candidate]:
    """The scan of the order that locked may be claimed and in its window still: then it counts as the lock."""
    by_scan: dict[int, Candidate] = {}
    for candidate in candidates:
        if candidate.is_lock or candidate.scan not in by_scan:
            by_scan[candidate.scan] = candidate
    return by_scan.values()


def _why_not(candidate: Candidate, line: SaleLine, buyers: frozenset[int], now: datetime) -> Reason | None:
    """What a candidate is refused for; None where it passes."""
    is_too_old = candidate.scanned_at + timedelta(days=candidate.window_days) < now
    grounds = (
        (candidate.sharer_id in buyers, Reason.SELF),
        (candidate.scan_class != ScanClass.HUMAN, _OF_CLASS.get(ScanClass(candidate.scan_class))),
        (candidate.sharer_id == line.seller_id, Reason.SHARER_IS_SELLER),
        (candidate.is_linked, Reason.LINKED),
        (candidate.is_closed, Reason.SHARER_CLOSED),
        (candidate.currency != line.currency, Reason.OTHER_CURRENCY),
        (is_too_old and not candidate.is_lock, Reason.OUTSIDE_WINDOW),
    )
    return next((reason for applies, reason in grounds if applies), None)


def _winner(passed: Sequence[Candidate]) -> tuple[Candidate, Reason]:
    """Of candidates in the order of their moments."""
    lock = next((candidate for candidate in passed if candidate.is_lock), None)
    if lock is not None:
        return lock, Reason.LOCKED
    if passed[0].model == ShareProgram.Model.FIRST_TOUCH:
        return passed[0], Reason.FIRST_TOUCH
    return passed[-1], Reason.LAST_TOUCH


def _lost_to(winner: Candidate, loser: Candidate, because: Reason) -> Reason:
    if because is Reason.LOCKED and loser.sharer_id != winner.sharer_id:
        return Reason.LOCKED_TO_ANOTHER
    return Reason.LATER_TOUCH_WON if winner.moment > loser.moment else Reason.EARLIER_TOUCH_WON
