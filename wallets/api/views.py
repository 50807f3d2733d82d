"""Own money over HTTP."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import actor_of
from accounts.errors import SpendingCapExceeded
from accounts.models import Account
from core import clock
from core.api.fields import Input, MomentField
from core.api.lists import ListView
from core.api.schema import refuses
from core.api.three_steps import ThreeStepView
from core.api.views import ApiView
from core.errors import AmountTooLarge
from core.money import Money
from ledger.api.statements import StatementView
from ledger.errors import InsufficientFunds
from wallets import errors, selectors, services
from wallets.api import examples, inputs, outputs
from wallets.models import Earning
from wallets.payout_targets.errors import PayoutTargetRequired, PayoutTargetUnknown
from wallets.providers.base import Outcome


class Wallet(ApiView):
    """GET /api/v1/wallet"""

    @extend_schema(summary="The own wallet, by currency", responses=outputs.WalletDocument, examples=[examples.WALLET])
    def get(self, request: Request) -> Response:
        balances = selectors.wallet_balances(visible_to=actor_of(request).acting)
        return Response(outputs.wallet_document(balances))


class TopUps(ThreeStepView):
    """POST /api/v1/wallet/top-ups"""

    Input = inputs.TopUpInput

    @extend_schema(
        summary="Top the own wallet up",
        request=inputs.TopUpInput,
        responses={201: outputs.TopUpDocument},
        examples=[examples.TOP_UP],
    )
    @refuses(errors.ProviderUnknown, AmountTooLarge)
    def post(self, request: Request) -> Response:
        return super().post(request)

    def intend(self, request: Request) -> str:
        body = self.checked_body()
        top_up = services.request_top_up(
            owner=actor_of(request).acting,
            amount=Money(body["amount"], body["currency"]),
            provider=body.get("provider", settings.TOP_UP_PROVIDER_DEFAULT),
            actor=actor_of(request),
            now=clock.now(),
        )
        return top_up.public_id

    def call(self, intent: str) -> Outcome:
        return services.charge_top_up(public_id=intent)

    def conclude(self, intent: str, outcome: Outcome) -> Response:
        top_up = services.finish_top_up(public_id=intent, outcome=outcome, now=clock.now())
        return self.created(outputs.top_up_document(top_up))


class TopUp(ApiView):
    """GET /api/v1/wallet/top-ups/<id>"""

    @extend_schema(summary="An own top-up", responses=outputs.TopUpDocument)
    def get(self, request: Request, top_up_id: str) -> Response:
        top_up = selectors.get_top_up(public_id=top_up_id, visible_to=actor_of(request).acting)
        return Response(outputs.top_up_document(top_up))


class Withdrawals(ThreeStepView):
    """POST /api/v1/wallet/withdrawals"""

    own_login = frozenset({"POST"})
    Input = inputs.WithdrawalInput

    @extend_schema(
        summary="Withdraw from the own wallet",
        request=inputs.WithdrawalInput,
        responses={201: outputs.WithdrawalDocument},
        examples=[examples.MONEY_OUT],
    )
    @refuses(errors.DebtOutstanding, InsufficientFunds, PayoutTargetRequired, PayoutTargetUnknown)
    def post(self, request: Request) -> Response:
        return super().post(request)

    def intend(self, request: Request) -> str:
        body = self.checked_body()
        withdrawal = services.request_withdrawal(
            owner=actor_of(request).acting,
            amount=Money(body["amount"], body["currency"]),
            provider=settings.PAYOUT_PROVIDER,
            target=body.get("payout_target"),
            actor=actor_of(request),
            now=clock.now(),
        )
        return withdrawal.public_id

    def call(self, intent: str) -> Outcome:
        return services.pay_out_withdrawal(public_id=intent)

    def conclude(self, intent: str, outcome: Outcome) -> Response:
        withdrawal = services.finish_withdrawal(public_id=intent, outcome=outcome, now=clock.now())
        return self.created(outputs.withdrawal_document(withdrawal))


class Withdrawal(ApiView):
    """GET /api/v1/wallet/withdrawals/<id>"""

    @extend_schema(summary="An own withdrawal", responses=outputs.WithdrawalDocument)
    def get(self, request: Request, withdrawal_id: str) -> Response:
        withdrawal = selectors.get_withdrawal(public_id=withdrawal_id, visible_to=actor_of(request).acting)
        return Response(outputs.withdrawal_document(withdrawal))


class DebtRepayments(ApiView):
    """POST /api/v1/wallet/debt-repayments"""

    keyed = frozenset({"POST"})
    Input = inputs.MoneyOutInput

    @extend_schema(
        summary="Repay what is owed out of the own wallet, oldest debt first",
        request=inputs.MoneyOutInput,
        responses={201: outputs.DebtRepaymentDocument},
        examples=[examples.MONEY_OUT],
    )
    @refuses(SpendingCapExceeded, errors.RepaymentExceedsDebt, InsufficientFunds)
    def post(self, request: Request) -> Response:
        body = self.checked_body()
        amount = Money(body["amount"], body["currency"])
        owner: Account = actor_of(request).acting
        repayments = services.repay_debts(owner=owner, amount=amount, actor=actor_of(request), now=clock.now())
        still_owed_minor = selectors.owed_minor(visible_to=owner, currency=amount.currency)
        return self.created(outputs.repayment_document(repayments, still_owed_minor))


class Statement(StatementView):
    """GET /api/v1/wallet/statement"""

    csv_columns = outputs.STATEMENT_COLUMNS

    class Query(Input):
        since = MomentField(required=False, help_text="Booked then or later.")
        until = MomentField(required=False, help_text="Booked before then.")

    @extend_schema(
        summary="Everything booked in the own wallet, newest first",
        responses=outputs.StatementRowDocument(many=True),
    )
    def get(self, request: Request) -> Any:
        owner, period = actor_of(request).acting, self.checked_query()
        return self.answer_statement(
            scope=f"wallet:{owner.public_id}",
            read_page=lambda limit, after: selectors.wallet_statement(
                visible_to=owner, limit=limit, after=after, **period
            ),
            documents=outputs.statement_documents,
        )


class Earnings(ListView):
    """GET /api/v1/earnings"""

    csv_columns = outputs.EARNINGS_COLUMNS

    class Query(Input):
        status = serializers.ChoiceField(choices=Earning.Status.choices, required=False)

    @extend_schema(summary="Own parts of sales, newest first", responses=outputs.EarningDocument(many=True))
    def get(self, request: Request) -> Any:
        own = selectors.earnings_of(visible_to=actor_of(request).acting, **self.checked_query())
        return self.answer_list(own, outputs.earning_documents)
