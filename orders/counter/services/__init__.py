"""What may be done at the counter; one function per use case."""

from orders.counter.services.terminals import (
    create_terminal,
    find_terminal,
    revoke_terminal,
    rotate_terminal_key,
)

__all__ = [
    "create_terminal",
    "find_terminal",
    "revoke_terminal",
    "rotate_terminal_key",
]
