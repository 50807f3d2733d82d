"""Who acts in a request: the account that logged in, and the one it acts as."""

from dataclasses import dataclass

from accounts.models import Account

OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Actor:
    """
    A person's request. Rights are those of `acting` only; `login` says who really did it.

    `session_id`: public id of the session, None for commands and tasks that act for an account;
    `token_digest`: of the credential that it came with.
    """

    login: Account
    acting: Account
    session_id: str | None = None
    token_digest: str = ""

    @classmethod
    def own(cls, account: Account) -> "Actor":
        """An account that acts for itself, outside any session: commands, tests."""
        return cls(login=account, acting=account)

    @property
    def owner_id(self) -> str:
        """Public id of the acting account: the owner of what it makes and of its idempotency keys."""
        return self.acting.public_id

    @property
    def audiences(self) -> frozenset[str]:
        """Which kinds of caller this is: buyer, seller, operator."""
        kinds = {self.acting.side, OPERATOR if self.acting.is_staff else ""}
        return frozenset(kinds - {""})

    @property
    def is_own_login(self) -> bool:
        """Whether the account acts under its own log-in, not through a link."""
        return self.login.pk == self.acting.pk
