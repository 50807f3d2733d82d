"""Running every room's checks of the books, and saying what they cannot see."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import monotonic

from core.registry import BookCheck, Finding, book_checks
from core.walk import telling
from events.selectors import queue_states

# What no check here can know; said with every report.
NEVER_CHECKED = (
    "whether a rule chose the right accounts: the rule that booked each journal is pinned, and explained one by one",
    "what payment providers have in their own books: compare their statements with `clearing:…`",
    "rows that changed behind a check's walk: each range is looked at once, at its own moment",
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check found, and how many keys it walked."""

    check: BookCheck
    findings: Sequence[Finding]
    walked: int
    seconds: float


def run_checks(
    progress: Callable[[str, int, int], None], *, only: str = "", findings_max: int | None = None
) -> Iterator[Verdict]:
    """
    Run the checks whose name contains `only`, one after the other, and yield each one's verdict.

    `progress` hears the running check's name, how many keys it has walked, and how many there are.
    `findings_max`: a check ends once it has found so many.
    """
    for check in book_checks():
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


def not_checked() -> list[str]:
    """Say what these checks leave out: always, and at this moment."""
    waiting = [
        f"what {state.waiting + state.parked} events will do that wait at {state.consumer} ({state.parked} parked)"
        for state in queue_states()
    ]
    return [*waiting, *NEVER_CHECKED]
