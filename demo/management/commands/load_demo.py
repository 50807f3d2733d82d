"""`manage.py load_demo`: the demo world that `make run` serves, and who can log in to it."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from core import clock
from core.locks import only_one
from demo.loading import load_world
from demo.world import AGENCIES, AGENTS, BONDS, BUYERS, OPERATORS, SECOND_FACTORS, SELLERS, SHARINGS
from sharing.models import Share
from sharing.shares import share_url

OTHER_SECONDS_MAX = 120.0


class Command(BaseCommand):
    help = "Make the demo world, if it is not there yet, and print its log-ins. Only in settings with a DEMO_PASSWORD."

    def handle(self, *args: Any, **options: Any) -> None:
        if not getattr(settings, "DEMO_PASSWORD", ""):
            raise CommandError("These settings have no demo world: everybody would know its password.")
        with only_one("demo", wait_seconds_max=OTHER_SECONDS_MAX) as alone, clock.read_once():
            if not alone:
                raise CommandError("Somebody else has been loading the demo world for too long.")
            load_world(now=clock.now())
        for line in log_ins():
            self.stdout.write(line)


def log_ins() -> Iterator[str]:
    """Yield the log-ins, line by line."""
    yield f"Log-ins; the password of all of them is {settings.DEMO_PASSWORD}"
    yield ""
    for operator in OPERATORS:
        yield _row(operator.username, "operator", operator.name)
    for person in (*SELLERS, *BUYERS, *AGENTS):
        yield _row(person.username, f"{person.kind} {person.side}", person.name)
    yield ""
    for bond in BONDS:
        yield f"  {bond.invitee} is linked with {bond.inviter}."
    for agency in AGENCIES:
        yield f"  {agency.username} is the agent of {agency.area}."
    for sharing in SHARINGS:
        made = Share.objects.filter(item__title=sharing.title, sharer__username=sharing.sharer).order_by("pk")
        for share in made[:1]:  # A world that was loaded before there was this share goes on without it.
            yield f"  {sharing.sharer} shares {sharing.title}: {share_url(share.pk)}"
    for username, secret in SECOND_FACTORS.items():
        yield f"  {username} has a second factor; the secret for an authenticator app is {secret}."


def _row(username: str, role: str, name: str) -> str:
    return f"  {username:<18}{role:<20}{name}"
