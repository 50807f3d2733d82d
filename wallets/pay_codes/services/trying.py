"""
Trying pay codes, once each.

A try is written whether it pays or not: the caller commits it with its refusal, so that a refused code is
as dead as one that has paid. The same try again (a double scan, a lost answer) gets the same outcome.
"""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection
from django.db.models import OuterRef

from accounts.models import Account
from accounts.references import NAMED_BY
from core.money import Money
from core.prepared import Columns, Prepared
from core.secrecy import decrypt
from wallets.pay_codes.digits import digest_code
from wallets.pay_codes.models import PayCode, PayCodeSecret
from wallets.pay_codes.offline import beginning_of, key_number_of, step_at, step_of
from wallets.pay_codes.selectors import is_in_force
from wallets.pay_codes.services.asking_first import limit_of

_CODE = Columns(PayCode, "c")
_OWNER = Columns(Account, "a", *NAMED_BY, "side", "is_active", "is_staff")
_SCAN = Prepared(
    "scan_pay_code",
    f"""
    SELECT {_CODE}, {_OWNER}, (
        SELECT l.amount_minor FROM wallets_confirmationlimit l
        WHERE l.account_id = c.account_id AND l.currency = %(currency)s)
    FROM wallets_paycode c JOIN accounts_account a ON a.id = c.account_id
    WHERE c.code_digest = %(digest)s FOR NO KEY UPDATE OF c
    """,  # noqa: S608 - names of columns
)
_SPEND = Prepared(
    "spend_pay_code",
    "UPDATE wallets_paycode SET used_at = %(now)s, used_for = %(order)s, refusal = %(refusal)s WHERE id = %(id)s",
)

# Unique are (secret, step) and the digest. Where somebody else is inserting the same, it waits how that ends.
_CLAIM = """
INSERT INTO wallets_paycode (account_id, secret_id, step, code_digest, max_minor, max_currency,
                             made_at, expires_at, used_at, used_for, refusal)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, '') ON CONFLICT DO NOTHING RETURNING id
"""


@dataclass(frozen=True, slots=True)
class ScannedCode:
    """
    A code that a till has scanned, locked. `owner` None: it is nobody's, or dead.

    `outcome`: of an earlier try for the same order, "" where that has paid; None where this is the first.
    `confirms_above_minor`: what its owner lets a till take without asking, in the currency of the amount.
    """

    row: PayCode | None
    owner: Account | None
    confirms_above_minor: int = 0
    outcome: str | None = None

    def allows(self, amount: Money) -> bool:
        """Whether the maximum that its owner gave it is enough."""
        assert self.row is not None
        return self.row.max_minor is None or (
            self.row.max_currency == amount.currency and amount.minor <= self.row.max_minor
        )


DEAD = ScannedCode(None, None)


def scan_pay_code(*, code: str, order: str, currency: str, now: datetime) -> ScannedCode:
    """
    Lock a code for one try at paying an order (public id), until the caller's transaction ends.

    Two scans of one code at once wait for each other; the later one sees how the earlier one ended.
    The first digit says whether a phone has made it.
    """
    key_number = key_number_of(code)
    if key_number is not None:
        tried = _try_for_the_first_time(code, key_number, order, currency, now)
        if tried is not None:
            return tried
    return _scan_known(code, order, currency, now)


def spend_pay_code(*, scanned: ScannedCode, order: str, refusal: str = "", now: datetime) -> None:
    """Write how the try ended: with `refusal` (its code), or paid. The code is dead from now on."""
    assert scanned.row is not None
    if (scanned.row.used_for, scanned.row.refusal) != (order, refusal):  # A phone's is written as paid with its claim.
        _SPEND.run(id=scanned.row.pk, now=now, order=order, refusal=refusal)


def _scan_known(code: str, order: str, currency: str, now: datetime) -> ScannedCode:
    """Scan a code that has a row: one that we have made, or a phone's that was tried before."""
    found = _SCAN.row(digest=digest_code(code), currency=currency)
    if found is None:
        return DEAD
    *values, own_limit = found
    columns = iter(values)
    row, owner = _CODE.take(columns), _OWNER.take(columns)
    if not owner.is_active:
        return DEAD
    confirms_above = own_limit if own_limit is not None else settings.COUNTER_CONFIRM_ABOVE_MINOR
    if row.used_at is not None:
        is_same_try = row.used_for == order
        return ScannedCode(row, owner, confirms_above, row.refusal) if is_same_try else DEAD
    if row.expires_at <= now:
        return DEAD
    return ScannedCode(row, owner, confirms_above)


def _try_for_the_first_time(code: str, key_number: str, order: str, currency: str, now: datetime) -> ScannedCode | None:
    """
    Claim a phone's code for an order; None where it pays nothing (any more): it may have been tried before.

    The secret stays locked: whoever revokes it, or closes the account, waits for the end of this try.
    """
    secrets = PayCodeSecret.objects.select_for_update(no_key=True, of=("self",)).select_related("account", "session")
    limit = limit_of(OuterRef("account"), currency)
    secret = secrets.annotate(confirms_above=limit).filter(key_number=key_number).first()
    if secret is None or not secret.account.is_active or not is_in_force(secret):
        return None
    step = step_of(code, secret=decrypt(secret.secret), steps=_steps_in_force(now))
    if step is None or _is_overtaken(secret, step, now):
        return None
    row = _claim(secret, step, code, order, now)
    return ScannedCode(row, secret.account, secret.confirms_above) if row is not None else None


def _steps_in_force(now: datetime) -> range:
    """Return the periods whose codes are taken now: the phone's clock may be ahead of ours, or behind."""
    skew = settings.OFFLINE_PAY_CODE_SKEW
    return range(step_at(now - skew), step_at(now + skew) + 1)


def _is_overtaken(secret: PayCodeSecret, step: int, now: datetime) -> bool:
    """Where only the newest code is to be valid: whether we know of a later one; if not, what is older ends."""
    if settings.PAY_CODES_SEVERAL_VALID:
        return False
    codes, made_at = PayCode.objects.filter(account=secret.account_id), beginning_of(step)
    if codes.filter(made_at__gt=made_at).exists():
        return True
    codes.filter(used_at=None).update(used_at=now)
    return False


def _claim(secret: PayCodeSecret, step: int, code: str, order: str, now: datetime) -> PayCode | None:
    """Write a try of a phone's code, as one that pays; None where the code, or its period, was tried before."""
    row = PayCode(
        account_id=secret.account_id,
        secret=secret,
        step=step,
        code_digest=digest_code(code),
        max_minor=secret.max_minor,
        max_currency=secret.max_currency,
        made_at=beginning_of(step),
        expires_at=beginning_of(step + 1) + settings.OFFLINE_PAY_CODE_SKEW,
        used_at=now,
        used_for=order,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM,
            [
                row.account_id,
                secret.pk,
                row.step,
                row.code_digest,
                row.max_minor,
                row.max_currency,
                row.made_at,
                row.expires_at,
                row.used_at,
                row.used_for,
            ],
        )
        inserted = cursor.fetchone()
    if inserted is None:
        return None
    row.pk = inserted[0]
    return row
