"""Figures of the outbox for a monitoring system."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from engine.domain.codec import instant_text, parse_instant

from . import metrics
from .outbox_tables import CHANNELS, deliveries


def _states(conn: Connection, now: datetime) -> Mapping[metrics.Labels, float]:
    """What waits and what is dead, by channel: partial indexes, and few rows while the channels work."""
    found: dict[metrics.Labels, float] = {(name, state): 0 for name in CHANNELS for state in ("waiting", "dead")}
    still: Any = deliveries.c.state.in_(("waiting", "sending"))
    for state, where in (("waiting", still), ("dead", deliveries.c.state == "dead")):
        rows = select(deliveries.c.channel, func.count()).where(where).group_by(deliveries.c.channel)
        found |= {(channel, state): count for channel, count in conn.execute(rows)}
    return found


def _oldest(conn: Connection, now: datetime) -> Mapping[metrics.Labels, float]:
    """Age of the oldest that is due and has not gone out; what waits for the end of quiet hours is not due."""
    still = deliveries.c.state.in_(("waiting", "sending")), deliveries.c.next_at <= instant_text(now)
    rows = select(deliveries.c.channel, func.min(deliveries.c.since)).where(*still).group_by(deliveries.c.channel)
    found: dict[metrics.Labels, float] = dict.fromkeys(CHANNELS, 0.0)
    found |= {name: max(0.0, (now - parse_instant(since)).total_seconds()) for name, since in conn.execute(rows)}
    return found


metrics.gauge("opinion_outbox", "Messages that wait or are dead", _states, ("channel", "state"))
metrics.gauge("opinion_outbox_oldest_seconds", "Age of the oldest message that is due", _oldest, ("channel",))
