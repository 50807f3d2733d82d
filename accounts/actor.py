"""Who acts in a request: the account that logged in, and the one it acts as."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from accounts.errors import OwnLoginRequired, StandInRefused
from accounts.models import Account

OPERATOR = "operator"
UNPROVEN_OPERATOR = "unproven operator"  # has yet to show a second factor, where operators must


@dataclass(frozen=True, slots=True)
class Actor:
    """
    A person's request. Rights are those of `acting` only; `login` says who really did it.

    `session_id`: public id of the session, None for commands and tasks that act for an account;
    `token_digest`: of the credential that it came with; `second_factor_at`: when it last showed one;
    `stands_in`: whether an operator acts as a customer (`accounts.services.stand_in`), with no link between them.
    """

    login: Account
    acting: Account
    session_id: str | None = None
    token_digest: str = ""
    second_factor_at: datetime | None = None
    stands_in: bool = False

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
        """Which kinds of caller this is: buyer, seller, operator (with a second factor, where it is demanded)."""
        kinds = {self.acting.side}
        if self.acting.is_staff:
            kinds.add(OPERATOR if self.is_proven else UNPROVEN_OPERATOR)
        return frozenset(kinds - {""})

    @property
    def is_proven(self) -> bool:
        """Whether the session has shown a second factor, or need not."""
        return self.second_factor_at is not None or not settings.OPERATOR_SECOND_FACTOR or self.session_id is None

    @property
    def is_own_login(self) -> bool:
        """Whether the account acts under its own log-in, not through a link."""
        return self.login.pk == self.acting.pk

    def ensure_own_login(self) -> None:
        """:raises OwnLoginRequired: the account acts through a link."""
        if not self.is_own_login:
            raise OwnLoginRequired

    def ensure_in_person(self) -> None:
        """:raises StandInRefused: an operator stands in for the account."""
        if self.stands_in:
            raise StandInRefused
