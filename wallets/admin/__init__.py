"""Money in, money out, earnings and debts, pay codes; what is left to operators is done on the rows' own pages."""

from wallets.admin import cockpit, debts, decisions, kept, pay_codes, payments

__all__ = ["cockpit", "debts", "decisions", "kept", "pay_codes", "payments"]
