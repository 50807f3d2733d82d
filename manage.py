#!/usr/bin/env python
"""The project's commands. Those that need servers join the running ones, or start and stop them."""

import os
import signal
import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandParser, execute_from_command_line, handle_default_options

from marketplace.servers import ServersUnavailable, using

WITHOUT_SERVERS = {"help", "version", "check", "collectstatic", "diffsettings", "makemessages", "compilemessages"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.local")
    arguments = sys.argv[1:]
    if not needs_servers(arguments):
        execute_from_command_line(sys.argv)
        return
    signal.signal(signal.SIGTERM, leave)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # `nohup` ignores it.
        signal.signal(signal.SIGHUP, leave)
    choose_settings(arguments)
    with using(settings.EMBEDDED_SERVERS):
        execute_from_command_line(sys.argv)


def needs_servers(arguments: list[str]) -> bool:
    asks_for_help = any(argument in ("-h", "--help", "--version") for argument in arguments)
    return bool(arguments) and not asks_for_help and arguments[0] not in WITHOUT_SERVERS


def choose_settings(arguments: list[str]) -> None:
    """`--settings` and `--pythonpath` count before the first look at the settings, as Django has it."""
    parser = CommandParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--settings")
    parser.add_argument("--pythonpath")
    handle_default_options(parser.parse_known_args(arguments)[0])


def leave(number: int, frame: object) -> None:
    """A command that is told to end leaves the servers in order."""
    sys.exit(128 + number)


if __name__ == "__main__":
    try:
        main()
    except (ServersUnavailable, ImproperlyConfigured) as refusal:
        sys.exit(str(refusal))
