"""The house's own programs, and its web asked by several clients at once."""

import subprocess
import threading
import time
from collections.abc import Callable, Container, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import TypeVar

from benchmarks.harness.report import median, percentile

START_SECONDS_MAX = 240

Connection = TypeVar("Connection")


@contextmanager
def running(port: int, only: Container[str] | None = None) -> Iterator[None]:
    """What `make run` runs, or `only` these programs of it, with the web on a port of its own, until the block ends."""
    from marketplace.run.address import Address
    from marketplace.run.programs import programs

    started = [
        subprocess.Popen(program.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for program in programs(Address("127.0.0.1", port))
        if only is None or program.name in only
    ]
    try:
        wait_for_web(port)
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(START_SECONDS_MAX)


def wait_for_web(port: int) -> None:
    ends = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < ends:
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise RuntimeError("The web does not start.")


class Measured:
    """What one round found of one kind of request."""

    def __init__(self, seconds: float, each: Sequence[float]) -> None:
        self.per_second, self.each_ms = len(each) / seconds, [second * 1000 for second in each]
        self.p50_ms, self.p99_ms = median(self.each_ms), percentile(self.each_ms, 99)


def send(
    request: Callable[[Connection, int], None], count: int, *, clients: int, connect: Callable[[], Connection]
) -> Measured:
    """Send so many by several clients, each over one connection, as fast as they are answered."""
    numbers, seconds = iter(range(count)), []
    lock = threading.Lock()

    def work() -> None:
        connection = connect()
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            began = time.perf_counter()
            request(connection, number)
            seconds.append(time.perf_counter() - began)

    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        for done in [pool.submit(work) for _ in range(clients)]:
            done.result()
    return Measured(time.perf_counter() - began, seconds)
