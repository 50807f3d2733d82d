"""
What a scan was, by what its request said of itself. Evidence, not proof: whoever pretends to be a browser passes.

What is not known to be a machine is a person. A machine taken for a person costs nothing, for it never orders; a
person taken for a machine costs the sharer, so what apps' own browsers say is left out of the list of bots.
"""

import re
from collections.abc import Collection, Mapping
from functools import lru_cache

from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from django.conf import settings

from sharing.models import ScanClass, Signal

CLASSIFIER = 1
"""The version: higher with every change of this file's rules, or of the list's (a test sees to it)."""

_AGENTS_REMEMBERED = 4096
_PREVIEW_TAG = "social-preview"
# In the list, and yet what people's own devices say: a build of Android, and the browser inside Facebook's app.
_OF_PEOPLE = frozenset({r"AP3A\.240617\.008", "MetaIAB Facebook"})
# Fetchers begin with these; the browsers inside the apps of the same name have them somewhere behind.
_OF_APPS = frozenset({"WhatsApp", "Viber", r"Notion\/", r"Tumblr\/", r"Code\/1\."})
_PREFETCH_HEADERS = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
_PREFETCH = re.compile(r"prefetch|prerender|preview|instant", re.IGNORECASE)


def patterns(*, previews: bool) -> list[str]:
    """Return the expressions of link previews, or of all other machines."""
    chosen = [
        entry["pattern"] for entry in CRAWLER_USER_AGENTS_DATA if (_PREVIEW_TAG in entry.get("tags", ())) == previews
    ]
    return [f"^{pattern}" if pattern in _OF_APPS else pattern for pattern in chosen if pattern not in _OF_PEOPLE]


_PREVIEWS = re.compile("|".join(patterns(previews=True)))
_BOTS = re.compile("|".join(patterns(previews=False)))


def classify(agent: str, signals: Collection[str]) -> ScanClass:
    """
    Return the class of a scan by its agent and signals; `self` is never found here, but where the sharer claims.

    A link that is fetched ahead or looked at by HEAD is shown to nobody yet: a preview.
    """
    if Signal.NAMED in signals:
        return ScanClass.HUMAN
    found = _class_of_agent(agent, tuple(settings.SCAN_AGENTS_OF_PEOPLE))
    return ScanClass.PREVIEW if found == ScanClass.HUMAN and signals else found


@lru_cache(_AGENTS_REMEMBERED)
def _class_of_agent(agent: str, of_people: tuple[str, ...]) -> ScanClass:
    for word in of_people:
        agent = agent.replace(word, "")
    if _PREVIEWS.search(agent):
        return ScanClass.PREVIEW
    return ScanClass.BOT if _BOTS.search(agent) else ScanClass.HUMAN


def is_fetched_ahead(headers: Mapping[str, str]) -> bool:
    """Say whether a browser fetches this in case somebody goes there."""
    return any(_PREFETCH.search(headers.get(name, "")) for name in _PREFETCH_HEADERS)
