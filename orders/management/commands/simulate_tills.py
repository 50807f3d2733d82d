"""Tills with faults against a running server: do till, customer and server agree on every trade?"""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.identity_proofs import sign_proof
from orders.counter.simulator.running import Day, Report, simulate
from orders.counter.simulator.world import Trust

PROOF_LIFETIME = timedelta(minutes=10)


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", default="http://127.0.0.1:8000", help="where the server is")
        parser.add_argument("--stores", type=int, default=2)
        parser.add_argument("--tills", type=int, default=2, help="in each store")
        parser.add_argument("--trades", type=int, default=50, help="at each till")
        parser.add_argument("--customers", type=int, default=4)
        parser.add_argument("--faults", type=float, default=0.5, help="the share of trades with a fault, 0 to 1")
        parser.add_argument("--seed", type=int, default=1, help="the same seed draws the same faults")
        parser.add_argument(
            "--to-the-end", action="store_true", help="leave some trades to time, and wait until their limit"
        )
        parser.add_argument(
            "--operator", metavar="NAME:PASSWORD", help="who trusts stores for the demo's identities: they pay too"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        day = Day(
            stores=options["stores"],
            tills=options["tills"],
            trades=options["trades"],
            customers=options["customers"],
            fault_rate=options["faults"],
            seed=options["seed"],
            to_the_end=options["to_the_end"],
            trust=trust_of(options["operator"]),
        )
        report = simulate(day, url=options["url"])
        for line in written(report):
            self.stdout.write(line)
        if report.disagreements:
            raise CommandError(f"{len(report.disagreements)} disagreements")


def trust_of(operator: str | None) -> Trust | None:
    """Without an operator no store takes identities; with one, those of the demo's providers."""
    if not operator:
        return None
    name, _, password = operator.partition(":")
    return Trust(settings.IDENTITY_PROVIDERS_DEMO, name, password, sign)


def sign(provider: str, external_id: str, account: str) -> str:
    return sign_proof(external_id, provider=provider, account=account, expires_at=timezone.now() + PROOF_LIFETIME)


def written(report: Report) -> list[str]:
    """Return a report as lines for people."""
    return [
        f"{report.trades} trades in {report.seconds:.1f} s, {report.trades / report.seconds:.1f} per second",
        f"made and paid in one call: median {report.percentile(0.5) * 1000:.0f} ms, "
        f"p99 {report.percentile(0.99) * 1000:.0f} ms",
        *(f"  {number:6} × {name}" for name, number in sorted(report.done.items())),
        *(f"  {number:6} ended {state}" for state, number in sorted(report.states.items())),
        *report.disagreements,
        f"{len(report.disagreements)} disagreements between till, customer and server",
    ]
