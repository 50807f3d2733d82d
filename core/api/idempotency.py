"""
One intended effect per key, whatever the network repeats.

The key is locked without waiting, looked up, and saved with the answer in the transaction of the
effect. The look-up shares the lock's statement, and so may miss an answer that committed in between;
then the unique key refuses the second effect at its end, and the client's next repeat is replayed.
"""

import hashlib
from dataclasses import dataclass

from django.db import IntegrityError, connection

from core.errors import BadRequest, Conflict, Unprocessable
from core.models import IdempotencyRecord

KEY_LENGTH_MAX = 255


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

    def begin(self) -> KnownAnswer | None:
        """
        Take the key for this transaction and return what an earlier run left, if one did.

        :raises IdempotencyKeyInUse: a twin is running.
        :raises IdempotencyKeyReused: the key was used for another method, path or body.
        """
        with connection.cursor() as cursor:
            cursor.execute(
                """
                SELECT pg_try_advisory_xact_lock(%s), r.request_digest, r.status, r.body, r.resource
                FROM (VALUES (1)) AS once
                LEFT JOIN core_idempotencyrecord r ON r.owner = %s AND r.key = %s
                """,
                [self._lock_number(), self.owner, self.key],
            )
            locked, request_digest, status, body, resource = cursor.fetchone()
        if not locked:
            raise IdempotencyKeyInUse
        if request_digest is None:
            return None
        if request_digest != self.request_digest:
            raise IdempotencyKeyReused
        return KnownAnswer(status, body, resource)

    def save(self, *, status: int, body: str) -> None:
        """
        Keep the answer with its effect; both commit, or neither.

        :raises IdempotencyKeyInUse: a twin committed first; this effect is rolled back.
        """
        try:
            IdempotencyRecord.objects.create(
                owner=self.owner, key=self.key, request_digest=self.request_digest, status=status, body=body
            )
        except IntegrityError as twin:
            raise IdempotencyKeyInUse from twin

    def save_intent(self, *, resource: str) -> None:
        """Keep the intent before a remote call, so that a repeat resumes it instead of starting another."""
        IdempotencyRecord.objects.create(
            owner=self.owner, key=self.key, request_digest=self.request_digest, resource=resource
        )

    def save_outcome(self, *, status: int, body: str) -> None:
        """Keep the answer of a request whose intent was saved; the first outcome stays."""
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
