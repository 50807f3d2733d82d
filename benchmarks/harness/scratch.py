"""A database beside the one of VAR_DIR, on the same durable server, dropped at the end."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import django
from django.conf import settings

SETTINGS = "settings.local"
AS_THE_HOUSE = "-c jit=off -c plan_cache_mode=force_generic_plan"  # It connects so (settings.connections).
DROP_TRIES = 30  # a second each


def set_up() -> None:
    """Django as the demo has it: servers of its own under VAR_DIR, which forget nothing."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS)
    django.setup()


@contextmanager
def scratch_database(name: str) -> Iterator[None]:
    """The servers run and an empty, migrated database is connected inside; `KEEP=1` leaves it afterwards."""
    from django.core.management import call_command
    from django.db import connection

    from marketplace.servers import using

    with using(settings.EMBEDDED_SERVERS):
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            cursor.execute(f"CREATE DATABASE {name}")
        connect_to(name)
        call_command("migrate", verbosity=0, interactive=False)
        yield
        connection.close()
        if not os.environ.get("KEEP"):
            _drop(name)


def _drop(name: str) -> None:
    """Autovacuum runs as a superuser, whom our role cannot send away: it is waited for."""
    from django.db import ProgrammingError, connection

    for _ in range(DROP_TRIES):
        with connection._nodb_cursor() as cursor:
            try:
                cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
            except ProgrammingError:
                time.sleep(1)
            else:
                return
    print(f"The database {name} is still being vacuumed; the next run drops it.", file=sys.stderr)


def connect_to(name: str) -> None:
    """Turn this process to another database; filling one takes longer than a request may."""
    from django.db import connection

    connection.close()
    connection.settings_dict["NAME"] = name
    connection.settings_dict["OPTIONS"] = {}
