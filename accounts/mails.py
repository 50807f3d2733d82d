"""
Mail to an account's own address. It is written in the caller's transaction and sent by a task, so that a
request neither waits for a mail server nor loses a mail to it.
"""

from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from post_office.mail import PRIORITY, STATUS
from post_office.models import Email, Log

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


def blank_mails(account: Account) -> None:
    """
    Leave of an account's mails neither address nor text, whether they were sent or wait; those will not be sent.

    The rows stay until they are purged: one of them may be on its way at this moment, and be noted as sent.
    """
    mails = Email.objects.filter(context__account=account.public_id)
    Log.objects.filter(email__in=mails).delete()  # A mail server's refusal names the address.
    mails.update(to="", subject="", message="", headers=None)
