"""What Prometheus reads of a server: calls, durations, bytes, and the queue of jobs."""

from collections import Counter as Counts

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from flows.settings import Settings
from flows.store.job_folder import JobFolder
from flows.store.requests.queue import queued_jobs
from flows.store.requests.request import is_started


class _Queue(Collector):
    """The jobs of the queue, counted when they are asked for."""

    def __init__(self, settings: Settings, ended: Counts[str]) -> None:
        self._settings, self._ended = settings, ended

    def collect(self) -> list[Metric]:
        """Return the two gauges, and how many have ended."""
        ended = CounterMetricFamily("user_import_jobs_ended", "Requested jobs that have ended.", labels=["status"])
        for status, number in [*self._ended.items()]:
            ended.add_metric([status], number)
        jobs = queued_jobs(self._settings)
        running = sum(is_started(JobFolder(self._settings.jobs_folder / job)) for job in jobs)
        return [
            GaugeMetricFamily("user_import_jobs_running", "Requested jobs that run.", running),
            GaugeMetricFamily("user_import_jobs_waiting", "Requested jobs that wait.", len(jobs) - running),
            ended,
        ]


class Metrics:
    """The metrics of one server."""

    def __init__(self, settings: Settings, *, ended: Counts[str]) -> None:
        """Register them; `ended` counts the jobs of this process by status."""
        self._registry = CollectorRegistry()
        labels = ("method", "route")
        self._calls = Counter(
            "user_import_calls", "Calls, by route and status.", (*labels, "status"), registry=self._registry
        )
        self._seconds = Histogram("user_import_call_seconds", "Duration of calls.", labels, registry=self._registry)
        self._received = Counter("user_import_received_bytes", "Bytes of bodies.", labels, registry=self._registry)
        self._registry.register(_Queue(settings, ended))

    def count(self, *, method: str, route: str, status: int, seconds: float, received: int) -> None:
        """Count a call that has been answered."""
        self._calls.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)
        self._received.labels(method, route).inc(received)

    def render(self) -> bytes:
        """Return the metrics as text."""
        return generate_latest(self._registry)
