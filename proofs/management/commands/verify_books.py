"""
`manage.py verify_books`: re-derive everything that is stored twice, and look for what was changed since it was sealed.

Exit codes: 0 nothing is wrong; 1 something was found; 2 it was called wrongly, or could not finish.
"""

import sys
from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone
from tqdm import tqdm

from core.models import BookVerdict
from core.verdicts import keep_verdict
from proofs.verify import Verdict, not_checked, run_checks

LIMITS_LENGTH_MAX = BookVerdict._meta.get_field("limited_to").max_length
SHOWN_MAX = 50  # Findings of one check; a broken table has as many as rows.


class Command(BaseCommand):
    help = (
        "Check that rows, events, rules, ledger and seals agree; says what it did not check."
        " Exit codes: 0 nothing is wrong, 1 something was found, 2 it could not run to its end."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--only", default="", metavar="TEXT", help="run only the checks with this in their name")
        parser.add_argument(
            "--findings",
            type=int,
            default=SHOWN_MAX,
            metavar="N",
            help=f"stop each check after N findings (default {SHOWN_MAX}; 0: never)",
        )

        parser.add_argument(
            "--since",
            type=_moment,
            metavar="TIME",
            help="only what was booked from then on, for example 2026-05-01T00:00Z",
        )
        parser.add_argument(
            "--head",
            action="append",
            default=[],
            metavar="HASH",
            help="a head that `seal_head` has printed and somebody has kept; may be given several times",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        began_at = timezone.now()
        try:
            verdicts = self._run(options)
            self._keep(verdicts, began_at, options)
        except DatabaseError as error:
            raise CommandError(f"Not finished: {error}", returncode=2) from error
        found = sum(len(verdict.findings) for verdict in verdicts)
        self.stdout.write(f"\n{len(verdicts)} checks, {found} findings.")
        self.stdout.write("Not checked:")
        for left_out in not_checked(since=options["since"], heads=options["head"]):
            self.stdout.write(f"  - {left_out}")
        if found:
            sys.exit(1)

    def _run(self, options: dict[str, Any]) -> list[Verdict]:
        verdicts = []
        asked = {"only": options["only"], "since": options["since"], "heads": options["head"]}
        with tqdm(unit=" keys", leave=False, disable=None, dynamic_ncols=True) as bar:
            for verdict in run_checks(_shown_on(bar), findings_max=options["findings"] or None, **asked):
                bar.clear()
                self._print(verdict)
                verdicts.append(verdict)
        return verdicts

    def _keep(self, verdicts: list[Verdict], began_at: datetime, options: dict[str, Any]) -> None:
        """Operators see on their first page when the books were looked at last, and what was found."""
        limits = [f"--{name} {options[name]}" for name in ("only", "since") if options[name]]
        keep_verdict(
            began_at=began_at,
            ended_at=timezone.now(),
            checks_count=len(verdicts),
            rows_count=sum(verdict.walked for verdict in verdicts),
            findings=[finding for verdict in verdicts for finding in verdict.findings],
            limited_to=", ".join(limits)[:LIMITS_LENGTH_MAX],
        )

    def _print(self, verdict: Verdict) -> None:
        count = len(verdict.findings)
        sign = self.style.ERROR("FOUND") if count else self.style.SUCCESS("   ok")
        self.stdout.write(
            f"{sign}  {verdict.check.name}: {count} findings ({verdict.walked:,} keys, {verdict.seconds:.1f} s)"
        )
        for finding in verdict.findings:
            self.stdout.write(f"         {finding.subject}: {finding.detail}")


def _moment(text: str) -> datetime:
    """A time with its zone; a day alone begins at midnight UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text} is not a time.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _shown_on(bar: tqdm) -> Any:
    def progress(name: str, done: int, total: int) -> None:
        bar.set_description(name, refresh=False)
        bar.total = total
        bar.n = done
        bar.refresh()

    return progress
