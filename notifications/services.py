"""Writing messages, marking them as read, and forgetting them."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from django.conf import settings
from django.db import connection, transaction
from prometheus_client import Counter

from accounts.models import Account
from core.forgetting import delete_in_chunks
from notifications.bell import ring
from notifications.kinds import Note
from notifications.models import Message
from notifications.selectors import get_message

_WRITING_LOCK = 0x4D455353414745  # "MESSAGE"

messages_total = Counter("marketplace_messages_total", "Messages put into inboxes, by kind.", ["kind"])


@transaction.atomic
def write_messages(*, notes: Sequence[Note]) -> None:
    """
    Put notes into the inboxes of those they are for; accounts that have closed get none.

    One writer at a time, from the first id to the commit: whoever reads on from an id that it has seen would
    otherwise miss a smaller one that commits later.
    """
    open_accounts = Account.objects.filter(public_id__in={note.account for note in notes}, closed_at=None)
    keys = dict(open_accounts.values_list("public_id", "pk"))
    messages = [
        Message(account_id=keys[note.account], event_id=note.event_id, kind=note.kind, data=note.data, at=note.at)
        for note in notes
        if note.account in keys
    ]
    if not messages:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_WRITING_LOCK])
    Message.objects.bulk_create(messages)
    transaction.on_commit(partial(_announce, messages), robust=True)


@transaction.atomic
def mark_read(*, message: str, account: Account, now: datetime) -> Message:
    """
    Mark one of an account's messages as read. A repeat keeps the first time.

    :raises NotFound: the account has no such message.
    """
    found = get_message(public_id=message, account=account, lock=True)
    if found.read_at is None:
        found.read_at = now
        found.save(update_fields=["read_at"])
    return found


def mark_all_read(*, up_to: str, account: Account, now: datetime) -> int:
    """
    Mark an account's messages as read, up to the newest one that somebody has seen; return how many that were.

    What came since stays unread. A repeat marks nothing.

    :raises NotFound: the account has no such message.
    """
    newest = get_message(public_id=up_to, account=account)
    unread = Message.objects.filter(account=account, pk__lte=newest.pk, read_at=None)
    return unread.update(read_at=now)


def erase_messages(account: Account) -> None:
    """Who has closed its account reads nothing any more."""
    Message.objects.filter(account=account).delete()


def purge_messages(*, now: datetime) -> int:
    """Delete what was read long ago, and what was on its way when its account closed; return how many."""
    before = now - settings.MESSAGE_RETENTION
    of_closed = Message.objects.filter(account__is_active=False, account__closed_at__lt=before)
    return delete_in_chunks(Message.objects.filter(read_at__lt=before)) + delete_in_chunks(of_closed)


def _announce(messages: Sequence[Message]) -> None:
    for message in messages:
        messages_total.labels(message.kind).inc()
    ring({message.account_id for message in messages})
