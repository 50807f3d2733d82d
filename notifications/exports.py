"""What an account was told, when somebody asks for their data; as the API shows it."""

from collections.abc import Iterator
from typing import Any

from accounts.models import Account
from core.api.lists import every_page
from notifications.api.documents import message_documents
from notifications.selectors import messages_of


def messages(account: Account) -> Iterator[dict[str, Any]]:
    for page in every_page(messages_of(account), ("-id",)):
        yield from message_documents(page)
