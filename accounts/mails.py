"""
Mail to an account's own address. It is written in the caller's transaction and sent by a task, so that a
request neither waits for a mail server nor loses a mail to it.
"""

from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from post_office import mail

from accounts.models import Account


def write_mail(account: Account, *, subject: str, template: str, **context: Any) -> None:
    """Queue a mail; nothing happens where the account has no address."""
    if not account.email:
        return
    text = render_to_string(
        f"accounts/mails/{template}.txt", {"account": account, "site": settings.SITE_NAME} | context
    )
    mail.send(account.email, settings.DEFAULT_FROM_EMAIL, subject=subject, message=text.strip() + "\n")
