"""The demo's settings with one route more, and pay codes that outlive a slow round: they are made before it."""

from datetime import timedelta

from settings.local import *  # noqa: F403

ROOT_URLCONF = "benchmarks.bare.urls"
PAY_CODE_LIFETIME = timedelta(minutes=30)
