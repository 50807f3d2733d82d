"""What customers do with pay codes, and tills; one function per use case."""

from wallets.pay_codes.services.asking_first import confirms_above, set_confirmation_limit
from wallets.pay_codes.services.making import make_pay_code
from wallets.pay_codes.services.phones import PhoneSecret, enrol_phone, revoke_phone_secret
from wallets.pay_codes.services.purging import end_pay_codes, erase_phone_secrets, purge_pay_codes
from wallets.pay_codes.services.trying import DEAD, ScannedCode, scan_pay_code, spend_pay_code

__all__ = [
    "DEAD",
    "PhoneSecret",
    "ScannedCode",
    "confirms_above",
    "end_pay_codes",
    "enrol_phone",
    "erase_phone_secrets",
    "make_pay_code",
    "purge_pay_codes",
    "revoke_phone_secret",
    "scan_pay_code",
    "set_confirmation_limit",
    "spend_pay_code",
]
