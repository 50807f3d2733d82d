"""The demo's settings with the bare view, which gets by the session's middleware just as scans do."""

from settings.local import *  # noqa: F403
from settings.local import MIDDLEWARE as SITES

ROOT_URLCONF = "benchmarks.bare_scans.urls"
CLOCK_ADJUSTABLE = False  # As in production: the clock is the machine's, and no row is read for it.
_place = SITES.index("sharing.middleware.ScansWithoutSession")
MIDDLEWARE = [*SITES[:_place], "benchmarks.bare_scans.views.BareWithoutSession", *SITES[_place:]]
