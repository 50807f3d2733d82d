"""What sharing hands out when an account asks for its data; as the API shows it."""

from collections.abc import Iterator
from typing import Any

from accounts.models import Account
from core.api.lists import every_page
from sharing.api.program_outputs import program_document
from sharing.api.share_outputs import share_documents
from sharing.shares import budgets_of, programs_of, shares_of

NEWEST_FIRST = ("-id",)


def programs(account: Account) -> Iterator[dict[str, Any]]:
    """Every version, with when it was followed and when the program ended."""
    for page in every_page(programs_of(account), NEWEST_FIRST):
        budgets = budgets_of(program.item_id for program in page)
        for program in page:
            document = program_document(program, budgets.get(program.item_id), in_full=True)
            yield document | {"until": program.until_at, "ended_at": program.ended_at}


def shares(account: Account) -> Iterator[dict[str, Any]]:
    for page in every_page(shares_of(account), NEWEST_FIRST):
        yield from share_documents(page)
