"""What is a machine's and what a person's: by what requests say of themselves."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import Account
from sharing.classifying import CLASSIFIER, classify, patterns
from sharing.models import Share
from tests.sharing.scans import PHONE, log_of, look, share_of

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
WEBVIEW = (
    "Mozilla/5.0 (Linux; Android 14; SM-S918B; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/125.0"
)

PEOPLE = [
    PHONE,
    "Mozilla/5.0 (X11; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0",
    "Mozilla/5.0 (Linux; Android 13; CUBOT P60 Build/TP1A) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0",
    "Mozilla/5.0 (Linux; Android 15; CPH2557 Build/AP3A.240617.008) AppleWebKit/537.36 Chrome/130.0.0.0 Mobile",
    f"{IPHONE} Mobile/15E148 [FBAN/FBIOS;FBAV/467.0.0.43.106;FBDV/iPhone14,5]",
    f"{IPHONE} Mobile/21F79 Instagram 334.0.4.32.98 (iPhone14,5; iOS 17_5)",
    f"{IPHONE} Mobile/15E148 Safari Line/14.8.0",
    f"{IPHONE} Mobile/21F79 [Pinterest/iOS]",
    f"{IPHONE} Mobile/21F79 Twitter for iPhone/10.43",
    f"{IPHONE} Mobile/21F79 WhatsApp/24.10.77",
    f"{IPHONE} Mobile/21F79 Tumblr/34.7",
    f"{WEBVIEW} Mobile Safari/537.36 MetaIAB Facebook",
    f"{WEBVIEW} Mobile Safari/537.36 MicroMessenger/8.0.47.2560(0x28002F30) WeChat/arm64 Weixin",
    f"{WEBVIEW} Mobile Safari/537.36 Viber/22.5.0",
    f"{WEBVIEW} Mobile Safari/537.36 Telegram-Android/10.14.5",
    "Opera/9.80 (Android; Opera Mini/36.2.2254/119.132; U; id) Presto/2.12.423 Version/12.16",
    "",
]
BOTS = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    "curl/8.5.0",
    "python-requests/2.32.3",
    "Go-http-client/2.0",
]
PREVIEWS = [
    "WhatsApp/2.23.20.0 A",
    "TelegramBot (like TwitterBot)",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) Version/9.0.1 "
    "Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0",
    "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
]


class TestAgents:
    """Apps' own browsers and odd phones are people; those that fetch links to show them are previews."""

    @pytest.mark.parametrize("agent", PEOPLE)
    def test_people(self, agent: str) -> None:
        assert classify(agent, []) == "human"

    @pytest.mark.parametrize("agent", BOTS)
    def test_bots(self, agent: str) -> None:
        assert classify(agent, []) == classify(agent, ["head"]) == "bot"

    @pytest.mark.parametrize("agent", PREVIEWS)
    def test_previews(self, agent: str) -> None:
        assert classify(agent, []) == "preview"

    def test_a_browser_that_a_program_drives_is_a_person_only_where_a_setting_says_so(self, settings: Any) -> None:
        driven = PHONE.replace("Chrome", "HeadlessChrome")

        assert classify(driven, []) == "human"
        settings.SCAN_AGENTS_OF_PEOPLE = ()
        assert classify(driven, []) == "bot"

    def test_another_list_of_patterns_is_another_version(self) -> None:
        """Where this fails, raise CLASSIFIER, write down what it is now, and say in the changelog to replay it."""
        known = {1: "ab5f98820621fdce"}

        listed = "\n".join([*patterns(previews=True), "", *patterns(previews=False)])

        assert hashlib.sha256(listed.encode()).hexdigest()[:16] == known[CLASSIFIER]


class TestSignals:
    """What is fetched ahead, or looked at by HEAD, was shown to nobody."""

    @pytest.fixture
    def share(self, buyer: Account, seller: Account) -> Share:
        return share_of(buyer, seller)

    @pytest.mark.parametrize(
        "said",
        [
            {"Sec_Purpose": "prefetch;prerender"},
            {"Sec_Purpose": "prefetch"},
            {"Purpose": "prefetch"},
            {"X_Purpose": "preview"},
            {"X_Moz": "prefetch"},
        ],
        ids=str,
    )
    def test_fetched_ahead_it_is_a_preview(self, share: Share, said: dict[str, str]) -> None:
        assert look(share, **said).status_code == 302

        (kept,) = log_of(share)
        assert (kept.scan_class, kept.signals, kept.classifier) == ("preview", ["prefetch"], CLASSIFIER)

    def test_head_is_a_preview(self, share: Share, statements: Callable[[], Any]) -> None:
        answer = look(share, method="HEAD")

        assert (answer.status_code, answer.content) == (302, b"")
        assert [(kept.scan_class, kept.signals) for kept in log_of(share)] == [("preview", ["head"])]

    def test_other_methods_are_refused_and_not_kept(self, share: Share) -> None:
        assert look(share, method="POST").status_code == 405
        assert log_of(share) == []
