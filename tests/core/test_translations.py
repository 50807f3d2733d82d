"""Pages say everything in every language they are offered in."""

import pytest
from babel.messages.catalog import Message
from django.test import Client

from core import translations
from core.translations import catalogue_path, compiled, defects, languages, read_catalogue


@pytest.mark.parametrize("language", languages())
class TestACatalogue:
    def test_has_words_for_everything_with_the_same_placeholders(self, language: str) -> None:
        assert list(defects(language)) == []

    def test_is_what_django_reads(self, language: str) -> None:
        assert catalogue_path(language).with_suffix(".mo").read_bytes() == compiled(read_catalogue(language))


class TestDefects:
    @pytest.fixture
    def catalogue(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """One without "Buy", with something nobody says, with a lost placeholder, and with one that is empty."""
        broken = translations.update("zh-hans")
        broken.delete("Buy")
        broken.add("Nobody says this", "没人")
        broken["Order %(number)s"].string = "订单"
        broken["Log in"].string = ""
        monkeypatch.setattr(translations, "read_catalogue", lambda language: broken)

    def test_each_kind_is_found(self, catalogue: None) -> None:
        found = {defect.partition(" (")[0] for defect in defects("zh-hans")}
        assert found >= {
            "nobody says it any more: 'Nobody says this'",
            "not in the catalogue: 'Buy'",
            "not translated: 'Log in'",
            "other placeholders than the original: 'Order %(number)s'",
        }


class TestALanguage:
    def test_is_the_one_that_was_chosen_at_the_foot_of_a_page(self, client: Client, db: None) -> None:
        assert 'lang="en"' in client.get("/log-in").content.decode()
        answer = client.post("/language", {"language": "zh-hans", "next": "/log-in?scan=abc"})
        assert answer["Location"] == "/log-in?scan=abc"
        page = client.get("/log-in")
        assert "登录" in page.content.decode()
        assert page["Content-Language"] == "zh-hans"

    def test_is_else_the_browsers(self, client: Client, db: None) -> None:
        assert "登录" in client.get("/log-in", headers={"Accept-Language": "zh-CN,zh;q=0.9"}).content.decode()

    def test_of_what_programs_read_is_english_whoever_asks(self, client: Client, db: None) -> None:
        client.cookies["django_language"] = "zh-hans"
        answer = client.get("/api/v1/session", headers={"Accept-Language": "zh-CN"})
        assert answer.status_code == 401
        assert answer.json()["detail"].isascii()
        assert "Content-Language" not in answer

    @pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
    def test_leads_nobody_to_another_site(self, client: Client, db: None, elsewhere: str) -> None:
        answer = client.post("/language", {"language": "zh-hans", "next": elsewhere})
        assert answer["Location"] == "/"


def test_a_message_is_told_from_its_plural() -> None:
    assert translations._key(Message(("one", "many"))) == ("one", None)
