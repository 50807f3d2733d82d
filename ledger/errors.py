from core.errors import Conflict


class InsufficientFunds(Conflict):
    code = "insufficient_funds"
    message = "There is less money available than this needs."
