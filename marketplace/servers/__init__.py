"""
PostgreSQL and Redis without installing anything: our launcher for the servers that come as wheels.

`Embedded` says which servers a VAR_DIR needs, `using(embedded)` has them running inside a block.
Nothing here imports Django: settings ask this package where the sockets are.
"""

from .errors import ServersUnavailable
from .launcher import Embedded, Launcher, claim, using
from .places import POSTGRES_PORT, PROJECT_DIR, Places
from .postgres import DATABASE, ROLE

__all__ = [
    "DATABASE",
    "POSTGRES_PORT",
    "PROJECT_DIR",
    "ROLE",
    "Embedded",
    "Launcher",
    "Places",
    "ServersUnavailable",
    "claim",
    "using",
]
