"""Where the web listens: HOST and PORT."""

import errno
import ipaddress
import os
import socket
from dataclasses import dataclass

from marketplace.servers.processes import wait_until

from .errors import CannotRun

HOST_DEFAULT = "127.0.0.1"
PORT_DEFAULT = "8000"
PORT_MAX = 65535
FREE_SECONDS_MAX = 5.0  # a run that was just killed gives its port back within this time


@dataclass(frozen=True)
class Address:
    host: str
    port: int

    @classmethod
    def wanted(cls) -> "Address":
        """
        The address that HOST and PORT name.

        :raises CannotRun: PORT is no port.
        """
        port = os.environ.get("PORT") or PORT_DEFAULT
        if not port.isascii() or not port.isdigit() or not 0 < int(port) <= PORT_MAX:
            raise CannotRun(f"PORT must be a number from 1 to {PORT_MAX}, not {port!r}.")
        return cls(os.environ.get("HOST") or HOST_DEFAULT, int(port))

    @property
    def url(self) -> str:
        """The address for a browser on this machine."""
        host = "localhost" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104 - compared, not bound
        return f"http://{_bracketed(host)}:{self.port}"

    @property
    def bind(self) -> str:
        """The address as gunicorn reads it."""
        return f"{_bracketed(self.host)}:{self.port}"

    def ensure_free(self) -> None:
        """
        :raises CannotRun: something else listens there, or it is no address of this machine.
        """
        if not wait_until(self._is_free, seconds_max=FREE_SECONDS_MAX):
            raise CannotRun(f"{self.bind} is taken: choose another port, for example PORT={self.port + 1} make run.")

    def _is_free(self) -> bool:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError as refusal:
                if refusal.errno == errno.EADDRINUSE:
                    return False
                raise CannotRun(f"The web cannot listen at {self.bind}: {refusal.strerror or refusal}.") from refusal
        return True


def _bracketed(host: str) -> str:
    try:
        return f"[{host}]" if ipaddress.ip_address(host).version == 6 else host
    except ValueError:
        return host  # A name.
