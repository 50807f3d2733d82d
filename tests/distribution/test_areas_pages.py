"""What operators see of areas and decide about placements."""

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from accounts.actor import Actor
from catalog import services as catalog
from core import clock
from distribution.models import Area, Placement
from distribution.services import StoreNews, follow_stores
from tests.distribution.areas import SQUARES, load


@pytest.fixture
def waiting(database, tmp_path, seller) -> Placement:
    load(tmp_path, shapes=SQUARES)
    place = {"latitude": 0.8, "longitude": 0.5}
    store = catalog.open_store(name="Corner", **place, actor=Actor.own(seller), now=clock.now())
    follow_stores(news=[StoreNews(store.public_id, "store.opened", clock.now())])
    return Placement.objects.get()


class TestTheTree:
    def test_is_walked_from_the_country_down_and_drawn(self, browser, operator, waiting):
        walker = browser(operator)
        country, west = Area.objects.get(code="XX"), Area.objects.get(code="1")
        versions = walker.get(reverse("admin:distribution_areaversion_changelist")).content.decode()
        top = walker.get(reverse("admin:distribution_area_change", args=[country.pk])).content.decode()
        below = walker.get(reverse("admin:distribution_area_change", args=[west.pk])).content.decode()

        assert reverse("admin:distribution_area_change", args=[country.pk]) in versions
        assert reverse("admin:distribution_area_change", args=[west.pk]) in top
        assert "<title>XX:1</title>" in top
        assert {"Westford", "Westbury", "Xland"} <= {
            name for name in ("Westford", "Westbury", "Xland") if name in below
        }

    @pytest.mark.parametrize("term", ["XX:11", "11", "westf", "Westford"])
    def test_finds_an_area_by_code_and_by_words(self, browser, operator, waiting, term):
        listed = browser(operator).get(reverse("admin:distribution_area_changelist"), {"q": term}).content.decode()

        assert "Westford" in listed
        assert "Eastleigh" not in listed


class TestTheQueue:
    def test_shows_what_waits_and_takes_the_operators_word(self, browser, operator, waiting):
        clerk = browser(operator)
        queue = clerk.get(reverse("admin:distribution_placement_changelist"), {"state": "waiting"}).content.decode()
        path = reverse("admin:distribution_placement_decide", args=[waiting.pk])
        asked = clerk.get(path).content.decode()
        wrong = clerk.post(path, {"area": "99"}).content.decode()
        decided = clerk.post(path, {"area": "XX:11"})

        assert reverse("admin:distribution_placement_change", args=[waiting.pk]) in queue
        assert 'value="XX:12"' in asked
        assert "There is no area of this code in force." in wrong
        assert decided.status_code == 302
        waiting.refresh_from_db()
        assert (waiting.area.code, waiting.decided_by, waiting.is_waiting) == ("11", operator, False)  # type: ignore[union-attr]
        assert "Decided" in LogEntry.objects.get().change_message
        assert "It is settled" in clerk.get(path).content.decode()
