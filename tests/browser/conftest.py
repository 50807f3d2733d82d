"""Our pages in a real browser, against a server of this test process and a database that commits."""

import gzip
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.test import override_settings

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
ARGUMENTS = ["--no-sandbox"]
TIMEOUT_MS = 20_000
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
WEIGHT_MAX = 100_000  # bytes of HTML, style sheets and scripts


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
    opened, complaints = [], []

    def open_one(*, watched: bool = True, **how: Any) -> Any:
        context = chromium.new_context(**{"viewport": PHONE, **how})
        context.set_default_timeout(TIMEOUT_MS)
        if watched:
            context.on("console", lambda said: complaints.append(said.text) if _is_complaint(said) else None)
            context.on("weberror", lambda failed: complaints.append(str(failed.error)))
        opened.append(context)
        return context

    yield open_one
    for context in opened:
        context.close()
    assert complaints == [], "Scripts failed, or a page wanted what its content policy forbids."


def _is_complaint(said: Any) -> bool:
    """What browsers say of answers such as 404 and 422 is no news to the test that asked for them."""
    return said.type == "error" and not said.text.startswith("Failed to load resource")


@pytest.fixture(scope="session")
def look_at() -> Callable[[Any], None]:
    """`look_at(page)`: everybody can use it. axe finds nothing, nothing sticks out sideways, and it weighs little."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed: make venv-dev.")

    def look(page: Any) -> None:
        found = axe.Axe().run(page, options={"runOnly": WCAG})
        assert found.violations_count == 0, f"{page.url}\n{found.generate_report()}"
        wide, room = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert wide <= room, f"{page.url} is {wide} wide where there is room for {room}."
        assert _weight_of(page) <= WEIGHT_MAX, page.url

    return look


def _weight_of(page: Any) -> int:
    """
    Return how many bytes a page is without pictures, and without the library that only charts load.

    Style sheets and scripts count as they are sent in production, compressed; the page itself is sent as it is.
    """
    resources = page.evaluate(
        """performance.getEntries().filter((one) => ["navigation", "link", "script"].includes(one.initiatorType ?? ""))
           .map((one) => [one.name, one.decodedBodySize])"""
    )
    ours = [(name, size) for name, size in resources if "/vendor/echarts/" not in name]
    return sum(_packed(name.partition("/static/")[2]) if "/static/" in name else size for name, size in ours)


@cache
def _packed(static_file: str) -> int:
    return len(gzip.compress(Path(finders.find(static_file)).read_bytes()))


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
