"""The settings of a worker whose jobs have many small steps, and are soon taken over when it is killed."""

from settings.test import *  # noqa: F403

JOB_THREADS = 1
JOB_LEASE_SECONDS = 2.0
REPAIR_EVENTS_AT_ONCE = 1
