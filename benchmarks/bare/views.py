"""One SELECT FOR UPDATE, two INSERTs and one UPDATE in a transaction: no log-in, no model, no check of anything."""

from django.db import connection, transaction
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

TABLES = """
CREATE TABLE IF NOT EXISTS bare_account (id bigint PRIMARY KEY, held_minor bigint NOT NULL);
CREATE TABLE IF NOT EXISTS bare_payment (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account_id bigint NOT NULL, amount_minor bigint NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS bare_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, payment_id bigint NOT NULL, type text NOT NULL
);
"""


class BarePayment(APIView):
    """POST /api/v1/bare-payments"""

    authentication_classes = ()

    def post(self, request: Request) -> Response:
        account, amount = request.data["account"], request.data["amount"]
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT held_minor FROM bare_account WHERE id = %s FOR UPDATE", [account])
            held_minor = cursor.fetchone()[0]
            cursor.execute(
                "INSERT INTO bare_payment (account_id, amount_minor) VALUES (%s, %s) RETURNING id", [account, amount]
            )
            payment = cursor.fetchone()[0]
            cursor.execute("INSERT INTO bare_event (payment_id, type) VALUES (%s, 'paid')", [payment])
            cursor.execute("UPDATE bare_account SET held_minor = held_minor + %s WHERE id = %s", [amount, account])
        return Response({"payment": payment, "account": account, "held": held_minor + amount}, status=201)
