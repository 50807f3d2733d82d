"""What accounts say has happened. No name and no address: those can be erased, events cannot."""

from dataclasses import dataclass

from events.types import Event


@dataclass(frozen=True, kw_only=True)
class AccountEvent(Event):
    """Something happened to an account (public id), which is the subject."""

    account: str
    side: str
    kind: str

    @property
    def key(self) -> str:
        return f"{self.type}:{self.account}"

    @property
    def subject(self) -> str:
        return self.account


@dataclass(frozen=True, kw_only=True)
class AccountRegistered(AccountEvent):
    """Somebody joined."""

    type = "account.registered"
    referral_code: str | None = None


@dataclass(frozen=True, kw_only=True)
class AccountClosed(AccountEvent):
    """An account is closed for good: what it offers ends, and what hangs below it moves up."""

    type = "account.closed"
