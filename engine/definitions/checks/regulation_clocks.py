"""When the timers around a place are due, tried on sample instants: whether a limit is one.

A timer is a limit for a duty if it is never due after the bound that the rule states, whenever the matter was
discovered and whenever the activity is entered. Entered later, the same limit must be due at the same instant.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from engine.definitions.model import TimerText
from engine.domain.calendar import ZONE

from .regulation_places import Places
from .regulation_values import DISCOVERED, NOW, evaluated, instant
from .regulation_walk import Walk

ISO_DURATION = re.compile(r"P(?=.)(\d+W)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?", re.ASCII)
ISO_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?", re.ASCII)


def _at(day: int, hour: int, minute: int) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=ZONE)


SAMPLES = (
    (DISCOVERED, NOW),
    (_at(2, 0, 1), _at(2, 0, 20)),
    (_at(2, 10, 0), _at(2, 18, 30)),
    (_at(2, 23, 50), _at(2, 23, 55)),
    (_at(2, 23, 50), _at(3, 0, 10)),
    (_at(2, 9, 0), _at(4, 11, 0)),
)
"""(discovered, the instant at which the duty begins): morning, just after and just before midnight, over midnight."""
DELAYS = (timedelta(0), timedelta(hours=3), timedelta(hours=30))
"""How much later the activity with the timer may be entered."""


def timers_around(places: Places, index: int) -> list[tuple[int, int]]:
    """(place of the timer event, place of its activity or -1 for the case) that run while a token is at a place."""
    found = []
    for host in [index, *places.hosts(index)]:
        place = places[host]
        found += [(b, host) for b in place.boundary if places[b].node.event.timer is not None]
        if place.body >= 0 and host != index:
            found += [(e, host) for e in places.scopes[place.body].events if timer_of(places, e) is not None]
    found += [(e, -1) for e in places.scopes[0].events if timer_of(places, e) is not None]
    return found


def timer_of(places: Places, index: int) -> TimerText | None:
    """The timer of a boundary event or of the start of an event sub-process."""
    place = places[index]
    if place.role == "host" and place.node.triggered:
        starts = places.scopes[place.body].entries
        return places[starts[0]].node.event.timer if starts else None
    return place.node.event.timer


def _moved(value: Any, discovered: datetime, since: datetime) -> Any:
    """Case data with the sample instants of the walk replaced by others."""
    if value == instant(DISCOVERED):
        return instant(discovered)
    if value == instant(NOW):
        return instant(since)
    return value


def due(walk: Walk, timer: TimerText, data: Mapping[str, Any], entered: datetime) -> datetime | None:
    """When a timer fires that is armed at `entered`; None for one that can't be computed, or repeats."""
    text = timer.text
    if timer.kind == "duration":
        source = f'duration("{text}")' if ISO_DURATION.fullmatch(text) else text
        length = evaluated(source, data, entered, walk.bundle)
        return entered + length if isinstance(length, timedelta) else None
    if timer.kind == "date":
        source = f'date and time("{text}")' if ISO_INSTANT.fullmatch(text) else text
        return moment(evaluated(source, data, entered, walk.bundle))
    return None


def moment(value: object) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, datetime):
        return value if value.tzinfo is not None else value.replace(tzinfo=ZONE)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=ZONE)
    return None


def lateness(
    walk: Walk, timer: TimerText, entered_with: Mapping[str, Any], begun_with: Mapping[str, Any], bound: str
) -> tuple[str, datetime | None, datetime | None]:
    """Whether a timer keeps the bound: ("", ...) if it does.

    `late`: due after it although entered at once; `moves`: only when entered later; `never`: can't be computed.
    With the due instant and the bound of the sample that shows it.
    """
    shown: tuple[str, datetime | None, datetime | None] = ("", None, None)
    for discovered, since in SAMPLES:
        origin = {name: _moved(value, discovered, since) for name, value in begun_with.items()}
        origin |= {"since": instant(since), "discovered_at": instant(discovered)}
        limit = moment(evaluated(bound, origin, since, walk.bundle))
        data = {name: _moved(value, discovered, since) for name, value in entered_with.items()}
        for delay in DELAYS:
            at = due(walk, timer, data, since + delay)
            if at is None or limit is None:
                return "never", at, limit
            if at > limit:
                if not delay:
                    return "late", at, limit
                shown = shown if shown[0] else ("moves", at, limit)
    return shown
