"""
The engine's lock: batches share it, an activation of rules takes it alone, the frontier looks at it.

The turn: who has it locks ledger accounts and books, one after the other.
"""

from django.db import connection

ENGINE_LOCK = 0x6C6564676572  # "ledger"
TURN_LOCK = 0x7475726E  # "turn"


def share_engine() -> None:
    """
    Hold off activations until this transaction ends; batches do not hinder each other.

    The statements of a batch are short: starting parallel helpers for one costs more than they save.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock_shared(%s), set_config('max_parallel_workers_per_gather', '0', true)",
            [ENGINE_LOCK],
        )


def stop_engine() -> None:
    """Wait for the batches under way, and let none begin until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ENGINE_LOCK])


def take_turn() -> None:
    """
    Wait until nobody else writes, before the first ledger account is locked; until this transaction ends.

    Nearly all batches have accounts in common, and would wait for each other holding what payments wait for.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [TURN_LOCK])
