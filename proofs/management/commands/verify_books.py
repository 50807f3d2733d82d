"""`manage.py verify_books`: re-derive everything that is stored twice; exit code 1 when something disagrees."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from tqdm import tqdm

from proofs.verify import Verdict, not_checked, run_checks

SHOWN_MAX = 50  # Findings of one check; a broken table has as many as rows.


class Command(BaseCommand):
    help = "Check that rows, events and ledger agree; says what it did not check. Exit code 1 when something is found."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--only", default="", metavar="TEXT", help="run only the checks with this in their name")
        parser.add_argument(
            "--findings",
            type=int,
            default=SHOWN_MAX,
            metavar="N",
            help=f"stop each check after N findings (default {SHOWN_MAX}; 0: never)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        verdicts = []
        with tqdm(unit=" keys", leave=False, disable=None, dynamic_ncols=True) as bar:
            for verdict in run_checks(_shown_on(bar), only=options["only"], findings_max=options["findings"] or None):
                bar.clear()
                self._print(verdict)
                verdicts.append(verdict)
        found = sum(len(verdict.findings) for verdict in verdicts)
        self.stdout.write(f"\n{len(verdicts)} checks, {found} findings.")
        self.stdout.write("Not checked:")
        for left_out in not_checked():
            self.stdout.write(f"  - {left_out}")
        if found:
            sys.exit(1)

    def _print(self, verdict: Verdict) -> None:
        count = len(verdict.findings)
        sign = self.style.ERROR("FOUND") if count else self.style.SUCCESS("   ok")
        self.stdout.write(
            f"{sign}  {verdict.check.name}: {count} findings ({verdict.walked:,} keys, {verdict.seconds:.1f} s)"
        )
        for finding in verdict.findings:
            self.stdout.write(f"         {finding.subject}: {finding.detail}")


def _shown_on(bar: tqdm) -> Any:
    def progress(name: str, done: int, total: int) -> None:
        bar.set_description(name, refresh=False)
        bar.total = total
        bar.n = done
        bar.refresh()

    return progress
