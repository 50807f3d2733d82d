"""`manage.py seal_head`: the newest seal, for somebody outside to keep."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.ids import encode_key
from ledger.seals import head_seal


class Command(BaseCommand):
    help = (
        "Print the head of the chain of seals: its hash, number, batch and time. Keep it where this house cannot"
        " change it: `verify_books --head HASH` finds a past that was rewritten."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        head = head_seal()
        if head is None:
            raise CommandError("Nothing is sealed yet.", returncode=2)
        batch = encode_key("bat", head.batch_id)
        self.stdout.write(f"{head.hash} {head.number} {batch} {head.booked_at.isoformat()}")
