"""A share's code names its share, whoever types it, and nobody makes one."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sharing.codes import SHARE_CODE_LENGTH_MAX, share_code, share_id_of

KEYS = st.integers(1, 2**63 - 1)
TYPED = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SAME = str.maketrans("OIL", "011")


class TestShareCode:
    """The key and a signature over it, forgiving in how it is written and in nothing else."""

    @given(KEYS, st.randoms(use_true_random=False))
    def test_any_share_is_found_by_its_code_however_that_is_written(self, share: int, random: Any) -> None:
        code = share_code(share)
        typed = "".join(random.choice([character, character.lower()]) for character in code)
        for plain, like in ("0o", "0O", "1i", "1L", "1l"):
            typed = typed.replace(plain, like) if random.random() < 0.5 else typed
        assert share_id_of(code) == share_id_of(typed) == share
        assert len(code) <= SHARE_CODE_LENGTH_MAX

    @given(KEYS, st.data())
    def test_a_code_with_one_other_character_is_nobodys(self, share: int, data: Any) -> None:
        code = share_code(share)
        place = data.draw(st.integers(0, len(code) - 1))
        other = data.draw(st.sampled_from(TYPED).filter(lambda drawn: drawn.translate(SAME) != code[place]))
        assert share_id_of(code[:place] + other + code[place + 1 :]) is None

    @given(KEYS, st.integers(0, 31))
    def test_nothing_may_be_left_out_or_added(self, share: int, value: int) -> None:
        code, more = share_code(share), "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[value]
        for forged in (code[:-1], code[1:], code + more, more + code, code + " ", f" {code}", f"{code}\n"):
            assert share_id_of(forged) is None

    @given(st.text(max_size=SHARE_CODE_LENGTH_MAX + 2))
    def test_no_other_text_is_a_code_and_none_is_a_crash(self, text: str) -> None:
        assert share_id_of(text) is None

    def test_a_poster_outlives_the_key_it_was_signed_under_as_long_as_that_is_known(self, settings: Any) -> None:
        of_the_secret = share_code(7)
        settings.SHARE_CODE_KEYS = ["a key of its own"]
        assert share_id_of(of_the_secret) is None
        of_its_own = share_code(7)
        settings.SECRET_KEY = "another secret"
        assert share_id_of(of_its_own) == 7

        settings.SHARE_CODE_KEYS = ["the next one", "a key of its own", "only for tests"]
        assert share_id_of(of_its_own) == share_id_of(of_the_secret) == 7
        assert share_code(7) not in (of_its_own, of_the_secret)

    def test_a_young_houses_codes_leave_a_host_of_thirty_characters_room_in_version_4(self) -> None:
        assert len("https://" + "h" * 30 + "/s/" + share_code(32**10 - 1)) <= 62
