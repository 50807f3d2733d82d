"""Subjects of events: those from outside can never hold up an order of ours; those of ours can be locked."""

import hashlib
from collections.abc import Callable, Iterable, Sequence

from core.ids import encode_key

EXTERNAL = "external:"
_DIGEST_LENGTH = 32


def own_subject(key: str) -> str:
    """Return the subject of an event that stands for itself; its id is not known before it is recorded."""
    return EXTERNAL + hashlib.sha256(key.encode()).hexdigest()[:_DIGEST_LENGTH]


def shown_subject(*, event_id: int, key: str, subject: str) -> str:
    """Return a subject as its sender knows it: the event's own id where none was named."""
    return encode_key("evt", event_id) if subject == own_subject(key) else subject.removeprefix(EXTERNAL)


SubjectLock = Callable[[Sequence[str]], None]

_locks: list[tuple[int, SubjectLock]] = []


def register_subject_lock(place: int, lock: SubjectLock) -> None:
    """
    Say how a higher room locks the rows under which it emits the money events of subjects.

    `place`: its place in the one order of locks, lower first (orders before their earnings).
    """
    _locks.append((place, lock))
    _locks.sort(key=lambda placed: placed[0])


def lock_subjects(subjects: Iterable[str]) -> None:
    """
    Hold off whoever would emit a money event of these subjects, until this transaction ends.

    After it, all that was emitted before is committed and seen by the next statement. Subjects from
    outside have no rows and need none: nothing there takes another event back.
    """
    named = sorted(set(subjects))
    for _place, lock in _locks:
        lock(named)
