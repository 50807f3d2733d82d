import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core import mail
from django.test import Client

from accounts.models import Account
from accounts.tasks import send_mails
from tests.conftest import PASSWORD


@pytest.fixture
def visitor(database: None) -> Client:
    """A browser in which nobody is logged in, and which insists on CSRF tokens as real ones meet them."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def customer(database: None) -> Callable[[Account], Client]:
    """`customer(buyer)`: a browser in which somebody has logged in on our own page."""

    def open_browser(account: Account) -> Client:
        client = Client(enforce_csrf_checks=True)
        answer = send(client, "/log-in", username=account.username, password=PASSWORD)
        assert answer.status_code == 302, text_of(answer)
        return client

    return open_browser


def send(client: Client, path: str, **fields: Any) -> Any:
    """Open a page and send its form, with the CSRF token that stands in it."""
    page = client.get(path)
    return client.post(path, {"csrfmiddlewaretoken": csrf_token(page), **fields})


def csrf_token(page: Any) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.content.decode())
    assert found, page.content.decode()
    return found[1]


def text_of(page: Any) -> str:
    """What a person reads of a page."""
    body = re.sub(r"<(script|style|head)\b.*?</\1>", " ", page.content.decode(), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def main_of(page: Any) -> str:
    """What is this page's own of a page."""
    found = re.search(r"<main\b.*</main>", page.content.decode(), flags=re.DOTALL)
    assert found, page.content.decode()
    return found[0]


def mailed_path() -> str:
    """Send what waits; return where the newest mail leads, without our own host."""
    send_mails()
    found = re.search(r"^(https?://\S+)$", mail.outbox[-1].body, re.MULTILINE)
    assert found, mail.outbox[-1].body
    return urlsplit(found[1]).path


def hidden_fields(page: Any) -> Iterator[tuple[str, str]]:
    yield from hidden_fields_in(page.content.decode())


def hidden_fields_in(html: str) -> Iterator[tuple[str, str]]:
    yield from re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', html)
