"""Public ids are opaque, sort by creation, and can be read back where they encode a key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ids import PUBLIC_ID_PATTERN, decode_key, encode_key, new_public_id

KEYS = st.integers(0, 2**63 - 1)


class TestEncodedKeys:
    """evt_, jrn_, trf_, bat_"""

    @given(KEYS)
    def test_a_key_is_read_back(self, key):
        assert decode_key("evt", encode_key("evt", key)) == key

    @given(KEYS, KEYS)
    def test_ids_sort_as_their_keys_do(self, one, other):
        assert (encode_key("evt", one) < encode_key("evt", other)) == (one < other)

    @given(KEYS)
    def test_an_id_of_another_kind_is_no_id(self, key):
        assert decode_key("jrn", encode_key("evt", key)) is None

    @given(st.text(max_size=40))
    def test_any_text_is_a_key_or_nothing(self, text):
        key = decode_key("evt", f"evt_{text}")

        assert key is None or encode_key("evt", key) == f"evt_{text}"

    @pytest.mark.parametrize(
        "text", ["", "evt", "evt_", "evt_ZZZZZZZZZZZZZ", "evt_000000000000u", "evt_00000000000001"]
    )
    def test_nonsense_and_what_is_too_large_is_no_key(self, text):
        assert decode_key("evt", text) is None


class TestNewIds:
    """ord_01J…"""

    def test_ids_sort_by_creation(self):
        ids = [new_public_id("ord") for _ in range(3)]

        assert all(PUBLIC_ID_PATTERN.match(id_) for id_ in ids)
        assert sorted(id_[:14] for id_ in ids) == [id_[:14] for id_ in ids]  # The first ten characters are the time.
        assert len(set(ids)) == 3
