from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import translations


class Command(BaseCommand):
    help = (
        "The catalogues of pages in other languages. `update` brings them up to what our files say and compiles them; "
        "`check` says what is missing, and ends with 1 if anything is."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["update", "check"])

    def handle(self, *, what: str, **options: Any) -> None:
        if what == "update":
            for language in translations.languages():
                translations.save(translations.update(language), language)
        found = [
            f"{language}: {defect}"
            for language in translations.languages()
            for defect in translations.defects(language)
        ]
        for line in found:
            self.stdout.write(line)
        if found and what == "check":
            raise CommandError(f"{len(found)} messages are not as they should be.")
