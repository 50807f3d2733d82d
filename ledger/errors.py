from core.errors import Conflict, Unprocessable


class InsufficientFunds(Conflict):
    code = "insufficient_funds"
    message = "There is less money available than this needs."


class CurrencyRequired(Unprocessable):
    code = "currency_required"
    message = "This account holds several currencies: name one."
