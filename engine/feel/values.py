"""FEEL values as Python values, and how JSON comes in (DMN 1.5, 10.3.2).

| FEEL | Python |
|---|---|
| number | `decimal.Decimal`, 34 digits, finite |
| string, boolean, null | `str`, `bool`, `None` |
| date, time, date and time | `datetime.date`, `.time`, `.datetime`; no offset: Asia/Shanghai when an instant is meant |
| days and time duration | `datetime.timedelta` (microseconds) |
| years and months duration | `YearsDuration` |
| list, context, range, function | `list`, `dict`, `Range`, `Function` |

Contexts may hold plain JSON (int, float): whoever reads an entry lifts it. Values are never changed in place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

NUMBERS: Final = Context(prec=34, rounding=ROUND_HALF_EVEN, Emin=-6143, Emax=6144, traps=[], capitals=1, clamp=0)
"""IEEE 754-2008 decimal128 as FEEL numbers ask for; no traps, so a failure is NaN or Infinity and becomes null."""


@dataclass(frozen=True, slots=True, order=True)
class YearsDuration:
    """A years and months duration of `months` months (negative: backward)."""

    months: int


@dataclass(frozen=True, slots=True)
class Range:
    """An interval; `None` for an end that is open for ever. `unary`: written as a comparison such as `(> 5)`."""

    start: object
    end: object
    start_included: bool
    end_included: bool
    unary: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A function value: `call(run, arguments)` with exactly the parameters named in `parameters`."""

    parameters: tuple[str, ...]
    call: Callable[[object, Sequence[object]], object]


_KINDS: Final[dict[type, str]] = {
    Decimal: "number",
    str: "string",
    bool: "boolean",
    type(None): "null",
    date: "date",
    time: "time",
    datetime: "date and time",
    timedelta: "days and time duration",
    YearsDuration: "years and months duration",
    list: "list",
    dict: "context",
    Range: "range",
    Function: "function",
}
KINDS: Final = frozenset(_KINDS.values())


def kind_of(value: object) -> str:
    """The FEEL kind of a lifted value, by its DMN name; `null` for None."""
    return _KINDS[type(value)]


def finite(number: Decimal) -> Decimal | None:
    """`number`, or null when it overflowed or is not a number."""
    return number if number.is_finite() else None


READY: Final = frozenset(_KINDS) - {list}
"""Python types that are FEEL values as they are. Lists are not: what they hold may have to be lifted."""


_EXACT: Final = 10**34


def lift_scalar(value: object) -> object:
    """The FEEL value of what is neither in READY nor a plain list or tuple.

    int and float become Decimal (a float by its shortest decimal writing: 0.1 is 0.1), NaN and Infinity null;
    subclasses what they are at heart (an enum of str, an ordered dict); unknown objects null, never reachable.
    """
    if isinstance(value, int):
        if -_EXACT < value < _EXACT:
            return Decimal(value)
        return finite(NUMBERS.create_decimal(int(value)))
    if isinstance(value, float):
        return NUMBERS.create_decimal(repr(float(value))) if math.isfinite(value) else None
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Mapping):
        return {str(key): item for key, item in value.items()}
    return None


def is_true(value: object) -> bool:
    """Whether `value` is exactly the boolean true: null and everything else is not."""
    return value is True
