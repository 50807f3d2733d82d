"""A phone as tests use it: logged in once, enrolled, and from then on offline."""

from datetime import datetime

from django.db.models import QuerySet

from accounts import sessions
from accounts.models import Account, Session
from core import clock
from core.money import Money
from wallets.pay_codes.offline import offline_code
from wallets.pay_codes.services import enrol_phone


class Phone:
    """`Phone(buyer).code()`: what its screen shows now."""

    def __init__(self, account: Account, maximum: Money | None = None) -> None:
        self.account = account
        self.actor = sessions.actor_of(sessions.open_session(account=account).session)
        assert self.actor.session_id is not None
        self.session_id = self.actor.session_id
        enrolled = enrol_phone(maximum=maximum, actor=self.actor, now=clock.now())
        self.id, self.key_number, self.secret = enrolled.row.public_id, enrolled.row.key_number, enrolled.secret

    def code(self, at: datetime | None = None) -> str:
        return offline_code(key_number=self.key_number, secret=self.secret, at=at or clock.now())

    def actor_session(self) -> QuerySet[Session]:
        return Session.objects.filter(public_id=self.session_id)
