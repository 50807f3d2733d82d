"""Ledger accounts are named by what they are for and whose they are."""

OWNED_PURPOSES = frozenset({"wallet", "pending", "debt"})  # People's own: the next word of the code is the owner.
HOUSE_PURPOSES = frozenset({"platform", "escrow"})  # The house's own, and what it keeps for others.


def wallet(owner: str) -> str:
    """An account's own money; `owner` is its public id."""
    return f"wallet:{owner}"


def pending(owner: str) -> str:
    """Earnings in their hold period."""
    return f"pending:{owner}"


def debt(owner: str) -> str:
    """What an account owes the platform; its balance is zero or below."""
    return f"debt:{owner}"


def must_cover(code: str) -> bool:
    """Wallets never go below what is held in them."""
    return code.startswith("wallet:")


def must_owe(code: str) -> bool:
    """Debts are never repaid beyond what is owed."""
    return code.startswith("debt:")


def purpose_of(code: str) -> str:
    """The first word of a code: what the account is for."""
    return code.partition(":")[0]


def owner_of(code: str) -> str:
    """Whose account it is: what stands behind the purpose."""
    return code.partition(":")[2]
