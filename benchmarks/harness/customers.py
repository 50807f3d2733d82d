"""Many people at once: accounts as registration makes them, without a password."""

from datetime import datetime

_CUSTOMERS = """
INSERT INTO accounts_account (password, is_superuser, public_id, username, email, name, kind, side, referral_code,
                              step_up, is_staff, is_active, created_at)
SELECT '', false, 'acc_' || lpad(n::text, 26, '0'), 'customer-' || n, '', '', 'personal', 'buyer',
       lpad(n::text, 10, '0'), false, false, true, %(now)s
FROM generate_series(1, %(customers)s) AS n
"""


def add_customers(customers: int, now: datetime) -> None:
    """Their user names are `customer-1` and so on."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(_CUSTOMERS, {"customers": customers, "now": now})
