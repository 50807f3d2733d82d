"""A database beside the one of VAR_DIR, on the same durable server, dropped at the end."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import django
from django.conf import settings

SETTINGS = "settings.local"


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
            with connection._nodb_cursor() as cursor:
                cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


def connect_to(name: str) -> None:
    """Turn this process to another database; filling one takes longer than a request may."""
    from django.db import connection

    connection.close()
    connection.settings_dict["NAME"] = name
    connection.settings_dict["OPTIONS"] = {}
