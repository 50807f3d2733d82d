"""
Draws every page of the demo world into VAR_DIR/screenshots: `make screenshots`, or `make screenshots ONLY="till pay"`.

Those that our documents show are drawn into docs/screenshots/ as well; the others are too many to keep.

A marketplace of its own is started for it in a folder that is thrown away, unless `SITE` names one that runs with a
demo world that nobody minds. It is looked at with the machine's Chromium on a phone and at a desk. A page is named by
its address, or by what one does to come to it.
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

import pyotp
from PIL import Image
from playwright.sync_api import TimeoutError, sync_playwright

from tests.browser.conftest import ARGUMENTS, CHROMIUM, DESK, PHONE

PASSWORD = "open-every-door"
PETRAS_SECRET = "OPENEVERYDOOROPENEVERYDOOR234567"
ROOT = Path(__file__).parent.parent.parent
FOLDER = Path(os.environ.get("VAR_DIR", ROOT / "var")) / "screenshots"
SHOWN_FOLDER = ROOT / "docs" / "screenshots"
SHOWN = {"browse", "accounts", "order-money", "wallet", "sell", "till", "cockpit"}  # by docs/portal.md and the README
START_SECONDS_MAX = 600
TIMEOUT_MS = 8_000
SIZES = {"desk": DESK, "phone": PHONE}
CHINESE = {"locale": "zh-CN"}
DARK = {"color_scheme": "dark"}
SETTLE_MS = 100  # what htmx changes has faded in by then
CHARTS_SETTLE_MS = 900  # and charts have drawn themselves
COLOURS = 128
TALL_MAX = 1600  # pixels of a page; what is further down is more of the same


@dataclass(frozen=True)
class Shot:
    """
    One page: whose, where it begins, and what is done one after the other to come to it.

    A step is what is clicked, or what is filled in and with what. `keeps`: what stands in the field found so, or the
    last part of the address, is remembered by a name, and `at` of a later one says it in braces.
    """

    name: str
    at: str
    who: str = ""
    steps: tuple[str | tuple[str, str], ...] = ()
    how: dict[str, Any] = field(default_factory=dict)
    keeps: tuple[str, str] | None = None
    after: str = ""  # the shot without which there is no such page


class Camera:
    """Draws pages of one site with one browser; everybody logs in once."""

    def __init__(self, browser: Any, site: str) -> None:
        self.browser, self.site = browser, site
        self.logged_in: dict[str, Any] = {}
        self.contexts: dict[Any, Any] = {}
        self.remembered: dict[str, str] = {}

    def draw(self, shot: Shot) -> None:
        page = self.context_of(shot).new_page()
        page.set_viewport_size(DESK)
        page.goto(self.site + shot.at.format(**self.remembered))
        for step in shot.steps:
            do(page, step)
        for size, viewport in SIZES.items():
            page.set_viewport_size(viewport)
            page.wait_for_timeout(CHARTS_SETTLE_MS if page.locator("figure.chart").count() else SETTLE_MS)
            tall = min(page.evaluate("document.documentElement.scrollHeight"), TALL_MAX)
            clip = {"x": 0, "y": 0, "width": viewport["width"], "height": tall}
            picture = small(page.screenshot(full_page=True, clip=clip))
            for folder in (FOLDER, SHOWN_FOLDER) if shot.name in SHOWN else (FOLDER,):
                (folder / f"{shot.name}-{size}.webp").write_bytes(picture)
        if shot.keeps is not None:
            name, found = shot.keeps
            self.remembered[name] = page.locator(found).first.input_value() if found else last_part(page.url)
        page.close()

    def context_of(self, shot: Shot) -> Any:
        """A browser that speaks and looks so, in which somebody has logged in."""
        key = (shot.who, *sorted(shot.how.items()))
        if key not in self.contexts:
            self.contexts[key] = self.browser.new_context(**shot.how, storage_state=self.state_of(shot.who))
            self.contexts[key].set_default_timeout(TIMEOUT_MS)
        return self.contexts[key]

    def state_of(self, who: str) -> Any:
        """What a browser keeps in which somebody has logged in."""
        if who and who not in self.logged_in:
            context = self.browser.new_context()
            log_in(context.new_page(), self.site, who)
            self.logged_in[who] = context.storage_state()
            context.close()
        return self.logged_in.get(who)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    shots = wanted(set(sys.argv[1:]))
    with site_to_draw() as site, chromium() as browser:
        camera = Camera(browser, site)
        failed = [shot.name for shot in shots if not drawn(camera, shot)]
    if failed:
        raise SystemExit(f"Not drawn: {', '.join(failed)}")


def drawn(camera: Camera, shot: Shot) -> bool:
    """Whether a page was there; if not, the others are drawn all the same."""
    began = time.monotonic()
    try:
        camera.draw(shot)
    except (TimeoutError, KeyError) as failure:
        print(f"{shot.name}: {failure}", file=sys.stderr, flush=True)
        return False
    print(f"{shot.name} {time.monotonic() - began:.1f}s", flush=True)
    return True


def wanted(names: set[str]) -> list[Shot]:
    """All, or those named with what they come after, in their order."""
    if not names:
        return SHOTS
    befores = {shot.name: shot.after for shot in SHOTS}
    waiting = list(names)
    while waiting:
        before = befores[waiting.pop()]
        if before and before not in names:
            names.add(before)
            waiting.append(before)
    return [shot for shot in SHOTS if shot.name in names]


def do(page: Any, step: str | tuple[str, str]) -> None:
    if isinstance(step, str):
        page.locator(step).first.click()
        page.wait_for_load_state()
    else:
        page.locator(step[0]).first.fill(step[1])


def last_part(address: str) -> str:
    return address.partition("?")[0].rpartition("/")[2]


def small(picture: bytes) -> bytes:
    """Few colours and without loss: sharper than a photograph's way of it, and half as large."""
    kept = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS).convert("RGB").save(
        kept, "webp", lossless=True, method=2
    )
    return kept.getvalue()


def log_in(page: Any, site: str, who: str) -> None:
    way_in = "/admin/" if who in OPERATORS else "/log-in"
    page.goto(f"{site}{way_in}")
    page.locator("input[name=username]").fill(who)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("form:has(input[name=password]) button[type=submit]").click()
    page.wait_for_load_state()
    if page.locator("input[name=otp]").count():
        page.locator("input[name=otp]").fill(pyotp.TOTP(PETRAS_SECRET).now())
        page.locator("form:has(input[name=otp]) button[type=submit]").click()
        page.wait_for_load_state()


@contextmanager
def chromium() -> Iterator[Any]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        launched.close()


@contextmanager
def site_to_draw() -> Iterator[str]:
    if "SITE" in os.environ:
        yield os.environ["SITE"].rstrip("/")
    else:
        with demo_world() as site:
            yield site


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
MAIN = "main form[method=post] button[type=submit]"
AN_ORDER = "main a[href^='/orders/ord_']"
SOLD = "main a[href^='/sell/orders/ord_']"
A_TILL = "main a[href^='/counter/trm_']"
SHOTS = [
    # For everybody
    Shot("browse", "/"),
    Shot("browse-dark", "/", how=DARK),
    Shot("browse-chinese", "/", how=CHINESE),
    Shot("browse-nothing", "/?search=piano"),
    Shot("item", "/", steps=(".tile",)),
    Shot("item-dark", "/", steps=(".tile",), how=DARK),
    Shot("log-in", "/log-in"),
    Shot("log-in-refused", "/log-in", steps=(("#id_username", "grace"), ("#id_password", "not-that-one"), MAIN)),
    Shot("second-factor", "/log-in", steps=(("#id_username", "petra"), ("#id_password", PASSWORD), MAIN)),
    Shot("register", "/register"),
    Shot("password-forgotten", "/password/forgotten"),
    Shot("not-there", "/items/itm_nothing"),
    # What buyers see
    Shot("cart", "/cart", "grace"),
    Shot("cart-chinese", "/cart", "wei", how=CHINESE),
    Shot("cart-empty", "/cart", "liu"),
    Shot("checkout", "/cart", "grace", ("main a[href^='/checkout']",)),
    Shot("orders", "/orders", "grace"),
    Shot("order", "/orders", "grace", (AN_ORDER,)),
    Shot("order-chinese", "/orders", "harbour-foods", (AN_ORDER,), how=CHINESE),
    Shot("order-money", "/orders", "grace", (f"{AN_ORDER} >> nth=1", "main a[href$='/money']")),
    Shot("order-money-dark", "/orders", "grace", (f"{AN_ORDER} >> nth=1", "main a[href$='/money']"), how=DARK),
    Shot("order-money-chinese", "/orders", "grace", (f"{AN_ORDER} >> nth=1", "main a[href$='/money']"), how=CHINESE),
    Shot("order-refund", "/orders", "grace", (AN_ORDER, "main a[href$='/refund']")),
    Shot("order-cancel", "/orders", "wei", (AN_ORDER, "main a[href$='/cancel']")),
    Shot("wallet", "/wallet", "grace"),
    Shot("wallet-dark", "/wallet", "grace", how=DARK),
    Shot("wallet-chinese", "/wallet", "wei", how=CHINESE),
    Shot("wallet-debt", "/wallet", "alder-repairs"),
    Shot("repay", "/wallet/repay", "alder-repairs"),
    Shot("top-up", "/wallet/top-up", "grace"),
    Shot("withdraw", "/wallet/withdraw", "grace"),
    Shot("payout-targets", "/wallet/payout-targets", "grace"),
    Shot("statement", "/wallet/statement", "grace"),
    Shot("statement-chinese", "/wallet/statement", "grace", how=CHINESE),
    Shot("pay-code-asked", "/pay-code", "grace"),
    Shot("pay-code", "/pay-code", "grace", (MAIN,)),
    Shot("phones", "/pay-code/phones", "grace"),
    # Sharing and earning
    Shot("shares", "/shares", "grace"),
    Shot("share", "/shares", "grace", ("main a[href^='/shares/shr_']",)),
    Shot("earnings", "/earnings", "grace"),
    Shot("earnings-dark", "/earnings", "grace", how=DARK),
    Shot("earnings-chinese", "/earnings", "grace", how=CHINESE),
    Shot("network", "/network", "huang"),
    Shot("network-through", "/network", "huang", ("main summary", "main a[href^='/network/acc_']")),
    Shot("agent", "/agent", "liu"),
    Shot("agent-chinese", "/agent", "liu", how=CHINESE),
    Shot("invite", "/invite", "grace"),
    # About oneself
    Shot("inbox", "/inbox", "grace"),
    Shot("inbox-chinese", "/inbox", "meridian-lab", how=CHINESE),
    Shot("accounts", "/accounts", "wei"),
    Shot("accounts-chinese", "/accounts", "wei", how=CHINESE),
    Shot("accounts-dark", "/accounts", "wei", how=DARK),
    Shot(
        "accounts-locked",
        "/accounts",
        "petra",
        keeps=("account", ".identity-shut ~ * input[name=account], input[name=account]"),
    ),
    Shot("switch-code", "/accounts/second-factor?account={account}", "petra", after="accounts-locked"),
    Shot("links", "/links", "wei"),
    Shot("link", "/links", "wei", ("main a[href^='/links/lnk_']",)),
    Shot("link-end", "/links", "wei", ("main a[href^='/links/lnk_']", "main a[href$='/end']")),
    Shot("settings", "/settings", "wei"),
    Shot("security", "/settings/security", "wei"),
    Shot("password", "/settings/password", "wei"),
    Shot("factor-confirm", "/settings/security", "liu", ("form[action$='/second-factor/begin'] button",)),
    Shot("security-protected", "/settings/security", "petra"),
    Shot("sessions", "/settings/sessions", "wei"),
    Shot("records", "/settings/records", "wei"),
    Shot("close", "/settings/close", "wei"),
    Shot("close-chinese", "/settings/close", "wei", how=CHINESE),
    # What sellers see
    Shot("sell", "/sell", "meridian-lab"),
    Shot("sell-dark", "/sell", "meridian-lab", how=DARK),
    Shot("sell-chinese", "/sell", "meridian-lab", how=CHINESE),
    Shot("sell-items", "/sell/items", "meridian-lab"),
    Shot("sell-item", "/sell/items", "meridian-lab", ("main a[href^='/sell/items/itm_']",)),
    Shot("sell-item-new", "/sell/items/new", "meridian-lab"),
    Shot("sell-stores", "/sell/stores", "meridian-lab"),
    Shot("sell-store", "/sell/stores", "meridian-lab", ("main a[href^='/sell/stores/sto_']",)),
    Shot("sell-orders", "/sell/orders", "meridian-lab"),
    Shot("sell-orders-chinese", "/sell/orders", "meridian-lab", how=CHINESE),
    Shot("sell-order", "/sell/orders", "meridian-lab", (SOLD,)),
    Shot("sell-order-refund", "/sell/orders", "meridian-lab", (SOLD, "main a[href$='/refund']")),
    Shot("sell-refund-requests", "/sell/refund-requests", "meridian-lab"),
    Shot("sell-refund-request", "/sell/refund-requests", "meridian-lab", ("main a[href^='/sell/refund-requests/']",)),
    Shot("sell-programs", "/sell/programs", "tanuki-cafe"),
    Shot("sell-program", "/sell/programs", "tanuki-cafe", ("main a[href$='/program']",)),
    Shot("sell-earnings", "/sell/earnings", "meridian-lab"),
    Shot("sell-earnings-chinese", "/sell/earnings", "meridian-lab", how=CHINESE),
    Shot("sell-statement", "/sell/statement", "meridian-lab"),
    # The counter, and the phone before it
    Shot("counter", "/counter", "tanuki-cafe"),
    Shot("counter-new-till", "/counter", "tanuki-cafe", ("main a[href$='/new-till']",)),
    Shot("counter-day", "/counter", "tanuki-cafe", ("main a[href$='/day']",)),
    Shot("counter-day-chinese", "/counter", "tanuki-cafe", ("main a[href$='/day']",), how=CHINESE),
    Shot("till", "/counter", "tanuki-cafe", (A_TILL, ".till-tile", ".till-tile >> nth=3")),
    Shot("till-dark", "/counter", "tanuki-cafe", (A_TILL,), how=DARK),
    Shot("till-chinese", "/counter", "tanuki-cafe", (A_TILL,), how=CHINESE),
    Shot("till-waiting", "/counter", "tanuki-cafe", (A_TILL, ".button-pay"), keeps=("trade", ""), after="till"),
    Shot("pay", "/pay/{trade}", "grace", after="till-waiting"),
    Shot("pay-chinese", "/pay/{trade}", "grace", how=CHINESE, after="till-waiting"),
    Shot("pay-paid", "/pay/{trade}", "grace", (MAIN,), after="till-waiting"),
    Shot("till-paid", "/counter", "tanuki-cafe", (A_TILL,), after="pay-paid"),
    Shot("till-refund", "/counter", "tanuki-cafe", (A_TILL, "main a[href$='/refund']"), after="pay-paid"),
    Shot("till-next", "/counter", "tanuki-cafe", (A_TILL, ".till-actions-main button"), after="pay-paid"),
    # Operators
    Shot("cockpit", "/admin/", "olivia"),
    Shot("cockpit-dark", "/admin/", "olivia", how=DARK),
]


if __name__ == "__main__":
    main()
