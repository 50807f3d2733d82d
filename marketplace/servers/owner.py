"""As whom the servers run: PostgreSQL refuses to run as root, so root hands them to somebody without rights."""

import os
import pwd
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from .errors import ServersUnavailable

ROOT = 0
UNPRIVILEGED = "nobody"
READ, EXECUTE = 0o4, 0o1
ANYBODY_EXECUTES = 0o111


class RunAs(TypedDict, total=False):
    """What `subprocess` needs to run a program as somebody else."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Owner:
    """The user whose processes and files the servers are."""

    uid: int
    gid: int

    @property
    def is_somebody_else(self) -> bool:
        return self.uid != os.geteuid()

    def run_as(self) -> RunAs:
        if not self.is_somebody_else:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def make_private(self, directory: Path) -> None:
        """
        Make `directory` if it is not there; afterwards it is this owner's and nobody else enters it.

        :raises ServersUnavailable: it cannot be made, or it is a link or somebody else's: in a shared folder, a trap.
        """
        try:
            self._make_private(directory)
        except OSError as refusal:
            raise ServersUnavailable(f"{directory} cannot be prepared: {refusal.strerror}.") from refusal

    def _make_private(self, directory: Path) -> None:
        with suppress(FileExistsError):
            directory.mkdir(mode=0o700)
        found = directory.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (self.uid, os.geteuid()):
            raise ServersUnavailable(f"{directory} is not a directory of ours; remove it and start again.")
        if found.st_uid != self.uid:
            os.chown(directory, self.uid, self.gid)
        directory.chmod(0o700)

    def can_reach(self, path: Path) -> bool:
        """Whether this owner may enter every directory on the way to `path`, and read, enter or run what is there."""
        runnable = path.stat().st_mode & ANYBODY_EXECUTES
        on_the_way = all(self._may(parent, EXECUTE) for parent in path.parents)
        return on_the_way and self._may(path, READ | EXECUTE if runnable else READ)

    def _may(self, path: Path, wanted: int) -> bool:
        found = path.stat()
        shift = 6 if found.st_uid == self.uid else 3 if found.st_gid == self.gid else 0
        return (found.st_mode >> shift) & wanted == wanted


def owner_of(var_dir: Path, data: Path) -> Owner:
    """
    Who runs the servers of `var_dir`: the caller, or for root the user whose data it is, else `nobody`.

    :raises ServersUnavailable: the data are somebody else's, or there is no user to hand the servers to.
    """
    return _delegate(var_dir, data) if os.geteuid() == ROOT else _caller(data)


def _delegate(var_dir: Path, data: Path) -> Owner:
    for directory in (data, var_dir):
        if directory.exists() and directory.stat().st_uid != ROOT and _is_known(directory.stat().st_uid):
            return Owner(directory.stat().st_uid, pwd.getpwuid(directory.stat().st_uid).pw_gid)
    try:
        unprivileged = pwd.getpwnam(UNPRIVILEGED)
    except KeyError:
        raise ServersUnavailable(
            f"PostgreSQL does not run as root and there is no user `{UNPRIVILEGED}`: start this as an ordinary user."
        ) from None
    return Owner(unprivileged.pw_uid, unprivileged.pw_gid)


def _caller(data: Path) -> Owner:
    try:
        is_ours = not data.exists() or data.stat().st_uid == os.geteuid()
    except PermissionError:
        is_ours = False
    if not is_ours:
        raise ServersUnavailable(f"{data} belongs to another user: start this as that user or choose another VAR_DIR.")
    return Owner(os.geteuid(), os.getegid())


def _is_known(uid: int) -> bool:
    """Whether the user has a name here: `initdb` asks for it."""
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True
