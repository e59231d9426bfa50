"""Prometheus metrics, served at `/metrics`."""

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector


class Metrics:
    """A registry of its own for each app, so that two apps in one process do not mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.deliveries = Counter(
            "bridge_deliveries", "Webhook deliveries by answer.", ["answer"], registry=self.registry
        )
        self._answers: dict[int, Counter] = {}
        self.translated = Counter(
            "bridge_translated", "Deliveries turned into messages.", ["event"], registry=self.registry
        )
        self._events: dict[str, Counter] = {}
        self.posted = Counter("bridge_posted", "Messages that Flowdock accepted.", registry=self.registry)
        self.retried = Counter("bridge_retried", "Failed attempts that are retried.", registry=self.registry)
        self.dead_letters = Counter(
            "bridge_dead_letters", "Entries that became dead letters.", registry=self.registry
        )
        self.refused = Counter(
            "bridge_refused",
            "Deliveries refused because a budget was used up, by budget.",
            ["budget"],
            registry=self.registry,
        )
        self.waiting = Gauge(
            "bridge_waiting_bytes",
            "Bytes waiting in the queue, compressed.",
            registry=self.registry,
            multiprocess_mode="mostrecent",
        )
        self.actions = Counter(
            "bridge_actions", "Clicks by action and answer.", ["action", "status"], registry=self.registry
        )
        self.notifications = Counter(
            "bridge_notifications", "Notifications by outcome.", ["way", "outcome"], registry=self.registry
        )
        self.latency = Histogram(
            "bridge_delivery_seconds",
            "From the webhook's arrival to Flowdock's answer.",
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 3600, 86400),
            registry=self.registry,
        )

    def translation(self, event: str) -> None:
        """Count a delivery that was translated."""
        if (counter := self._events.get(event)) is None:
            counter = self._events[event] = self.translated.labels(event=event)
        counter.inc()

    def refuse(self, budget: str) -> None:
        """Count a delivery that there was no room for: of its `repository`, or in the whole `queue`."""
        self.refused.labels(budget=budget).inc()

    def notification(self, way: str, outcome: str) -> None:
        """Count an attempt to notify a person, by `push` or `mail`."""
        self.notifications.labels(way=way, outcome=outcome).inc()

    def delivery(self, status: int) -> None:
        """Count a webhook delivery that was answered with an HTTP status."""
        # To look up a label's counter takes longer than to count.
        if (counter := self._answers.get(status)) is None:
            counter = self._answers[status] = self.deliveries.labels(answer=str(status))
        counter.inc()

    def exposition(self) -> bytes:
        """Return all web processes' metrics in Prometheus's text format."""
        registry = self.registry
        # https://prometheus.github.io/client_python/multiprocess/
        if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            registry = CollectorRegistry()
            MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
