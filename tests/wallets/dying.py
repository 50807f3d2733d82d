"""One request of the API in a process of its own, which dies on the way if the environment says so."""

import os
import sys

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.test import Client  # noqa: E402

from tests.wallets import doubles  # noqa: E402
from wallets.services import top_ups, withdrawals  # noqa: E402


def main(path: str, body: str, key: str, token: str) -> None:
    settings.PAYMENT_PROVIDERS["double"] = doubles.PATH
    settings.PAYOUT_PROVIDER = "double"
    if os.environ.get(doubles.DIES_AT) == "in_outcome":
        for service in (top_ups, withdrawals):
            service.write_outcome = die_after(service.write_outcome)
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
    response = Client().generic("POST", f"/api/v1{path}", body, content_type="application/json", headers=headers)
    sys.stdout.write(response.content.decode())
    sys.exit(0 if response.status_code == 201 else 1)


def die_after(write_outcome):
    def write_and_die(*arguments):
        write_outcome(*arguments)
        doubles.die_if_at("in_outcome")

    return write_and_die


main(*sys.argv[1:])
