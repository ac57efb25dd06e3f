"""Figures for a monitoring system, in Prometheus' text format: what this process counted, and what the database says.

Others add theirs when their module is loaded: `gauge` for what the database says at the moment of asking, `counter` and
`histogram` for what happens in this process. Names begin with `opinion_`; no label ever holds a case, a person or a
word of either: a monitoring system keeps what it is told for months, and is read by people who may not read cases.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from engine import VERSION
from engine.domain.codec import JSON
from engine.journal.entry import StoredEntry

from . import health

if TYPE_CHECKING:
    from .bootstrap import Services

log = logging.getLogger("opinion.metrics")

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Labels = str | tuple[str, ...]
"""Values of a gauge's labels in their order; the bare word where it has one, () where it has none."""
Read = Callable[[Connection, datetime], Mapping[Labels, float]]
"""Reads a gauge. Must stay cheap however many cases there are: an index, and rows that are few at all times."""

disable_created_metrics()  # type: ignore[no-untyped-call]
OF_PROCESS: Final = CollectorRegistry()
ProcessCollector(registry=OF_PROCESS)  # memory, processor time, open files: of Linux only, absent elsewhere


@dataclass(frozen=True, slots=True)
class Gauge:
    """A figure that the database is asked for at each scrape."""

    name: str
    help: str
    read: Read
    labels: tuple[str, ...] = ()

    def family(self, values: Mapping[Labels, float]) -> GaugeMetricFamily:
        made = GaugeMetricFamily(self.name, self.help, labels=self.labels)
        for found, value in sorted(values.items(), key=str):
            made.add_metric((found,) if isinstance(found, str) else found, value)
        return made


_gauges: dict[str, Gauge] = {}


def gauge(name: str, help: str, read: Read, labels: Sequence[str] = ()) -> Gauge:
    """Adds a figure of the database. Raises ValueError for a name that is taken."""
    if name in _gauges:
        raise ValueError(f"expected a new name, {name} is taken")
    _gauges[name] = Gauge(name, help, read, tuple(labels))
    return _gauges[name]


def counter(name: str, help: str, labels: Sequence[str] = ()) -> Counter:
    """A count of what happens in this process; `_total` is added to its name."""
    return Counter(name, help, labels, registry=OF_PROCESS)


def histogram(name: str, help: str, labels: Sequence[str] = (), buckets: Sequence[float] = ()) -> Histogram:
    """A distribution of what is measured in this process, in the unit that its name ends with."""
    if buckets:
        return Histogram(name, help, labels, registry=OF_PROCESS, buckets=buckets)
    return Histogram(name, help, labels, registry=OF_PROCESS)


REQUESTS: Final = counter("opinion_http_requests", "Requests answered", ("route", "method", "status"))
REQUEST_SECONDS: Final = histogram(
    "opinion_http_request_seconds",
    "Time to answer a request",
    ("route", "method"),
    (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.8, 1.0, 2.5, 5.0, 10.0),
)
ENTRIES: Final = counter("opinion_entries", "Entries that this process wrote to the journal, by command", ("command",))
INCIDENTS: Final = counter("opinion_incidents", "Turns that failed and were undone; the case waits for a person")
LATENESS: Final = histogram(
    "opinion_timer_lateness_seconds",
    "How long after its due instant a timer was fired, timers due when the limit was set included",
    (),
    (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 3600.0, 86400.0),
)
UNREADABLE: Final = counter("opinion_metrics_unreadable", "Figures that could not be read at a scrape", ("figure",))


def written(entries: Sequence[StoredEntry]) -> None:
    """Counts what this process has committed to the journal."""
    for entry in entries:
        ENTRIES.labels(str(entry.command["kind"])).inc()
        for event in entry.events:
            if event["kind"] == "TimerFired":
                LATENESS.observe(_seconds(event["late_seconds"]))
            elif event["kind"] == "IncidentRaised":
                INCIDENTS.inc()


def _seconds(value: JSON) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def render(services: Services) -> bytes:
    """Everything, for one scrape. Without a database `opinion_database_up` is 0, and what this process counted is told
    all the same."""
    shown = CollectorRegistry()
    shown.register(_OfInstallation(services))
    installation = generate_latest(shown)  # first: what could not be read is counted in the other
    return installation + generate_latest(OF_PROCESS)


class _OfInstallation(Collector):
    """The gauges, read once; a figure that can't be read is left out and counted."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterable[Metric]:
        services = self._services
        told = GaugeMetricFamily("opinion_build_info", "Release of the program; always 1", labels=("version",))
        told.add_metric((VERSION,), 1.0)
        yield told
        yield from _pool(services)
        if (free := health.free_bytes(services.settings.data_dir)) is not None:
            yield GaugeMetricFamily("opinion_disk_free_bytes", "Free bytes where the data folder lies", value=free)
        up = 0.0
        try:
            with services.engine.connect() as conn:
                up = 1.0
                yield from _read(conn, services.clock.now(), (*_gauges.values(), _jobs(services)))
        except SQLAlchemyError as error:
            up = 0.0
            log.warning("database not read for metrics", extra={"fault": type(error).__name__})
        yield GaugeMetricFamily("opinion_database_up", "1: the database answered this scrape", value=up)

    def describe(self) -> Iterable[Metric]:
        return ()  # nothing is read when it is registered


def _jobs(services: Services) -> Gauge:
    """Which of the two queues this database has is known to the services only. Done jobs leave no row."""

    def read(conn: Connection, now: datetime) -> Mapping[Labels, float]:
        return {state: float(number) for state, number in services.jobs.counts(conn).items()}

    return Gauge("opinion_jobs", "Background jobs that wait, run, or were given up", read, ("state",))


def _read(conn: Connection, now: datetime, gauges: Iterable[Gauge]) -> Iterator[Metric]:
    for one in gauges:
        try:
            with conn.begin():
                values = one.read(conn, now)
        except SQLAlchemyError as error:
            UNREADABLE.labels(one.name).inc()
            log.warning("figure not read", extra={"figure": one.name, "fault": type(error).__name__})
            if conn.invalidated or conn.closed:
                raise
            continue
        yield one.family(values)


def _pool(services: Services) -> Iterator[Metric]:
    pool = services.engine.pool
    made = GaugeMetricFamily(
        "opinion_database_connections", "Connections of this process to the database", labels=("state",)
    )
    for state, method in (("in_use", "checkedout"), ("idle", "checkedin")):
        counted = getattr(pool, method, None)  # a pool without a size has no count
        if counted is not None:
            made.add_metric((state,), float(counted()))
    yield made
