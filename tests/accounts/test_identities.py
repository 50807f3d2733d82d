"""External identities: bound by what their provider has signed, to one account at a time."""

import base64
import json
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.identity_proofs import sign_proof
from accounts.models import Account, ExternalIdentity
from tests.accounts.test_linking import link

DEMO = "demo-id"


def proof_for(account: Account, external_id: str = "anna-77", **claims: Any) -> str:
    expires_at = claims.pop("expires_at", timezone.now() + timedelta(minutes=5))
    return sign_proof(external_id, provider=DEMO, account=account.public_id, expires_at=expires_at)


def bind(caller: Any, proof: str, external_id: str = "anna-77", provider: str = DEMO) -> Any:
    return caller.post("/identities", {"provider": provider, "external_id": external_id, "proof": proof})


def forged(account: Account, **header: str) -> str:
    claims = {"iss": DEMO, "sub": "anna-77", "aud": account.public_id, "exp": timezone.now() + timedelta(minutes=5)}
    return jwt.encode(claims, Ed25519PrivateKey.generate(), algorithm="EdDSA", headers=header)


def unsigned(account: Account) -> str:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    claims = {"iss": DEMO, "sub": "anna-77", "aud": account.public_id, "exp": 4102444800}
    return f"{part({'alg': 'none'})}.{part(claims)}."


class TestBinding:
    """POST /identities"""

    def test_what_the_provider_signed_is_bound(self, buyer, api):
        answer = bind(api(buyer), proof_for(buyer))

        assert answer.status_code == 201
        assert answer.json()["id"].startswith("idn_")
        (listed,) = api(buyer).get("/identities").json()["results"]
        assert (listed["provider"], listed["external_id"]) == (DEMO, "anna-77")

    def test_again_is_the_same(self, buyer, api):
        first, second = bind(api(buyer), proof_for(buyer)), bind(api(buyer), proof_for(buyer))

        assert first.json() == second.json()
        assert ExternalIdentity.objects.count() == 1

    def test_another_account_cannot_have_it_too(self, buyer, new_account, api):
        bind(api(buyer), proof_for(buyer))
        other = new_account()

        answer = bind(api(other), proof_for(other))

        assert (answer.status_code, answer.json()["code"]) == (409, "identity_bound_elsewhere")

    def test_what_is_unbound_is_free(self, buyer, new_account, api):
        path = f"/identities/{bind(api(buyer), proof_for(buyer)).json()['id']}"
        other = new_account()

        assert api(other).delete(path).status_code == 404
        assert api(buyer).delete(path).status_code == 204
        assert api(buyer).delete(path).status_code == 204
        assert api(buyer).get("/identities").json()["results"] == []
        assert bind(api(other), proof_for(other)).status_code == 201

    @pytest.mark.parametrize(
        "make",
        [
            lambda a, b: proof_for(b),  # for somebody else
            lambda a, b: proof_for(a, "ben-78"),  # of another identity
            lambda a, b: proof_for(a, expires_at=timezone.now() - timedelta(seconds=1)),
            lambda a, b: forged(a),
            lambda a, b: forged(a, kid="../../dev/null"),
            lambda a, b: unsigned(a),
            lambda a, b: proof_for(a)[:-6] + "AAAAAA",
            lambda a, b: "x",
            lambda a, b: "a.b.c",
            lambda a, b: "é.é.é",
        ],
    )
    def test_anything_else_is_refused(self, buyer, new_account, api, make):
        answer = bind(api(buyer), make(buyer, new_account()))

        assert (answer.status_code, answer.json()["code"]) == (422, "identity_proof_invalid")
        assert not ExternalIdentity.objects.exists()

    def test_an_unknown_provider_is_refused(self, buyer, api):
        answer = bind(api(buyer), proof_for(buyer), provider="nobody")

        assert (answer.status_code, answer.json()["code"]) == (422, "identity_proof_invalid")

    def test_never_through_a_link(self, buyer, seller, api):
        link(seller, buyer)
        caller, headers = api(seller), {"acting_account": buyer.public_id}
        body = {"provider": DEMO, "external_id": "anna-77", "proof": proof_for(buyer)}

        for answer in (
            caller.post("/identities", body, **headers),
            caller.get("/identities", **headers),
            caller.delete("/identities/idn_x", **headers),
        ):
            assert (answer.status_code, answer.json()["code"]) == (403, "own_login_required")

    def test_two_accounts_at_the_same_moment_bind_it_once(self, committed_db, new_account, api, race):
        callers = [(api(account), proof_for(account)) for account in (new_account(), new_account())]

        answers = race(*(lambda c=caller, p=proof: bind(c, p) for caller, proof in callers))

        assert sorted(answer.status_code for answer in answers) == [201, 409]


class TestSigning:
    """manage.py sign_identity"""

    def test_prints_a_proof(self, buyer, api, capsys):
        call_command("sign_identity", "anna-77", "--account", buyer.public_id)

        assert bind(api(buyer), capsys.readouterr().out.strip()).status_code == 201

    def test_only_for_demo_providers_and_accounts_there_are(self, buyer):
        with pytest.raises(CommandError, match="no demo provider"):
            call_command("sign_identity", "x", "--account", buyer.public_id, "--provider", "bank")
        with pytest.raises(CommandError, match="no account"):
            call_command("sign_identity", "x", "--account", "acc_x")
