"""What wallets hand out when somebody asks for their data; as the API shows it."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings

from accounts.models import Account
from core.api.lists import every_page
from ledger.statements import StatementPlace
from wallets.api.outputs import earning_documents, payment_document, statement_documents
from wallets.models import TopUp, Withdrawal
from wallets.pay_codes.api import secret_documents
from wallets.pay_codes.selectors import secrets_of
from wallets.payout_targets.api import payout_target_documents
from wallets.payout_targets.services import payout_targets_of
from wallets.selectors import earnings_of, wallet_statement

NEWEST_FIRST = ("-id",)


def top_ups(account: Account) -> Iterator[dict[str, Any]]:
    for page in every_page(TopUp.objects.filter(owner=account), NEWEST_FIRST):
        yield from map(payment_document, page)


def withdrawals(account: Account) -> Iterator[dict[str, Any]]:
    for page in every_page(Withdrawal.objects.filter(owner=account), NEWEST_FIRST):
        yield from map(payment_document, page)


def earnings(account: Account) -> Iterator[dict[str, Any]]:
    for page in every_page(earnings_of(visible_to=account), NEWEST_FIRST):
        yield from earning_documents(page)


def statement(account: Account) -> Iterator[dict[str, Any]]:
    after: StatementPlace | None = None
    while page := wallet_statement(visible_to=account, limit=settings.PAGE_SIZE_MAX, after=after):
        yield from statement_documents(page)
        after = page[-1].place


def pay_code_secrets(account: Account) -> Iterator[dict[str, Any]]:
    for page in every_page(secrets_of(visible_to=account), NEWEST_FIRST):
        yield from secret_documents(page)


def payout_targets(account: Account) -> Iterator[dict[str, Any]]:
    for page in every_page(payout_targets_of(visible_to=account), NEWEST_FIRST):
        yield from payout_target_documents(page)
