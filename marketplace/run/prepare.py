"""What has to be done inside running servers before the first request: migrations and the demo world."""

import sys

import django
from django.core.management import call_command, get_commands
from django.db import OperationalError, connection

DEMO_COMMAND = "load_demo"


def main() -> None:
    """Migrate and load the demo world; both do nothing where they are done. What the demo says is printed."""
    django.setup()
    try:
        connection.ensure_connection()
    except OperationalError as refusal:
        sys.exit(f"The database cannot be reached: {str(refusal).strip()}")
    call_command("migrate", interactive=False, verbosity=0)
    if DEMO_COMMAND in get_commands():
        call_command(DEMO_COMMAND)


if __name__ == "__main__":
    main()
