"""
One intended effect per key, whatever the network repeats.

The key is locked without waiting, looked up, and saved with the answer in the transaction of the
effect. The look-up shares the lock's statement, and so may miss an answer that committed in between;
then the second effect is refused, by its own rules or at the latest by the unique key, is rolled back,
and the request gets the twin's answer (`ApiView.dispatch_keyed`).
"""

import hashlib
from dataclasses import dataclass

from django.db import connection

from core.errors import BadRequest, Conflict, Unprocessable
from core.models import IdempotencyRecord
from core.prepared import Prepared

KEY_LENGTH_MAX = 255


def _begin(name: str, take: str) -> Prepared:
    return Prepared(
        name,
        f"""
        SELECT {take}(%(lock)s), r.request_digest, r.status, r.body, r.resource
        FROM (VALUES (1)) AS once
        LEFT JOIN core_idempotencyrecord r ON r.owner = %(owner)s AND r.key = %(key)s
        """,  # noqa: S608 - one of two names
    )


_BEGIN = _begin("begin_attempt", "pg_try_advisory_xact_lock")
_BEGIN_FOR_SESSION = _begin("begin_attempt_for_session", "pg_try_advisory_lock")
_SAVE = Prepared(
    "save_answer",
    """
    INSERT INTO core_idempotencyrecord (owner, key, request_digest, status, body, resource)
    VALUES (%(owner)s, %(key)s, %(digest)s, %(status)s, %(body)s, '')
    ON CONFLICT (owner, key) DO NOTHING
    """,
)


class IdempotencyKeyRequired(BadRequest):
    code = "idempotency_key_required"
    message = "Send an Idempotency-Key of 1 to 255 printable characters, one for each intended effect."


class IdempotencyKeyInUse(Conflict):
    code = "idempotency_key_in_use"
    message = "The same request is still running; ask again for its answer."


class IdempotencyKeyReused(Unprocessable):
    code = "idempotency_key_reused"
    message = "This key belongs to another request."


@dataclass(frozen=True, slots=True)
class KnownAnswer:
    """What an earlier run of the same request left: its answer, or the intent to resume."""

    status: int | None
    body: str
    resource: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One keyed request of one owner."""

    owner: str
    key: str
    request_digest: str

    def begin(self, *, for_session: bool = False) -> KnownAnswer | None:
        """
        Take the key for this transaction and return what an earlier run left, if one did.

        `for_session`: take it until `let_go`, over several transactions.

        :raises IdempotencyKeyInUse: a twin is running.
        :raises IdempotencyKeyReused: the key was used for another method, path or body.
        """
        take = _BEGIN_FOR_SESSION if for_session else _BEGIN
        ((locked, request_digest, status, body, resource),) = take.rows(
            lock=self._lock_number(), owner=self.owner, key=self.key
        )
        if not locked:
            raise IdempotencyKeyInUse
        if request_digest is None:
            return None
        if request_digest != self.request_digest:
            if for_session:
                self.let_go()
            raise IdempotencyKeyReused
        return KnownAnswer(status, body, resource)

    def let_go(self) -> None:
        """Give back a key that was taken for the session."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [self._lock_number()])

    def look_up(self) -> KnownAnswer | None:
        """Return what the same request has left by now, without taking the key."""
        mine = IdempotencyRecord.objects.filter(owner=self.owner, key=self.key, request_digest=self.request_digest)
        found = mine.values_list("status", "body", "resource").first()
        return None if found is None else KnownAnswer(*found)

    def save(self, *, status: int, body: str) -> bool:
        """
        Keep the answer with its effect; both commit, or neither.

        Returns False where a twin committed first, and then the caller must roll its effect back.
        """
        return _SAVE.run(owner=self.owner, key=self.key, digest=self.request_digest, status=status, body=body) == 1

    def save_intent(self, *, resource: str) -> None:
        """
        Keep the intent with its row, before a remote call: a repeat resumes it, and starts no other.

        :raises IdempotencyKeyInUse: a twin committed between our look-up and now; this intent must be rolled back.
        """
        _record, is_ours = IdempotencyRecord.objects.get_or_create(
            owner=self.owner, key=self.key, defaults={"request_digest": self.request_digest, "resource": resource}
        )
        if not is_ours:
            raise IdempotencyKeyInUse

    def save_outcome(self, *, status: int, body: str) -> None:
        """Keep the answer to a saved intent; the first outcome stays. Without an intent nothing is kept."""
        IdempotencyRecord.objects.filter(owner=self.owner, key=self.key, status=None).update(status=status, body=body)

    def _lock_number(self) -> int:
        digest = hashlib.sha256(f"{self.owner}\0{self.key}".encode()).digest()
        return int.from_bytes(digest[:8], "big", signed=True)


def read_key(raw: str | None) -> str:
    """
    Return the header's key.

    :raises IdempotencyKeyRequired: it is missing, too long, or not printable.
    """
    if not raw or len(raw) > KEY_LENGTH_MAX or not raw.isprintable():
        raise IdempotencyKeyRequired
    return raw


def digest_request(method: str, path: str, body: bytes) -> str:
    """Return the SHA-256 over what makes two requests the same."""
    return hashlib.sha256(b"\0".join((method.encode(), path.encode(), body))).hexdigest()
