"""Equality, order and arithmetic of FEEL values (DMN 1.5, tables 45, 53 to 58): null for what has no meaning.

Beyond the standard: ISO text beside a date, time or duration is read as one, because case data is JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import cast

from engine.feel import temporal
from engine.feel.run import Run
from engine.feel.values import NUMBERS, Function, Range, YearsDuration, finite

_TEMPORAL = frozenset({date, time, datetime, timedelta, YearsDuration})
_SOME_DAY = date(2000, 1, 3)


def _same_kind(left: object, right: object) -> tuple[object, object] | None:
    """The two as values of one kind, reading ISO text beside a temporal value; None when there is no common kind."""
    left_kind, right_kind = type(left), type(right)
    if left_kind is right_kind:
        return left, right
    if left_kind is str and right_kind in _TEMPORAL:
        left = temporal.parse_temporal(cast(str, left))
    elif right_kind is str and left_kind in _TEMPORAL:
        right = temporal.parse_temporal(cast(str, right))
    return (left, right) if type(left) is type(right) else None


def equal(left: object, right: object, run: Run) -> bool | None:
    """Whether two values are equal; null when their kinds differ (table 53)."""
    kind = type(left)
    if kind is type(right):
        if kind is str or kind is Decimal or kind is bool:
            return left == right
        if kind is list:
            return _equal_lists(cast("list[object]", left), cast("list[object]", right), run)
        if kind is dict:
            return _equal_contexts(cast("dict[str, object]", left), cast("dict[str, object]", right), run)
    if left is None or right is None:
        return left is right
    pair = _same_kind(left, right)
    if pair is None:
        return None
    left, right = pair
    if isinstance(left, datetime):
        return temporal.position(left) == temporal.position(cast(datetime, right))
    if isinstance(left, time):
        return temporal.seconds_of(left) == temporal.seconds_of(cast(time, right))
    if isinstance(left, Range):
        return _equal_ranges(left, cast(Range, right), run)
    if isinstance(left, Function):
        return left is right or None
    return left == right


def _equal_lists(left: Sequence[object], right: Sequence[object], run: Run) -> bool | None:
    if len(left) != len(right):
        return False
    run.charge(len(left))
    run.enter()
    verdict: bool | None = True
    for one, other in zip(left, right, strict=True):
        same = equal(run.lift(one), run.lift(other), run)
        if same is False:
            verdict = False
            break
        if same is None:
            verdict = None
    run.leave()
    return verdict


def _equal_contexts(left: dict[str, object], right: dict[str, object], run: Run) -> bool | None:
    if left.keys() != right.keys():
        return False
    return _equal_lists(list(left.values()), [right[key] for key in left], run)


def _equal_ranges(left: Range, right: Range, run: Run) -> bool | None:
    # `(> 10)` and `(10..null)` hold the same values but are not the same range (DMN 1.5, table 53).
    if (left.start_included, left.end_included, left.unary) != (right.start_included, right.end_included, right.unary):
        return False
    return equal(left.start, right.start, run) and equal(left.end, right.end, run)


def order(left: object, right: object) -> int | None:
    """-1, 0 or 1 as `left` lies before, at or after `right`; null when the two have no order (table 54)."""
    kind = type(left)
    if kind is not type(right):
        pair = _same_kind(left, right)
        if pair is None:
            return None
        left, right = pair
        kind = type(left)
    if kind is Decimal or kind is str or kind is date or kind is timedelta or kind is YearsDuration:
        return int(left > right) - int(left < right)  # type: ignore[operator]
    if isinstance(left, datetime):
        first, second = temporal.position(left), temporal.position(cast(datetime, right))
        return (first > second) - (first < second)
    if isinstance(left, time):
        start, end = temporal.seconds_of(left), temporal.seconds_of(cast(time, right))
        return (start > end) - (start < end)
    return None


def less(left: object, right: object) -> bool | None:
    """`left < right`."""
    sign = order(left, right)
    return None if sign is None else sign < 0


def less_equal(left: object, right: object) -> bool | None:
    """`left <= right`."""
    sign = order(left, right)
    return None if sign is None else sign <= 0


def greater(left: object, right: object) -> bool | None:
    """`left > right`."""
    sign = order(left, right)
    return None if sign is None else sign > 0


def greater_equal(left: object, right: object) -> bool | None:
    """`left >= right`."""
    sign = order(left, right)
    return None if sign is None else sign >= 0


def within(value: object, interval: Range) -> bool | None:
    """Whether `value` lies in `interval`; null when it cannot be compared with an end."""
    if value is None:
        return None
    verdict: bool | None = True
    if interval.start is not None or not interval.unary:
        verdict = (less_equal if interval.start_included else less)(interval.start, value)
    if verdict is not False and (interval.end is not None or not interval.unary):
        upper = (less_equal if interval.end_included else less)(value, interval.end)
        verdict = upper if verdict or upper is False else None
    return verdict


def _holds(interval: Range, value: object, run: Run) -> bool | None:
    """Whether an interval written as a test holds `value`; another interval if equal; `(= x)`, `(!= x)` any kind."""
    if type(value) is Range:
        return equal(value, interval, run)
    if interval.unary and interval.start is interval.end:
        same = equal(value, interval.start, run)
        return same if interval.start_included or same is None else not same
    return within(value, interval)


def member(value: object, of: object, run: Run) -> bool | None:
    """`value in of`: an interval holds it, a list has it (or an interval that holds it), or the two are equal."""
    if type(of) is Range:
        return _holds(of, value, run)
    if type(of) is list:
        run.charge(len(of))
        if type(value) is list and equal(value, of, run):
            return True
        verdict: bool | None = False
        for item in of:
            found = _holds(item, value, run) if type(item) is Range else equal(value, item, run)
            if found:
                return True
            if found is None and item is not None and value is not None:
                verdict = None if verdict is None else verdict
        return verdict
    return equal(value, of, run)


def _number_pair(left: object, right: object) -> bool:
    return type(left) is Decimal and type(right) is Decimal


def add(left: object, right: object, run: Run) -> object:
    """`left + right`: numbers, strings, durations, and moments with durations."""
    if _number_pair(left, right):
        return finite(NUMBERS.add(left, right))  # type: ignore[arg-type]
    if type(left) is str and type(right) is str:
        run.room_for_text(len(left) + len(right))
        return left + right
    if isinstance(left, (timedelta, YearsDuration)):
        left, right = right, left
    if isinstance(right, (timedelta, YearsDuration)):
        if type(left) is type(right):
            return _checked(lambda: _sum_durations(left, right, 1))
        return _move(left, right, 1)
    return None


def subtract(left: object, right: object) -> object:
    """`left - right`: numbers, durations, a moment less a duration, the time between two moments."""
    if _number_pair(left, right):
        return finite(NUMBERS.subtract(left, right))  # type: ignore[arg-type]
    if isinstance(right, (timedelta, YearsDuration)):
        if type(left) is type(right):
            return _checked(lambda: _sum_durations(left, right, -1))
        return _move(left, right, -1)
    if isinstance(left, time) and isinstance(right, time):
        return temporal.duration_of(temporal.seconds_of(left) - temporal.seconds_of(right))
    start, end = temporal.as_temporal(right), temporal.as_temporal(left)
    if start is None or end is None:
        return None
    return temporal.between(start, end)


def _sum_durations(left: object, right: object, sign: int) -> object:
    if isinstance(left, timedelta) and isinstance(right, timedelta):
        return left + sign * right
    if isinstance(left, YearsDuration) and isinstance(right, YearsDuration):
        return YearsDuration(left.months + sign * right.months)
    return None


def _checked(make: Callable[[], object]) -> object:
    try:
        return make()
    except OverflowError:
        return None


def _move(moment: object, by: timedelta | YearsDuration, sign: int) -> object:
    if isinstance(moment, time):
        return _move_time(moment, by, sign) if isinstance(by, timedelta) else None
    day = temporal.as_temporal(moment)
    if day is None:
        return None
    if isinstance(by, YearsDuration):
        return temporal.shift_months(day, sign * by.months)
    return _checked(lambda: temporal.shift(day, sign * by))


def _move_time(clock: time, by: timedelta, sign: int) -> time | None:
    """A time moved around the clock; its zone stays."""
    moved = datetime.combine(_SOME_DAY, clock.replace(tzinfo=None))
    rest = timedelta(microseconds=(sign * (by // temporal.MICROSECOND)) % 86_400_000_000)
    return (moved + rest).time().replace(tzinfo=clock.tzinfo)


def multiply(left: object, right: object) -> object:
    """`left * right`: numbers, or a duration and a number."""
    if _number_pair(left, right):
        return finite(NUMBERS.multiply(left, right))  # type: ignore[arg-type]
    if isinstance(right, (timedelta, YearsDuration)):
        left, right = right, left
    return _scale(left, right, NUMBERS.multiply)


def divide(left: object, right: object) -> object:
    """`left / right`: numbers, a duration by a number, a duration by one of its kind (a number); null by zero."""
    if _number_pair(left, right):
        return finite(NUMBERS.divide(left, right))  # type: ignore[arg-type]
    if isinstance(left, timedelta) and isinstance(right, timedelta):
        return finite(NUMBERS.divide(temporal.seconds_in(left), temporal.seconds_in(right)))
    if isinstance(left, YearsDuration) and isinstance(right, YearsDuration):
        return finite(NUMBERS.divide(Decimal(left.months), Decimal(right.months)))
    return _scale(left, right, NUMBERS.divide)


def _scale(duration: object, by: object, operation: Callable[[Decimal, Decimal], Decimal]) -> object:
    if type(by) is not Decimal:
        return None
    if isinstance(duration, timedelta):
        return temporal.duration_of(operation(temporal.seconds_in(duration), by))
    if isinstance(duration, YearsDuration):
        months = operation(Decimal(duration.months), by)
        return YearsDuration(int(months)) if months.is_finite() and months.adjusted() < 12 else None
    return None


def power(left: object, right: object, run: Run) -> object:
    """`left ** right` for numbers; bounded because 34 digits and the exponent range 6144 bound the result."""
    if not _number_pair(left, right):
        return None
    whole = right == right.to_integral_value()  # type: ignore[attr-defined]
    run.charge(1 if whole else 20)
    return finite(NUMBERS.power(left, right))  # type: ignore[arg-type]


def negate(value: object) -> object:
    """`-value` for numbers and durations."""
    if type(value) is Decimal:
        return NUMBERS.minus(value)
    if isinstance(value, timedelta):
        return _checked(lambda: -value)
    if isinstance(value, YearsDuration):
        return YearsDuration(-value.months)
    return None


def conjunction(values: Sequence[object]) -> bool | None:
    """Three-valued AND of evaluated values: false wins, then null; what is not boolean counts as null."""
    verdict: bool | None = True
    for value in values:
        if value is False:
            return False
        if value is not True:
            verdict = None
    return verdict


def disjunction(values: Sequence[object]) -> bool | None:
    """Three-valued OR of evaluated values: true wins, then null."""
    verdict: bool | None = False
    for value in values:
        if value is True:
            return True
        if value is not False:
            verdict = None
    return verdict
