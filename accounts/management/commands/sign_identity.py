from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.identity_proofs import sign_proof
from accounts.selectors import get_account
from core.errors import NotFound


class Command(BaseCommand):
    """Print a proof with which an account can bind an external identity, signed as a demo provider does."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("external_id", metavar="EXTERNAL_ID")
        parser.add_argument("--account", required=True, metavar="acc_…", help="To which account it may be bound.")
        parser.add_argument("--provider", default="demo-id", help="A demo provider (%(default)s).")
        parser.add_argument("--minutes", type=int, default=10, help="For how long (%(default)s).")

    def handle(self, *args: Any, **options: Any) -> None:
        provider = options["provider"]
        if provider not in settings.IDENTITY_PROVIDERS_DEMO:
            raise CommandError(f"{provider} is no demo provider: only itself can sign for it.")
        try:
            account = get_account(public_id=options["account"])
        except NotFound as unknown:
            raise CommandError(f"There is no account {options['account']}.") from unknown
        expires_at = timezone.now() + timedelta(minutes=options["minutes"])
        self.stdout.write(
            sign_proof(options["external_id"], provider=provider, account=account.public_id, expires_at=expires_at)
        )
