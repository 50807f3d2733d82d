"""Every page that a visitor can open: for every eye, keyboard and screen reader, on a phone and at a desk."""

from typing import Any

import pytest

from tests.browser.conftest import DESK, PHONE
from tests.shop import offer

LOOKS = {
    "phone": {"viewport": PHONE},
    "narrow": {"viewport": {"width": 360, "height": 640}},
    "desk": {"viewport": DESK},
    "dark": {"viewport": DESK, "color_scheme": "dark"},
    "chinese": {"viewport": PHONE, "locale": "zh-CN"},
}


class TestAVisitorsPages:
    @pytest.mark.parametrize("how", LOOKS.values(), ids=LOOKS)
    def test_can_be_used_by_everybody(
        self, how: dict[str, Any], site: str, open_browser: Any, look_at: Any, new_account: Any
    ) -> None:
        item = offer(new_account(side="seller"), title="A pot of tea that is described at quite some length")
        page = open_browser(**how).new_page()
        for path in ("/", f"/items/{item.public_id}", "/log-in", "/register", "/password/forgotten", "/items/none"):
            page.goto(f"{site}{path}")
            look_at(page)
