"""
What /metrics shows: counts and latencies of requests, and the figures that rooms register.

With several web processes, PROMETHEUS_MULTIPROC_DIR names a directory in which they add up.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import structlog
from django.db import DatabaseError
from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import REGISTRY, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

log = structlog.get_logger(__name__)

Figures = Callable[[], Iterable[tuple[Sequence[str], float]]]

LATENCY_BUCKETS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

disable_created_metrics()  # A second series for every first one, which nobody looks at.

requests_total = Counter(
    "marketplace_requests_total", "Answered requests by route, method and status.", ["route", "method", "status"]
)
request_seconds = Histogram(
    "marketplace_request_seconds",
    "Seconds from the first middleware to the answer, by route.",
    ["route", "method"],
    buckets=LATENCY_BUCKETS_SECONDS,
)


@dataclass(frozen=True, slots=True)
class Gauge:
    """Figures that are looked up whenever somebody asks; `read` yields label values with a number."""

    name: str
    help: str
    labels: Sequence[str]
    read: Figures


_gauges: dict[str, Gauge] = {}


def register_gauge(name: str, help: str, read: Figures, *, labels: Sequence[str] = ()) -> None:
    """
    A room's figures, for example `register_gauge("marketplace_queue_age_seconds", "…", ages, labels=["consumer"])`.

    Read at each look at /metrics: one cheap statement. Counters and histograms of a room are
    prometheus_client's own, made at module level.
    """
    _gauges[name] = Gauge(name, help, tuple(labels), read)


class RoomGauges(Collector):
    """Asks the rooms. What one cannot say (its database is away) is left out, and the rest is shown."""

    def collect(self) -> Iterator[Metric]:
        for gauge in _gauges.values():
            family = GaugeMetricFamily(gauge.name, gauge.help, labels=gauge.labels)
            try:
                for labels, value in gauge.read():
                    family.add_metric(list(labels), value)
            except DatabaseError as failure:
                log.warning("figures_missing", name=gauge.name, failure=str(failure))
                continue
            yield family


def exposition() -> bytes:
    """Return all figures in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(RoomGauges())
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        MultiProcessCollector(registry)
        return generate_latest(registry)
    return generate_latest(REGISTRY) + generate_latest(registry)
