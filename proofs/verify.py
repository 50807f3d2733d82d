"""Running every room's checks of the books, and saying what they cannot see."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from time import monotonic

from core.registry import BookCheck, Finding, book_checks
from core.walk import telling, walking_since
from events.selectors import queue_states
from ledger.seal_checks import check_head
from ledger.seals import unsealed_count

# What no check here can know; said with every report.
NEVER_CHECKED = (
    "whether the rules are the right ones: only that they booked what they say",
    "what payment providers have in their own books: compare their statements with `clearing:…`",
    "rows that changed behind a check's walk: each range is looked at once, at its own moment",
    "holds, deliveries and versions that have booked nothing yet by seals: only against what they belong to",
)
NO_HEAD = "whether all seals were written anew: `--head` with a hash that was kept outside says that"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check found, and how many keys it walked."""

    check: BookCheck
    findings: Sequence[Finding]
    walked: int
    seconds: float


def run_checks(
    progress: Callable[[str, int, int], None],
    *,
    only: str = "",
    findings_max: int | None = None,
    since: datetime | None = None,
    heads: Sequence[str] = (),
) -> Iterator[Verdict]:
    """
    Run the checks whose name contains `only`, one after the other, and yield each one's verdict.

    `progress` hears the running check's name, how many keys it has walked, and how many there are.
    `findings_max`: a check ends once it has found so many.
    `since`: what was booked before is left out by the checks that walk booked rows.
    `heads`: hashes that were kept outside; each must still be in the chain.
    """
    kept = [BookCheck(f"ledger: the head {head[:12]}… is in the chain", partial(check_head, head)) for head in heads]
    with walking_since(since):
        for check in [*book_checks(), *kept]:
            if only in check.name:
                yield _run(check, progress, findings_max)


def _run(check: BookCheck, progress: Callable[[str, int, int], None], findings_max: int | None) -> Verdict:
    walked_before = walked = 0
    began_at = monotonic()

    def listen(done: int, total: int) -> None:
        nonlocal walked, walked_before
        if done < walked:  # Another walk of the same check.
            walked_before += walked
        walked = done
        progress(check.name, done, total)

    findings: list[Finding] = []
    with telling(listen):
        for finding in check.run():
            findings.append(finding)
            if findings_max is not None and len(findings) >= findings_max:
                break
    return Verdict(check, findings, walked_before + walked, monotonic() - began_at)


def not_checked(*, since: datetime | None = None, heads: Sequence[str] = ()) -> list[str]:
    """Say what these checks leave out: always, at this moment, and because of what was asked for."""
    left_out = [
        f"what {state.waiting + state.parked} events will do that wait at {state.consumer} ({state.parked} parked)"
        for state in queue_states()
    ]
    if unsealed := unsealed_count():
        left_out.append(f"by seals: the newest {unsealed} batches, which are not sealed yet")
    if since is not None:
        left_out.append(f"what was booked before {since.isoformat()}, where a check walks booked rows")
    return [*left_out, *([] if heads else [NO_HEAD]), *NEVER_CHECKED]
