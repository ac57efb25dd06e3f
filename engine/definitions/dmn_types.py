"""The types that DMN files name, and values read as them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from engine.feel.temporal import parse_date_time, parse_duration, parse_time
from engine.feel.values import YearsDuration, kind_of

KINDS: Mapping[str, str] = {
    "string": "string",
    "boolean": "boolean",
    "number": "number",
    "integer": "number",
    "long": "number",
    "double": "number",
    "date": "date",
    "time": "time",
    "dateTime": "date and time",
    "date and time": "date and time",
    "dayTimeDuration": "days and time duration",
    "days and time duration": "days and time duration",
    "yearMonthDuration": "years and months duration",
    "years and months duration": "years and months duration",
}
"""Type names modelers write, and the FEEL kinds they ask for; any other name is not checked."""


def typed(value: object, type_name: str) -> tuple[bool, object]:
    """Whether `value` is of the type, and the value: ISO text is read where a date, time or duration is asked for.

    Null is of every type; a list of one item serves as that item (DMN 1.5, 10.3.2.9.4). A date serves as a date and
    time at its midnight, as form fields of either kind write it.
    """
    kind = KINDS.get(type_name)
    if kind is None or value is None:
        return True, value
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, str) and kind != "string":
        value = _read(value, kind)
    if kind == "date" and isinstance(value, datetime):
        value = value.date()
    elif kind == "date and time" and isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, datetime.min.time())
    return kind_of(value) == kind, value


def _read(text: str, kind: str) -> object:
    if kind in ("date", "date and time"):
        return parse_date_time(text) if len(text) <= 100 else None
    if kind == "time":
        return parse_time(text)
    duration = parse_duration(text)
    if kind == "days and time duration":
        return None if isinstance(duration, YearsDuration) else duration
    return duration if isinstance(duration, YearsDuration) and kind == "years and months duration" else None
