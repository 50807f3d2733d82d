"""Every kind of chart in a real browser, under the content policy of the customers' pages."""

import json
import re
from collections.abc import Callable
from mimetypes import guess_type
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.staticfiles import finders
from django.template import engines

from portal.pages.base import CONTENT_POLICY

MOMENT_MS = 300
SITE = "http://charts.test"
PAGE = """
<!doctype html><html lang="{{ language }}"><head><meta charset="utf-8"><title>Charts</title>
<link rel="stylesheet" href="/static/core/customers.css">{% include "core/charts.html" %}</head>
<body><main>{% include "core/chart.html" %}</main></body></html>
"""
DAYS = ["2026-11-20", "2026-11-21", "2026-11-22"]
BARS = {
    "house": {"currency": "EUR"},
    "legend": {},
    "xAxis": {"data": DAYS},
    "yAxis": {},
    "series": [
        {"type": "bar", "name": "Sales", "data": [{"value": 120_050, "url": "/sales"}, 340_000, 250_000]},
        {"type": "bar", "name": "Refunds", "data": [5_000, 0, 12_000], "itemStyle": {"color": "var(--chart-bad)"}},
    ],
}
LINES = {
    "house": {"whole": True},
    "xAxis": {"type": "time"},
    "yAxis": {},
    "series": [{"type": "line", "data": [[f"{day}T00:00:00Z", place] for place, day in enumerate(DAYS)]}],
}
SANKEY = {
    "house": {"currency": "EUR", "labels": True},
    "series": [
        {
            "type": "sankey",
            "emphasis": {"focus": "adjacency"},
            "data": [{"name": "Buyer", "url": "/buyer"}, {"name": "Seller"}, {"name": "Platform"}],
            "links": [
                {"source": "Buyer", "target": "Seller", "value": 9000, "url": "/why"},
                {"source": "Buyer", "target": "Platform", "value": 1000},
            ],
        }
    ],
}
TREE = {
    "series": [
        {"type": "tree", "data": [{"name": "You", "children": [{"name": "Ada", "url": "/ada"}, {"name": "Bo"}]}]}
    ]
}
MAP = {"series": [{"type": "map", "nameProperty": "code", "data": [{"name": "N", "value": 3, "url": "/north"}]}]}


def square(code: str, south: int) -> dict[str, Any]:
    corners = [[0, south], [4, south], [4, south + 2], [0, south + 2], [0, south]]
    return {
        "type": "Feature",
        "properties": {"code": code},
        "geometry": {"type": "Polygon", "coordinates": [corners]},
    }


BORDERS = {"type": "FeatureCollection", "features": [square("N", 2), square("S", 0)]}


def lightness(colour: str) -> float:
    """Return how light `rgb(r, g, b)` is, from 0 to 1."""
    return sum(int(part) for part in re.findall(r"\d+", colour)[:3]) / 3 / 255


class Shown:
    """A page with one chart, what the browser complained of, and what is drawn."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", lambda said: said.type in ("error", "warning") and self.complaints.append(said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    @property
    def drawing(self) -> Any:
        return self.page.locator(".chart-drawing svg")

    def words(self) -> list[str]:
        return self.drawing.locator("text").all_text_contents()

    def ink(self) -> str:
        """Return the colour in which the words of the chart are written."""
        return self.drawing.locator("text").first.evaluate("text => getComputedStyle(text).fill")


@pytest.fixture
def show(open_browser: Callable[..., Any]) -> Callable[..., Shown]:
    """`show(option)`: a page with this chart, as a browser gets it from us."""

    def show_one(
        option: dict[str, Any],
        *,
        language: str = "en",
        map: str = "",
        scripts: bool = True,
        policy: str = CONTENT_POLICY,
        **how: Any,
    ) -> Shown:
        context = open_browser(watched=False, java_script_enabled=scripts, **how)
        told = {
            "id": "money",
            "option": option,
            "caption": "Money",
            "columns": ["Day", "Sales"],
            "rows": [["2026-11-20", "€1,200.50"]],
            "language": language,
            "map": map,
        }
        html = engines["django"].from_string(PAGE.strip()).render(told)
        context.route(f"{SITE}/**", lambda route: answer(route, html, policy))
        shown = Shown(context.new_page())
        shown.page.goto(f"{SITE}/chart")
        if scripts:
            shown.page.locator(".chart-drawn").wait_for()
        return shown

    return show_one


def answer(route: Any, html: str, policy: str) -> None:
    path = urlsplit(route.request.url).path
    if path.startswith("/static/"):
        found = finders.find(path.removeprefix("/static/"))
        assert isinstance(found, str), path
        route.fulfill(body=Path(found).read_bytes(), content_type=guess_type(found)[0])
    elif path == "/borders.json":
        route.fulfill(body=json.dumps(BORDERS), content_type="application/geo+json")
    else:
        route.fulfill(body=html, content_type="text/html", headers={"Content-Security-Policy": policy})


class TestCharts:
    """Charts are drawn from JSON, under a policy that allows neither inline scripts nor inline styles."""

    @pytest.mark.parametrize(
        ("option", "map"),
        [(BARS, ""), (LINES, ""), (SANKEY, ""), (TREE, ""), (MAP, "/borders.json")],
        ids=["bars", "lines", "sankey", "tree", "map"],
    )
    def test_each_kind_is_drawn_and_pointed_at_without_a_complaint(
        self, show: Callable[..., Shown], option: dict[str, Any], map: str
    ) -> None:
        shown = show(option, map=map)
        shown.page.mouse.move(150, 200)  # Tooltips are where libraries like to write styles.
        box = shown.drawing.bounding_box()
        for step in range(1, 8):
            shown.page.mouse.move(box["x"] + box["width"] * step / 8, box["y"] + box["height"] * step / 8)
        assert shown.drawing.locator("path").count() > 1
        assert shown.complaints == []

    def test_the_browser_would_complain_of_a_style_in_a_tooltip(self, show: Callable[..., Shown]) -> None:
        shown = show(BARS)
        shown.page.evaluate("document.querySelector('figcaption').setAttribute('style', 'color: red')")
        assert any("Content Security Policy" in said for said in shown.complaints)

    def test_minor_units_are_written_as_money_in_the_readers_language(self, show: Callable[..., Shown]) -> None:
        assert "€3K" in show(BARS).words()
        in_chinese = show({**BARS, "house": {"currency": "JPY", "digits": 0}}, language="zh-hans").words()
        assert "JP¥30万" in in_chinese

    def test_a_point_leads_where_its_url_says(self, show: Callable[..., Shown]) -> None:
        shown = show(BARS, reduced_motion="reduce")
        box = shown.drawing.bounding_box()
        shown.page.mouse.click(box["x"] + box["width"] * 0.22, box["y"] + box["height"] * 0.8)
        shown.page.wait_for_url(f"{SITE}/sales")

    def test_a_flow_leads_to_why(self, show: Callable[..., Shown]) -> None:
        shown = show(SANKEY, reduced_motion="reduce")
        box = shown.drawing.bounding_box()
        shown.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.35)
        shown.page.wait_for_url(f"{SITE}/why")

    def test_it_follows_the_device_into_the_dark(self, show: Callable[..., Shown]) -> None:
        shown = show(BARS, color_scheme="light")
        by_day = shown.ink()
        shown.page.emulate_media(color_scheme="dark")
        shown.page.wait_for_timeout(MOMENT_MS)
        assert lightness(by_day) < 0.5 < lightness(shown.ink())

    def test_it_follows_the_themes_that_a_page_lets_one_choose(self, show: Callable[..., Shown]) -> None:
        shown = show(BARS, color_scheme="light")
        shown.page.evaluate("document.documentElement.dataset.theme = 'dark'")
        shown.page.wait_for_timeout(MOMENT_MS)
        assert lightness(shown.ink()) > 0.5

    def test_one_that_comes_later_with_a_piece_of_a_page_is_drawn_and_the_gone_one_forgotten(
        self, show: Callable[..., Shown]
    ) -> None:
        shown = show(BARS)
        shown.page.evaluate(
            """() => {
                const main = document.querySelector("main");
                const piece = main.innerHTML.replace("chart-drawn", "").replace(/<svg.*<.svg>/s, "");
                main.replaceChildren();
                main.insertAdjacentHTML("beforeend", piece);
                document.body.dispatchEvent(new CustomEvent("htmx:load", {bubbles: true, detail: {elt: main}}));
            }"""
        )
        shown.page.locator(".chart-drawn svg").wait_for()
        assert "€3K" in shown.words()

    def test_it_stays_within_a_window_that_narrows(self, show: Callable[..., Shown]) -> None:
        shown = show(BARS, viewport={"width": 1280, "height": 900})
        assert shown.drawing.bounding_box()["width"] > 1000
        shown.page.set_viewport_size({"width": 360, "height": 800})
        shown.page.wait_for_timeout(MOMENT_MS)
        assert shown.drawing.bounding_box()["width"] <= 360

    def test_nothing_moves_for_those_who_asked_for_stillness(self, show: Callable[..., Shown]) -> None:
        moving = "echarts.getInstanceByDom(document.querySelector('.chart-drawing')).getOption().animation"
        assert show(BARS, reduced_motion="reduce").page.evaluate(moving) is False
        assert show(BARS, reduced_motion="no-preference").page.evaluate(moving) is True

    def test_without_scripts_the_table_says_it(self, show: Callable[..., Shown]) -> None:
        shown = show(BARS, scripts=False)
        assert shown.page.locator(".chart-drawing").bounding_box()["height"] == 0
        shown.page.get_by_text("As a table").click()
        assert shown.page.get_by_role("cell", name="€1,200.50").is_visible()
