"""Settings of a web server whose streams go on, few of them, and hear of news from nobody but the bell."""

from settings.test import *  # noqa: F403

MESSAGE_STREAM_SECONDS_MAX = 30.0
MESSAGE_STREAM_HEARTBEAT_SECONDS = 0.5
MESSAGE_STREAMS_MAX = 40
MESSAGE_STREAMS_PER_ACCOUNT_MAX = 5
MESSAGE_LOOK_SECONDS = 3600.0
