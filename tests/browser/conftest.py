"""Our pages in a real browser, against a server of this test process and a database that commits."""

import json
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.test import override_settings

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
ARGUMENTS = ["--no-sandbox"]
TIMEOUT_MS = 20_000
PHONE = {"width": 390, "height": 844}


class QuietHandler(WSGIRequestHandler):
    """The server's own log has a line for each request already."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="class")
def site(class_committed_db: Any) -> Iterator[str]:
    """The whole site for the tests of a class, at an address that its own QR codes lead to."""
    server = ThreadedWSGIServer(("127.0.0.1", 0), QuietHandler)
    server.set_app(WSGIHandler())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    with override_settings(SITE_URL=f"http://127.0.0.1:{server.server_port}"):
        yield settings.SITE_URL
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def driver() -> Iterator[Any]:
    """Playwright keeps an event loop in this thread, in which Django would refuse to touch its database otherwise."""
    if CHROMIUM is None:
        pytest.skip("No Chromium is installed: apt install chromium, or name one by CHROMIUM=.")
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: make venv-dev.")
    with pytest.MonkeyPatch.context() as patch, playwright.sync_playwright() as running:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield running.chromium


@pytest.fixture(scope="session")
def chromium(driver: Any) -> Iterator[Any]:
    launched = driver.launch(executable_path=CHROMIUM, args=ARGUMENTS)
    yield launched
    launched.close()


@pytest.fixture
def open_browser(chromium: Any) -> Iterator[Any]:
    """`open_browser()`: a browser that remembers nothing, as a phone shows it; everything is closed after the test."""
    opened = []

    def open_one(**how: Any) -> Any:
        context = chromium.new_context(**{"viewport": PHONE, **how})
        context.set_default_timeout(TIMEOUT_MS)
        opened.append(context)
        return context

    yield open_one
    for context in opened:
        context.close()


@pytest.fixture
def browser_without_cookies(driver: Any, tmp_path: Path) -> Iterator[Any]:
    """A browser whose owner has switched all cookies off."""
    switched_off = {"profile": {"default_content_setting_values": {"cookies": 2}}}
    (tmp_path / "Default").mkdir()
    (tmp_path / "Default" / "Preferences").write_text(json.dumps(switched_off))
    context = driver.launch_persistent_context(tmp_path, executable_path=CHROMIUM, args=ARGUMENTS, viewport=PHONE)
    context.set_default_timeout(TIMEOUT_MS)
    yield context
    context.close()
