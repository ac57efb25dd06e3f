"""The watchdog's figure for the monitoring system."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection

from . import delays, metrics


def _overdue(conn: Connection, now: datetime) -> Mapping[metrics.Labels, float]:
    return {bucket: float(number) for bucket, number in delays.overdue(conn, now).items()}


metrics.gauge(
    "opinion_timers_overdue", "Armed timers past their due instant, by more than so much", _overdue, ("bucket",)
)
