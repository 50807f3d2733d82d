"""
Following inboxes: streams of server-sent events.

Each stream is written by a thread that does nothing but wait for its next piece. One more thread of the process
reads for all of them: it looks into the inboxes once a second, and at once where somebody rings. So all together
take one connection to the database and one to Redis, and no stream outlives its session by more than a look.
"""

import threading
import time
from collections.abc import Collection, Iterator
from queue import Empty, SimpleQueue

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections, connection
from rest_framework.renderers import JSONRenderer

from accounts.actor import Actor
from accounts.models import Session
from accounts.services.switching import act_as
from accounts.sessions import actor_of
from core.errors import Refusal
from core.ids import encode_key
from notifications.api.documents import message_documents
from notifications.bell import Ear
from notifications.errors import StreamsBusy, TooManyStreams
from notifications.models import PREFIX, Message
from notifications.selectors import messages_since

log = structlog.get_logger(__name__)

HEARTBEAT = ": still here\n\n"
RETRY_MS = 2000  # after which a browser comes back


class Stream:
    """
    One reader of one account's inbox, from a position (a message's key) on.

    The first event has an id and nothing else: a browser remembers it, and comes back with it even if nothing
    was said meanwhile.
    """

    def __init__(self, actor: Actor, position: int) -> None:
        self.account_id = actor.acting.pk
        self.owner = actor.owner_id
        self.token_digest = actor.token_digest
        self.position = position
        self._pieces: SimpleQueue[str | None] = SimpleQueue()
        self._pieces.put(f"retry: {RETRY_MS}\nid: {encode_key(PREFIX, position)}\n\n")

    def __iter__(self) -> Iterator[str]:
        ends_at = time.monotonic() + settings.MESSAGE_STREAM_SECONDS_MAX
        try:
            while not self._pieces.empty() or time.monotonic() < ends_at:
                piece = self._next(ends_at)
                if piece is None:
                    return
                yield piece
        finally:
            self.close()

    def tell(self, message: Message, piece: str) -> None:
        """Send a message that this reader has not seen."""
        self.position = message.pk
        if self._pieces.qsize() < settings.MESSAGE_STREAM_WAITING_MAX:
            self._pieces.put(piece)
        else:
            self.stop()

    def stop(self) -> None:
        """End once what waits is sent."""
        self._pieces.put(None)

    def close(self) -> None:
        """Make room for another."""
        streams.leave(self)

    def _next(self, ends_at: float) -> str | None:
        if self._pieces.empty():
            streams.listen()
        rest = ends_at - time.monotonic()
        try:
            return self._pieces.get(timeout=max(0.0, min(rest, settings.MESSAGE_STREAM_HEARTBEAT_SECONDS)))
        except Empty:
            return HEARTBEAT


class Streams:
    """All open streams of this process, and the thread that reads for them while there are any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[Stream] = set()
        self._reader: threading.Thread | None = None

    def enter(self, stream: Stream) -> None:
        """
        Take a stream up; whoever does closes it.

        :raises StreamsBusy: this process has as many as it keeps.
        :raises TooManyStreams: the account has as many as it may.
        """
        with self._lock:
            if len(self._open) >= settings.MESSAGE_STREAMS_MAX:
                raise StreamsBusy
            of_account = sum(one.account_id == stream.account_id for one in self._open)
            if of_account >= settings.MESSAGE_STREAMS_PER_ACCOUNT_MAX:
                raise TooManyStreams
            self._open.add(stream)

    def leave(self, stream: Stream) -> None:
        with self._lock:
            self._open.discard(stream)

    def listen(self) -> None:
        """Somebody waits for news: from now on they are read."""
        with self._lock:
            if self._reader is None:
                self._reader = threading.Thread(target=self._read, name="message-streams", daemon=True)
                self._reader.start()

    def _read(self) -> None:
        ear = Ear()
        try:
            while self._readers():
                self._wait(ear)
                look(self._readers())
        except BaseException:
            self._send_away()
            raise
        finally:
            ear.close()
            connection.close()

    def _send_away(self) -> None:
        """Nobody is left waiting for a reader that has failed: they come back, and another one reads for them."""
        left = self._readers()
        with self._lock:
            self._reader = None
        for stream in left:
            stream.stop()

    def _readers(self) -> list[Stream]:
        """Return whom to read for; after nobody, `listen` starts another thread."""
        with self._lock:
            if not self._open and self._reader is threading.current_thread():
                self._reader = None
            return list(self._open) if self._reader is threading.current_thread() else []

    def _wait(self, ear: Ear) -> None:
        """Until there is news for one of the readers, and no longer than until the next look."""
        time.sleep(settings.MESSAGE_LOOK_PAUSE_SECONDS)
        looks_at = time.monotonic() + settings.MESSAGE_LOOK_SECONDS
        while (rest := looks_at - time.monotonic()) > 0:
            rung = ear.wait(rest)
            if rung is None or not rung.isdisjoint(stream.account_id for stream in self._readers()):
                return


streams = Streams()


def look(readers: Collection[Stream]) -> None:
    """End the streams that nobody may read any more, and tell the others what is new."""
    close_old_connections()
    try:
        allowed = still_allowed(readers)
        for stream in set(readers) - set(allowed):
            stream.stop()
        _tell_news(allowed)
    except (OperationalError, InterfaceError) as failure:  # The database is away: they wait until it is back.
        log.warning("streams_cannot_read", failure=str(failure))
        connection.close()


def still_allowed(readers: Collection[Stream]) -> list[Stream]:
    """Return the streams whose session lives, under the same credential, and may still act as their account."""
    sessions = Session.objects.select_related("login_account", "acting_account")
    found = sessions.filter(token_digest__in={stream.token_digest for stream in readers})
    by_digest = {session.token_digest: session for session in found}
    return [stream for stream in readers if _may_read(stream, by_digest.get(stream.token_digest))]


def _may_read(stream: Stream, session: Session | None) -> bool:
    if session is None:
        return False  # It has switched: another credential, perhaps another account.
    try:
        actor = actor_of(session)
        if actor.owner_id != stream.owner:
            act_as(actor, stream.owner)
    except Refusal:
        return False
    return True


def _tell_news(readers: Collection[Stream]) -> None:
    positions: dict[int, int] = {}
    for stream in readers:
        positions[stream.account_id] = min(stream.position, positions.get(stream.account_id, stream.position))
    news = messages_since(positions, limit=settings.MESSAGES_AT_ONCE)
    for message, piece in zip(news, event_texts(news), strict=True):
        for stream in readers:
            if stream.account_id == message.account_id and stream.position < message.pk:
                stream.tell(message, piece)


def event_texts(messages: Collection[Message]) -> list[str]:
    """Write messages as server-sent events; JSON has no line breaks of its own."""
    render = JSONRenderer().render
    documents = message_documents(list(messages))
    return [f"id: {document['id']}\ndata: {render(document).decode()}\n\n" for document in documents]
