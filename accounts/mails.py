"""
Mail to an account's own address. It is written in the caller's transaction and sent by a task, so that a
request neither waits for a mail server nor loses a mail to it.
"""

from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from post_office.mail import PRIORITY, STATUS
from post_office.models import Email

from accounts.models import Account


def write_mail(account: Account, *, subject: str, template: str, **context: Any) -> None:
    """
    Queue a mail; nothing happens where the account has no address.

    The row is written here and not by `post_office.mail.send`, which would read the finished text as a template
    once more: names and reasons are other people's. `context` says whose mail it is, whatever address it has.
    """
    if not account.email:
        return
    text = render_to_string(
        f"accounts/mails/{template}.txt", {"account": account, "site": settings.SITE_NAME} | context
    )
    Email.objects.create(
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[account.email],
        subject=subject,
        message=text.strip() + "\n",
        status=STATUS.queued,
        priority=PRIORITY.medium,
        context={"account": account.public_id},
    )
