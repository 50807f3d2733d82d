"""
How long an event from outside takes from the request that sends it to the book.

`python -m benchmarks.intake` runs a web and a money worker of their own (the programs of `make run`, on servers
under VAR_DIR/bench-intake) and sends events over HTTP at a steady rate, each at its appointed time whether the
one before is answered or not: `RATE=60` a second for `SECONDS=20`, then a few a second. The time until an event
is booked runs from when it was to be sent to its batch's `booked_at`.
"""

import json
import os
import queue
import shutil
import sys
import threading
import time
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

RATE, LOW_RATE = float(os.environ.get("RATE", "60")), 4.0
SECONDS = float(os.environ.get("SECONDS", "20"))
SENDERS = 16
OWNERS = 200
PORT = 8765
BOOKED_SECONDS_MAX = 60
LOW_LOAD_OVER_PERIOD_MS_MAX = 200
PROGRAMS = ("web", "worker money")

var_dir = Path(os.environ.get("VAR_DIR") or "var").resolve() / "bench-intake"
os.environ["VAR_DIR"] = str(var_dir)

from benchmarks.harness.report import Report, median, percentile  # noqa: E402 - the settings read VAR_DIR
from benchmarks.harness.scratch import set_up  # noqa: E402
from benchmarks.harness.web import running  # noqa: E402


@dataclass(frozen=True)
class Sent:
    """One event: when it was to be sent and when it was answered, by the machine's clock."""

    key: str
    due_at: float
    answered_at: float
    status: int


def main() -> int:
    set_up()
    from django.conf import settings
    from django.core.management import call_command

    from marketplace.servers import using

    with using(settings.EMBEDDED_SERVERS):
        call_command("migrate", verbosity=0, interactive=False)
        key = prepare()
        with running(PORT, only=PROGRAMS):
            send("warm-up", key, LOW_RATE, 3)
            steady = send("steady", key, RATE, SECONDS)
            low = send("low", key, LOW_RATE, SECONDS)
        code = report(steady, low, settings.BATCH_PERIOD_MS).finish()
    shutil.rmtree(var_dir)
    return code


def prepare() -> str:
    """Declare what is sent, and make who is named and the key of the sender; return the key."""
    from accounts.models import Account
    from benchmarks.harness import sales
    from billing.models import ServiceKey
    from billing.services.service_keys import digest_of

    sales.declare()
    sales.put_in_force()
    Account.objects.bulk_create(
        Account(public_id=owner(number), username=f"owner-{number}", kind="personal", side="seller",
                referral_code=f"{number:010d}")
        for number in range(1, OWNERS + 1)
    )  # fmt: skip
    ServiceKey.objects.create(
        name="benchmark",
        key_digest=digest_of("svc_benchmark"),
        types=[sales.MADE],
        created_by=Account.objects.get(public_id=owner(1)),
    )
    return "svc_benchmark"


def owner(number: int) -> str:
    return f"acc_{number:026d}"


def send(name: str, key: str, rate: float, seconds: float) -> list[Sent]:
    """Send at a steady rate, and wait until all is booked."""
    due: queue.Queue[tuple[str, float] | None] = queue.Queue()
    sent: list[Sent] = []
    senders = [threading.Thread(target=_sender, args=(due, sent, key), daemon=True) for _ in range(SENDERS)]
    for sender in senders:
        sender.start()
    begins = time.time() + 0.2
    for number in range(int(rate * seconds)):
        due_at = begins + number / rate
        time.sleep(max(0.0, due_at - time.time()))
        due.put((f"{name}-{number}", due_at))
    for _ in senders:
        due.put(None)
    for sender in senders:
        sender.join()
    _wait_until_booked()
    return sent


def _sender(due: "queue.Queue[tuple[str, float] | None]", sent: list[Sent], key: str) -> None:
    connection = HTTPConnection("127.0.0.1", PORT, timeout=30)
    while (appointment := due.get()) is not None:
        name, due_at = appointment
        headers = {"Authorization": f"Service {key}", "Idempotency-Key": name, "Content-Type": "application/json"}
        body = _event(name)
        try:
            status = _post(connection, body, headers)
        except (OSError, HTTPException):  # The web has closed a connection that was idle; the key makes it one event.
            connection.close()
            status = _post(connection, body, headers)
        sent.append(Sent(name, due_at, time.time(), status))


def _post(connection: HTTPConnection, body: str, headers: dict[str, str]) -> int:
    connection.request("POST", "/api/v1/billing/events", body=body, headers=headers)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def _event(name: str) -> str:
    from benchmarks.harness.sales import MADE

    number = abs(hash(name))
    people = {
        who: owner(1 + (number >> 8 * place) % OWNERS)
        for place, who in enumerate(("customer", "seller", "agent", "sharer"))
    }
    return json.dumps(
        {
            "type": MADE,
            "key": name,
            "parameters": {"institution": "ACME", "channel": "online"},
            "parties": people,
            "amounts": {"gross": 5000, "fee": 250, "commission": 100},
            "currency": "GBP",
            "occurred_at": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime())}Z",
        }
    )


def _wait_until_booked() -> None:
    from events.models import Delivery

    ends = time.monotonic() + BOOKED_SECONDS_MAX
    while Delivery.objects.filter(parked_at=None).exists():
        if time.monotonic() > ends:
            raise RuntimeError("The worker leaves events behind.")
        time.sleep(0.1)


def report(steady: list[Sent], low: list[Sent], period_ms: int) -> Report:
    about = (
        f"`POST /billing/events` over HTTP to gunicorn, {RATE:.0f} a second for {SECONDS:.0f} s, then {LOW_RATE:.0f} a "
        f"second; one money worker, shipped settings (a batch every {period_ms} ms). The senders run on the same cores."
    )
    found = Report("intake", about)
    refused = [one for one in steady + low if one.status != 202]
    found.at_most("answers other than 202", len(refused), 0, "{:.0f}")
    for name, sent in (("steady load", steady), ("low load", low)):
        answered = [(one.answered_at - one.due_at) * 1000 for one in sent]
        booked = [(at - one.due_at) * 1000 for one, at in zip(sent, _booked_at(sent), strict=True)]
        waited = _lags_ms(sent)
        for what, values in (("answered after", answered), ("booked after", booked), ("recorded to booked", waited)):
            found.add(f"{name}: {what}, p50", f"{median(values):.0f} ms")
            if (name, what) == ("low load", "recorded to booked"):
                limit_ms = period_ms + LOW_LOAD_OVER_PERIOD_MS_MAX
                found.at_most(f"{name}: {what}, p99", percentile(values, 99), limit_ms, "{:.0f} ms")
            else:
                found.add(f"{name}: {what}, p99", f"{percentile(values, 99):.0f} ms")
    return found


_BOOKED = """
SELECT x.key, EXTRACT(epoch FROM b.booked_at)::float8, EXTRACT(epoch FROM b.booked_at - e.recorded_at)::float8 * 1000
FROM billing_externalevent x JOIN events_eventrecord e ON e.id = x.event_id
JOIN ledger_journal j ON j.event_id = e.id JOIN ledger_batch b ON b.id = j.batch_id WHERE x.key = ANY(%s)
"""


def _booked(sent: list[Sent]) -> dict[str, tuple[float, float]]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(_BOOKED, [[one.key for one in sent]])
        return {key: (at, lag_ms) for key, at, lag_ms in cursor.fetchall()}


def _booked_at(sent: list[Sent]) -> list[float]:
    booked = _booked(sent)
    return [booked[one.key][0] for one in sent]


def _lags_ms(sent: list[Sent]) -> list[float]:
    return [lag_ms for _at, lag_ms in _booked(sent).values()]


if __name__ == "__main__":
    sys.exit(main())
