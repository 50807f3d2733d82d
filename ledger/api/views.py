"""Operators read the book over HTTP."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.fields import CurrencyField, Input, MomentField, TextField
from core.api.lists import ListView
from core.api.schema import refuses
from core.api.views import ApiView
from ledger import selectors
from ledger.api import outputs
from ledger.api.statements import StatementView
from ledger.errors import CurrencyRequired
from ledger.models import CODE_LENGTH_MAX, LedgerAccount
from ledger.statements import statement_page

OPERATORS = {"*": frozenset({"operator"})}


class LedgerAccounts(ListView):
    """GET /api/v1/ledger/accounts"""

    audience = OPERATORS

    class Query(Input):
        prefix = TextField(required=False, max_length=CODE_LENGTH_MAX)

    @extend_schema(summary="Ledger accounts by code", responses=outputs.LedgerAccountDocument(many=True))
    def get(self, request: Request) -> Any:
        prefix = self.checked_query().get("prefix", "")
        return self.answer_list(LedgerAccount.objects.filter(code__startswith=prefix), outputs.present_accounts)


class LedgerAccountBalance(ApiView):
    """GET /api/v1/ledger/accounts/<code>"""

    audience = OPERATORS

    class Query(Input):
        currency = CurrencyField(required=False)
        as_of = MomentField(required=False)
        known_at = MomentField(required=False)

    @extend_schema(summary="A balance at the two times", responses=outputs.LedgerBalanceDocument)
    @refuses(CurrencyRequired)
    def get(self, request: Request, code: str) -> Response:
        asked = self.checked_query()
        frontier = selectors.frontier()  # First, so that it holds for what is read after it.
        balances = selectors.balance_at(code=code, **asked)
        if len(balances) > 1:
            raise CurrencyRequired(currencies=[balance.currency for balance in balances])
        document = outputs.balance_document(balances[0], asked.get("as_of"))
        return Response(document | {"known_at": asked.get("known_at"), "frontier": frontier})


class TrialBalanceView(ListView):
    """GET /api/v1/ledger/trial-balance"""

    audience = OPERATORS
    csv_columns = ("currency", "code", "debits", "credits", "balance", "held")

    class Query(Input):
        as_of = MomentField(required=False)
        known_at = MomentField(required=False)

    @extend_schema(summary="All accounts; the difference is zero", responses=outputs.TrialBalanceDocument)
    def get(self, request: Request) -> Any:
        frontier = selectors.frontier()  # First, so that it holds for what is read after it.
        asked = self.checked_query()
        if request.accepted_renderer.format == "csv":
            return self.answer_csv(map(outputs.balance_document, selectors.trial_accounts(**asked)))
        return Response(outputs.trial_document(selectors.trial_balance(**asked), frontier))


class LedgerAccountTransfers(StatementView):
    """GET /api/v1/ledger/accounts/<code>/transfers"""

    audience = OPERATORS
    csv_columns = ("transfer", "journal", "event", "amount", "currency", "balance_after", "effective_at", "booked_at")

    class Query(Input):
        since = MomentField(required=False, help_text="Booked then or later.")
        until = MomentField(required=False, help_text="Booked before then.")

    @extend_schema(
        summary="An account's transfers with the running balance", responses=outputs.AccountTransferDocument(many=True)
    )
    def get(self, request: Request, code: str) -> Any:
        selectors.balance_at(code=code)  # An account that was never used is not found.
        period = self.checked_query()
        return self.answer_statement(
            scope=f"account:{code}",
            read_page=lambda limit, after: statement_page(codes=[code], limit=limit, after=after, **period),
            documents=outputs.statement_documents,
        )
