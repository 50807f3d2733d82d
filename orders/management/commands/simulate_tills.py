"""Tills with faults against a running server: do till, customer and server agree on every trade?"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from orders.counter.simulator.running import Report, simulate


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

    def handle(self, *args: Any, **options: Any) -> None:
        report = simulate(
            url=options["url"],
            stores=options["stores"],
            tills=options["tills"],
            trades=options["trades"],
            customers=options["customers"],
            fault_rate=options["faults"],
            seed=options["seed"],
        )
        for line in written(report):
            self.stdout.write(line)
        if report.disagreements:
            raise CommandError(f"{len(report.disagreements)} disagreements")


def written(report: Report) -> list[str]:
    """Return a report as lines for people."""
    return [
        f"{report.trades} trades in {report.seconds:.1f} s, {report.trades / report.seconds:.1f} per second",
        f"made and paid in one call: median {report.percentile(0.5) * 1000:.0f} ms, "
        f"p99 {report.percentile(0.99) * 1000:.0f} ms",
        *(f"  {number:6} × {name}" for name, number in sorted(report.faults.items())),
        *(f"  {number:6} ended {state}" for state, number in sorted(report.states.items())),
        *report.disagreements,
        f"{len(report.disagreements)} disagreements between till, customer and server",
    ]
