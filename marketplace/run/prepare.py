"""What has to be done inside running servers before the first request: migrations and the demo world."""

import sys
from io import StringIO

import django
from django.apps import apps
from django.core.management import call_command, get_commands
from django.db import OperationalError, connection

DEMO_COMMAND = "load_demo"


def main() -> None:
    """Migrate, load the demo world and verify the books: each once. What the demo says is printed."""
    django.setup()
    try:
        connection.ensure_connection()
    except OperationalError as refusal:
        sys.exit(f"The database cannot be reached: {str(refusal).strip()}")
    call_command("migrate", interactive=False, verbosity=0)
    if DEMO_COMMAND in get_commands():
        call_command(DEMO_COMMAND)
    if not apps.get_model(
        "core", "BookVerdict"
    ).objects.exists():  # The cockpit says from the first minute how the books stand.
        call_command("verify_books", stdout=StringIO())


if __name__ == "__main__":
    main()
