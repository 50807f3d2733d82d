"""Whatever is wrong at once, the contract says which fault is told first."""

import pytest

from tests.conftest import Api

pytestmark = pytest.mark.urls("tests.core.small_api")


class TestOrder:
    """405; 401; idempotency; 400; 403; 404; 422 of the body; 409; 422 of the state."""

    def test_one_fault_after_the_other(self, buyer, seller, api):
        nobody, wrong_kind, right = api(), api(seller), api(buyer)
        stale = Api(None, token="stale")

        def code(caller: Api, path: str, body: object, key: str | None = None, method: str = "POST") -> tuple[int, str]:
            answer = caller.send(method, path, body, key=key)
            assert answer["Content-Type"] == "application/problem+json"
            assert answer.json()["status"] == answer.status_code
            return answer.status_code, answer.json()["code"]

        anywhere, open_, closed = "/boxes/no/notes", "/boxes/open/notes", "/boxes/closed/notes"
        assert code(nobody, anywhere, "{", method="DELETE") == (405, "method_not_allowed")
        assert code(nobody, anywhere, "{") == (401, "not_authenticated")
        assert code(stale, anywhere, "{") == (401, "not_authenticated")
        assert code(wrong_kind, anywhere, "{") == (400, "idempotency_key_required")
        assert code(wrong_kind, anywhere, "{", "k") == (400, "malformed_body")
        assert code(wrong_kind, anywhere, {}, "k") == (403, "forbidden")
        assert code(right, anywhere, {}, "k") == (404, "not_found")
        assert code(right, closed, {}, "k") == (422, "required")
        assert code(right, closed, {"text": "mismatch"}, "k") == (409, "box_closed")
        assert code(right, open_, {"text": "mismatch"}, "k") == (422, "text_mismatch")
        assert right.post(open_, {"text": "fine"}, key="k").status_code == 201
        assert code(right, open_, "{", "k") == (422, "idempotency_key_reused")

    def test_the_answer_says_which_methods_there_are(self, db, api):
        answer = api().delete("/notes")

        assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")
