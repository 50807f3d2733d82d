"""Search finds words, beginnings of words, and what stands inside a title of a script without spaces."""

from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from catalog.models import Item
from catalog.search import SEARCH_LENGTH_MAX, found_by
from tests.conftest import make_account
from tests.shop import offer

TITLES = [
    "Blue enamel teapot",
    "Red teapot, small",
    "蓝牙无线耳机 Pro",
    "无线充电器",
    "Café crème",
    "Wi-Fi router",
    "Чайник электрический",
]


@pytest.fixture
def shelf(seller) -> None:
    for title in TITLES:
        offer(seller, title=title)
    offer(seller, title="Kettle", description="Boils faster than any teapot. 不锈钢")


def found(wanted: str) -> set[str]:
    return {item.title for item in found_by(Item.objects.all(), wanted)}


@pytest.mark.usefixtures("shelf")
class TestSearch:
    @pytest.mark.parametrize(
        ("wanted", "titles"),
        [
            ("teapot", {"Blue enamel teapot", "Red teapot, small", "Kettle"}),
            ("TEAPOT red", {"Red teapot, small"}),
            ("teapot -red -blue", {"Kettle"}),
            ('"enamel teapot"', {"Blue enamel teapot"}),
            ('"teapot enamel"', set()),
            ("enamel or router", {"Blue enamel teapot", "Wi-Fi router"}),
            ("wi-fi", {"Wi-Fi router"}),
            ("nothing like it", set()),
        ],
    )
    def test_it_understands_what_people_type(self, wanted: str, titles: set[str]):
        assert found(wanted) == titles

    @pytest.mark.parametrize(
        ("wanted", "titles"),
        [
            ("ena", {"Blue enamel teapot"}),
            ("blue ena", {"Blue enamel teapot"}),
            ("teapot rout", set()),
            ("ro", {"Wi-Fi router"}),
            ("teapot -re", {"Blue enamel teapot", "Red teapot, small", "Kettle"}),
        ],
    )
    def test_the_last_word_may_be_a_beginning(self, wanted: str, titles: set[str]):
        assert found(wanted) == titles

    @pytest.mark.parametrize(
        ("wanted", "titles"),
        [
            ("耳机", {"蓝牙无线耳机 Pro"}),
            ("无线", {"蓝牙无线耳机 Pro", "无线充电器"}),
            ("电", {"无线充电器"}),
            ("无线 pro", {"蓝牙无线耳机 Pro"}),
            ("无线耳机", {"蓝牙无线耳机 Pro"}),
            ("耳线", set()),
            ("锈钢", set()),
            ("不锈钢", {"Kettle"}),
            ("crè", {"Café crème"}),
            ("чайник", {"Чайник электрический"}),
            ("лектрич", {"Чайник электрический"}),
        ],
    )
    def test_titles_in_other_scripts_are_found_by_what_stands_inside_them(self, wanted: str, titles: set[str]):
        assert found(wanted) == titles

    @pytest.mark.parametrize("wanted", ["!!!", "'", '"', "-", "&|!", "<->", "a:*b", "\\", "or", "((("])
    def test_signs_alone_find_nothing_and_break_nothing(self, wanted: str):
        assert found(wanted) == set()


class TestTheIndex:
    def test_a_search_is_a_look_up_in_the_one_index(self, db):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
        plan = found_by(Item.objects.all(), "无线 pro").explain()

        assert "item_by_words" in plan

    @given(wanted=st.text(max_size=SEARCH_LENGTH_MAX).filter(lambda text: "\0" not in text))
    @example(wanted="a' | 'b' & !(c")
    @example(wanted="耳\u3000机")
    @example(wanted='-"tea cup')
    @settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_whatever_is_typed_is_a_query(self, db: Any, wanted: str):
        wanted = wanted.encode("utf-8", "ignore").decode()

        found_by(Item.objects.all(), wanted).exists()

    @given(title=st.text(alphabet="无线耳机蓝牙充电器ab ", min_size=2, max_size=20), data=st.data())
    @settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_every_part_of_a_chinese_title_finds_it(self, db: Any, title: str, data: st.DataObject):
        seller = make_account(side="seller")
        item = offer(seller, title=f"{title}无")
        start = data.draw(st.integers(0, len(title)))
        part = f"{title}无"[start:]

        if all(character > "\x7f" for character in part):
            assert found_by(Item.objects.filter(id=item.id), part).exists()
