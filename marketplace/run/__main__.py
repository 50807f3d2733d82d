"""The entry of `make run`."""

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from marketplace.servers import PROJECT_DIR, Embedded, Launcher, Places, ServersUnavailable, claim
from marketplace.servers.processes import wait_until

from .address import Address
from .children import Child, end_with_parent
from .errors import CannotRun
from .programs import programs
from .supervisor import Supervisor

WEB_READY_SECONDS_MAX = 60.0
WEB_PROBE_SECONDS_MAX = 5.0


def main() -> None:
    """
    Run the marketplace until Ctrl-C, SIGTERM or SIGHUP.

    :raises CannotRun: another run has this VAR_DIR or this port, or the preparations failed.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.local")
    obey_signals()
    address = Address.wanted()
    var_dir: Path = settings.VAR_DIR
    with only_run_of(var_dir, address):
        address.ensure_free()
        run(address, var_dir)


def run(address: Address, var_dir: Path) -> None:
    launcher = Launcher(settings.EMBEDDED_SERVERS or Embedded(Places(var_dir), postgres=False, redis=False))
    children_environment = {**environment(), "PROMETHEUS_MULTIPROC_DIR": str(empty_figures(var_dir))}
    children = [Child(p, logs=launcher.places.logs, environment=children_environment) for p in programs(address)]
    supervisor = Supervisor(launcher, children, say)
    try:
        say(f"Starting {names(launcher)}." if launcher.servers else "Using the servers of DATABASE_URL and REDIS_URL.")
        launcher.join()
        say("Migrating and loading the demo world; the first time takes a moment.")
        demo = prepare()
        supervisor.start()
        await_web(address)
        print(welcome(address, var_dir, demo), flush=True)
        supervisor.watch()
    except KeyboardInterrupt:
        say("Stopping.")
    finally:
        stop(supervisor, launcher)


def prepare() -> str:
    """
    Migrate and load the demo world; what the demo has to say.

    :raises CannotRun: it failed; the reason is on the terminal.
    """
    done = subprocess.run(
        [sys.executable, "-m", "marketplace.run.prepare"],
        cwd=PROJECT_DIR,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        start_new_session=True,
        preexec_fn=end_with_parent,
    )
    if done.returncode != 0:
        raise CannotRun("The database could not be prepared, see above.")
    return done.stdout


def await_web(address: Address) -> None:
    if not wait_until(lambda: answers(address), seconds_max=WEB_READY_SECONDS_MAX):
        say("The web does not answer yet; its log says why.")


def answers(address: Address) -> bool:
    """Any answer counts, a refusal too: the web is up."""
    try:
        with urllib.request.urlopen(f"{address.url}/healthz", timeout=WEB_PROBE_SECONDS_MAX):  # noqa: S310 - ours
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def welcome(address: Address, var_dir: Path, demo: str) -> str:
    return f"""
The marketplace runs.

  Start        {address.url}/
  API pages    {address.url}/api/docs/
  Operators    {address.url}/admin/
  Data, logs   {var_dir}

{demo.strip()}

Ctrl-C stops everything; the data stay.
"""


def stop(supervisor: Supervisor, launcher: Launcher) -> None:
    """In order; whoever asks once more does not want to wait for requests and tasks to end."""
    try:
        supervisor.stop()
    except KeyboardInterrupt:
        say("At once, then.")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    supervisor.kill()
    stopped = launcher.leave()
    say("Stopped." if stopped or not launcher.servers else "Stopped; the servers stay for another terminal.")


def names(launcher: Launcher) -> str:
    return " and ".join(server.name for server in launcher.servers)


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONUNBUFFERED": "1"}


def empty_figures(var_dir: Path) -> Path:
    """The directory in which all processes of this run add up their figures for /metrics."""
    figures = var_dir / "figures"
    shutil.rmtree(figures, ignore_errors=True)
    figures.mkdir(mode=0o700)
    return figures


@contextmanager
def only_run_of(var_dir: Path, address: Address) -> Iterator[None]:
    """:raises CannotRun: another run has this VAR_DIR; the message says where it is."""
    path = var_dir / "run.lock"
    try:
        var_dir.mkdir(parents=True, exist_ok=True)
        lock = claim(path)
    except OSError as refusal:
        raise CannotRun(f"VAR_DIR cannot be used: {refusal}.") from refusal
    if lock is None:
        raise CannotRun(f"The marketplace already runs from {var_dir}: {path.read_text()}.")
    with lock:
        lock.truncate(0)
        lock.write(f"process {os.getpid()}, {address.url}".encode())
        lock.flush()
        yield


def obey_signals() -> None:
    """Ctrl-C, `kill` and a closed terminal end the run in order; under `nohup` the terminal does not matter."""
    signal.signal(signal.SIGINT, stop_asked)
    signal.signal(signal.SIGTERM, stop_asked)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, stop_asked)


def stop_asked(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def say(sentence: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {sentence}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except (CannotRun, ServersUnavailable, ImproperlyConfigured) as refusal:
        sys.exit(str(refusal))
    except KeyboardInterrupt:
        sys.exit("Stopped.")
