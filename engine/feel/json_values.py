"""FEEL values to JSON and back."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from engine.feel import temporal
from engine.feel.errors import FeelEvaluationError, budget_exceeded
from engine.feel.run import Environment, Run
from engine.feel.text import number_text, range_text
from engine.feel.values import READY, Function, Range, YearsDuration, lift_scalar

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]

MAX_PARTS: Final = 50_000
"""Parts of one value: shared parts of a small FEEL value can unfold to a huge JSON text."""
MAX_LEVELS: Final = 100
_MAX_DIGITS: Final = 34
_NO_TIME: Final = Environment(datetime(1970, 1, 1, tzinfo=UTC), max_steps=1_000_000, max_text=1_000_000)


class _Count:
    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_PARTS


def to_json(value: object) -> Json:
    """`value` as JSON: a whole number as int, another as float if that is exact to the last digit, else as text.

    Dates and times are ISO 8601 text, a date and time with its numeric offset; durations and ranges as FEEL text.
    Raises FeelEvaluationError `feel.not_json` for a function, `feel.budget` for too large a value.
    """
    return _json(value, _Count(), 0)


def _json(value: object, count: _Count, level: int) -> Json:
    count.left -= 1
    if count.left < 0:
        raise budget_exceeded("items", MAX_PARTS)
    if level > MAX_LEVELS:
        raise budget_exceeded("depth", MAX_LEVELS)
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, Decimal):
        return number_json(value)
    if isinstance(value, (list, tuple)):
        return [_json(item, count, level + 1) for item in value]
    if isinstance(value, dict):
        return {str(key): _json(item, count, level + 1) for key, item in value.items()}
    if isinstance(value, (int, float)):
        return _json(lift_scalar(value), count, level)
    return _text(value)


def number_json(number: Decimal) -> int | float | str:
    """The JSON number that says exactly `number`, or its digits as text when there is none."""
    if number.adjusted() < _MAX_DIGITS and number == number.to_integral_value():
        return int(number)
    nearest = float(number)
    if Decimal(repr(nearest)) == number:
        return nearest
    return number_text(number) if -60 < number.adjusted() < _MAX_DIGITS else str(number)


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return temporal.instant_text(value)
    if isinstance(value, date):
        return temporal.date_text(value)
    if isinstance(value, time):
        return temporal.time_text(value)
    if isinstance(value, timedelta):
        return temporal.days_text(value)
    if isinstance(value, YearsDuration):
        return temporal.years_text(value)
    if isinstance(value, Range):
        return range_text(value, Run(_NO_TIME))
    raise FeelEvaluationError("feel.not_json", {"kind": "function" if isinstance(value, Function) else "unknown"})


def from_json(value: object) -> object:
    """The FEEL value of JSON, all levels: numbers become exact decimals, text stays text (also ISO dates).

    Raises FeelEvaluationError `feel.budget` for more than MAX_LEVELS levels.
    """
    return _from(value, 0)


def _from(value: object, level: int) -> object:
    if level > MAX_LEVELS:
        raise budget_exceeded("depth", MAX_LEVELS)
    if isinstance(value, (list, tuple)):
        return [_from(item, level + 1) for item in value]
    if isinstance(value, dict):
        return {str(key): _from(item, level + 1) for key, item in value.items()}
    return value if type(value) in READY else lift_scalar(value)
