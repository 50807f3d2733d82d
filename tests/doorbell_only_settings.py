"""Settings of a worker that hears nothing but the doorbell, and keeps nothing but its appointments."""

from settings.test import *  # noqa: F403

DELIVERY_POLL_SECONDS = 3600.0
