"""When a timer is due: BPMN 10.4.5, ISO 8601 repeating intervals."""

from __future__ import annotations

from datetime import datetime

from .diagram import Timer


def instants(timer: Timer, now: datetime) -> list[datetime]:
    """All instants at which a timer armed `now` fires, in order."""
    if timer.kind == "date":
        assert timer.start is not None
        return [timer.start]
    if timer.kind == "duration":
        return [now + timer.step]
    if timer.end is not None:
        first = timer.end - timer.step * (timer.count - 1)
    elif timer.start is not None:
        first = timer.start
    else:
        first = now + timer.step
    return [first + timer.step * i for i in range(timer.count)]
