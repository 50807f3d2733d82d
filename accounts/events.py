from dataclasses import dataclass

from events.types import Event


@dataclass(frozen=True, kw_only=True)
class AccountRegistered(Event):
    """Somebody joined. No name and no address: those can be erased, events cannot."""

    type = "account.registered"
    account: str
    side: str
    kind: str
    referral_code: str | None = None

    @property
    def key(self) -> str:
        return f"{self.type}:{self.account}"

    @property
    def subject(self) -> str:
        return self.account


@dataclass(frozen=True, kw_only=True)
class AccountClosed(Event):
    """An account is closed for good: what it offers ends, and what hangs below it moves up."""

    type = "account.closed"
    account: str
    side: str
    kind: str

    @property
    def key(self) -> str:
        return f"{self.type}:{self.account}"

    @property
    def subject(self) -> str:
        return self.account
