"""Reading inboxes."""

from collections.abc import Collection, Mapping

from django.db.models import Count, QuerySet

from accounts.models import Account
from core.errors import NotFound
from core.ids import decode_key
from notifications.models import PREFIX, Message

_SINCE = """
SELECT m.* FROM unnest(%s::bigint[], %s::bigint[]) AS reader (account_id, position)
JOIN notifications_message m ON m.account_id = reader.account_id AND m.id > reader.position
ORDER BY m.id LIMIT %s
"""


def messages_of(account: Account, *, unread: bool | None = None) -> QuerySet[Message]:
    """Return an account's messages, or only those it has (not) read."""
    messages = Message.objects.filter(account=account)
    return messages if unread is None else messages.filter(read_at__isnull=unread)


def count_unread(account: Account, *, up_to: int) -> int:
    """Count what an account has not read, at most so many."""
    return Message.objects.filter(account=account, read_at__isnull=True)[:up_to].count()


def get_message(*, public_id: str, account: Account, lock: bool = False) -> Message:
    """:raises NotFound: the account has no such message."""
    own = Message.objects.filter(account=account, pk=decode_key(PREFIX, public_id) or 0)
    message = (own.select_for_update(no_key=True) if lock else own).first()
    if message is None:
        raise NotFound
    return message


def newest_id(account: Account) -> int:
    """Return the id of an account's newest message, 0 where there is none."""
    return Message.objects.filter(account=account).order_by("-id").values_list("pk", flat=True).first() or 0


def messages_since(positions: Mapping[int, int], *, limit: int) -> list[Message]:
    """Return what several accounts (keys) were told after the id each has read up to, the oldest first."""
    return list(Message.objects.raw(_SINCE, [list(positions), list(positions.values()), limit]))


def unread_in(accounts: Collection[Account]) -> dict[int, int]:
    """Return how many messages each of these accounts (by key) has not read; those with none are left out."""
    unread = Message.objects.filter(account__in=accounts, read_at__isnull=True)
    return dict(unread.values_list("account").annotate(number=Count("pk")).order_by())
