"""When a timer is due: BPMN 10.4.5, ISO 8601 repeating intervals."""

from __future__ import annotations

from datetime import datetime

from .diagram import Timer


def instants(timer: Timer, now: datetime) -> list[datetime]:
    """All instants at which a timer armed `now` fires, in order. Of a cycle with an end those that are past are lost
    (the project's choice)."""
    if timer.kind == "date":
        assert timer.start is not None
        return [timer.start]
    if timer.kind == "duration":
        return [now + timer.step]
    if timer.end is not None:
        return [at for at in (timer.end - timer.step * i for i in reversed(range(timer.count))) if at > now]
    elif timer.start is not None:
        first = timer.start
    else:
        first = now + timer.step
    return [first + timer.step * i for i in range(timer.count)]
