"""
Draws every page of the demo world into docs/screenshots/: `make screenshots`.

A marketplace of its own is started for it in a folder that is thrown away, and looked at with the machine's Chromium
on a phone and at a desk. A page is named by its address, or by what one clicks to come to it.
"""

import io
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from PIL import Image

from tests.browser.conftest import ARGUMENTS, CHROMIUM, DESK, PHONE

PASSWORD = "open-every-door"
FOLDER = Path(__file__).parent.parent.parent / "docs" / "screenshots"
START_SECONDS_MAX = 600
SETTLE_MS = 600  # charts have drawn themselves by then
COLOURS = 128  # a picture of a page needs no more, and is a third as large
TALL_MAX = 1600  # pixels of a page; what is further down is more of the same


@dataclass(frozen=True)
class Shot:
    """One page: whose, where it begins, and what is clicked one after the other to come to it."""

    name: str
    at: str
    who: str = ""
    clicks: tuple[str, ...] = ()
    how: dict[str, Any] = field(default_factory=dict)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    wanted = set(sys.argv[1:])
    shots = [shot for shot in SHOTS if not wanted or shot.name in wanted]
    with demo_world() as site, chromium() as browser:
        for size, how in (("desk", {"viewport": DESK}), ("phone", {"viewport": PHONE, "has_touch": True})):
            for shot in shots:
                draw(shot, size, browser.new_context(**{**how, **shot.how}), site)


def draw(shot: Shot, size: str, context: Any, site: str) -> None:
    page = context.new_page()
    if shot.who:
        log_in(page, site, shot.who)
    page.goto(f"{site}{shot.at}")
    for clicked in shot.clicks:
        page.locator(clicked).first.click()
        page.wait_for_load_state()
    page.wait_for_timeout(SETTLE_MS)
    tall = min(page.evaluate("document.documentElement.scrollHeight"), TALL_MAX)
    width = page.viewport_size["width"]
    picture = page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": width, "height": tall})
    keep(picture, FOLDER / f"{shot.name}-{size}.png")
    context.close()
    print(f"{shot.name}-{size}", flush=True)


def keep(picture: bytes, path: Path) -> None:
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS).save(path, optimize=True)


def log_in(page: Any, site: str, who: str) -> None:
    way_in = "/admin/" if who in OPERATORS else "/log-in"
    page.goto(f"{site}{way_in}")
    page.locator("input[name=username]").fill(who)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("form:has(input[name=password]) button[type=submit]").click()
    page.wait_for_load_state()


@contextmanager
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)


@contextmanager
def demo_world() -> Iterator[str]:
    """A marketplace with the demo world, for as long as the block lasts; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        run = {**os.environ, "PORT": str(port), "VAR_DIR": folder}
        running = subprocess.Popen([sys.executable, "-m", "marketplace.run"], env=run, stdout=subprocess.DEVNULL)
        try:
            wait_for(f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
        finally:
            running.send_signal(signal.SIGINT)
            running.wait()


def wait_for(site: str) -> None:
    ends = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < ends:
        try:
            with urlopen(f"{site}/readyz") as answer:
                if answer.status == 200:
                    return
        except OSError:
            pass
        time.sleep(1)
    raise RuntimeError("The marketplace does not start.")


OPERATORS = {"olivia", "oscar"}
SHOTS = [
    Shot("browse", "/"),
    Shot("item", "/", clicks=(".tile",)),
    Shot("log-in", "/log-in"),
    Shot("register", "/register"),
    Shot("browse-chinese", "/", how={"locale": "zh-CN"}),
    Shot("cart", "/cart", "grace"),
    Shot("orders", "/orders", "grace"),
    Shot("order", "/orders", "grace", ("main a[href^='/orders/ord_']",)),
    Shot("order-money", "/orders", "grace", ("main a[href^='/orders/ord_']", "main a[href$='/money']")),
    Shot("wallet", "/wallet", "grace"),
    Shot("wallet-dark", "/wallet", "grace", how={"color_scheme": "dark"}),
    Shot("top-up", "/wallet/top-up", "grace"),
    Shot("statement", "/wallet/statement", "grace"),
    Shot("pay-code", "/pay-code", "grace", ("main form[method=post] button[type=submit]",)),
    Shot("phones", "/pay-code/phones", "grace"),
    Shot("shares", "/shares", "grace"),
    Shot("share", "/shares", "grace", ("main a[href^='/shares/shr_']",)),
    Shot("earnings", "/earnings", "grace"),
    Shot("network", "/network", "grace"),
    Shot("inbox", "/inbox", "grace"),
    Shot("accounts", "/accounts", "wei"),
    Shot("accounts-chinese", "/accounts", "wei", how={"locale": "zh-CN"}),
    Shot("links", "/links", "wei"),
    Shot("settings", "/settings", "wei"),
    Shot("security", "/settings/security", "wei"),
    Shot("sessions", "/settings/sessions", "wei"),
    Shot("records", "/settings/records", "wei"),
    Shot("agent", "/agent", "liu"),
    Shot("sell", "/sell", "meridian-lab"),
    Shot("sell-chinese", "/sell", "meridian-lab", how={"locale": "zh-CN"}),
    Shot("sell-items", "/sell/items", "meridian-lab"),
    Shot("sell-item", "/sell/items", "meridian-lab", ("main a[href^='/sell/items/itm_']",)),
    Shot("sell-stores", "/sell/stores", "meridian-lab"),
    Shot("sell-orders", "/sell/orders", "meridian-lab"),
    Shot("sell-order", "/sell/orders", "meridian-lab", ("main a[href^='/sell/orders/ord_']",)),
    Shot("sell-refund-requests", "/sell/refund-requests", "meridian-lab"),
    Shot("sell-programs", "/sell/programs", "tanuki-cafe"),
    Shot("sell-earnings", "/sell/earnings", "meridian-lab"),
    Shot("sell-statement", "/sell/statement", "meridian-lab"),
    Shot("counter", "/counter", "tanuki-cafe"),
    Shot("till", "/counter", "tanuki-cafe", ("main a[href^='/counter/trm_']",)),
    Shot("cockpit", "/admin/", "olivia"),
]


if __name__ == "__main__":
    main()
