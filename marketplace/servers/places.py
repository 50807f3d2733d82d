"""Where everything of one VAR_DIR lives: data, logs, locks and sockets."""

import hashlib
import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .owner import Owner, owner_of

PROJECT_DIR = Path(__file__).resolve().parent.parent.parent
PRIVATE_BASE = Path("/tmp")  # noqa: S108 - short and on every machine; what we make in it is checked and private
POSTGRES_PORT = 5432
SOCKET_PATH_BYTES_MAX = 107
LONGEST_SOCKET_NAME = f".s.PGSQL.{POSTGRES_PORT}"
PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")


@dataclass(frozen=True)
class Places:
    """The files of one VAR_DIR. Two names of one directory give the same places."""

    var_dir: Path

    @classmethod
    def of(cls, var_dir: str | Path) -> "Places":
        """The places under `var_dir`; a relative one counts from the project, wherever the command is started."""
        return cls((PROJECT_DIR / Path(var_dir).expanduser()).resolve())

    @property
    def postgres_data(self) -> Path:
        return self.var_dir / "postgres"

    @property
    def redis_data(self) -> Path:
        return self.var_dir / "redis"

    @property
    def logs(self) -> Path:
        return self.var_dir / "log"

    @property
    def launch_lock(self) -> Path:
        """Held by the one launcher that starts or stops servers just now."""
        return self.var_dir / "launch.lock"

    @property
    def users_lock(self) -> Path:
        """Shared by everybody who uses the servers; whoever leaves last stops them."""
        return self.var_dir / "users.lock"

    @cached_property
    def owner(self) -> Owner:
        return owner_of(self.var_dir, self.postgres_data)

    @cached_property
    def sockets(self) -> Path:
        """
        The private directory of the sockets: in VAR_DIR, or in a place named by a hash of it.

        A socket's path ends at 107 bytes, a comma splits a host in libpq, and root's home is closed to
        the user that root's servers run as: in these cases VAR_DIR cannot hold them.
        """
        inside = self.var_dir / "run"
        fits = len(os.fsencode(inside / LONGEST_SOCKET_NAME)) <= SOCKET_PATH_BYTES_MAX
        if fits and PLAIN_PATH.fullmatch(str(inside)) and self._owner_enters_var_dir():
            return inside
        digest = hashlib.sha256(os.fsencode(self.var_dir)).hexdigest()[:16]
        return PRIVATE_BASE / f"marketplace-{self.owner.uid}-{digest}"

    @property
    def sockets_are_inside(self) -> bool:
        return self.sockets.parent == self.var_dir

    @property
    def redis_socket(self) -> Path:
        return self.sockets / "redis.sock"

    def _owner_enters_var_dir(self) -> bool:
        if not self.owner.is_somebody_else:
            return True
        nearest = next(path for path in (self.var_dir, *self.var_dir.parents) if path.exists())
        return self.owner.can_reach(nearest)
