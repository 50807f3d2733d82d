"""Where people's pages are: in mails and QR codes, which leave the house and must say the whole address."""

from typing import Any

from django.conf import settings
from django.urls import reverse


def page_url(name: str, *args: Any) -> str:
    """
    Return the whole address of a page, named by string: pages are in a higher room.

    The host is the setting's, never the request's: who sends a request must not choose where a mail leads.
    """
    return f"{settings.SITE_URL}{reverse(name, args=args)}"
